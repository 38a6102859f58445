#!/bin/sh
# header_sources.sh HEADER FOLDER: writes the sources that header_matrix.sh compiles, from what the
# header itself defines: macros.c, layout.c and kinds.c, with the number of errors that kinds.c has.
header=$1 folder=$2

# Object-like macros with a value, and the number that the comment beside some of them gives.
macros=$(sed -n 's/^[[:space:]]*#[[:space:]]*define[[:space:]]\{1,\}\([A-Za-z_0-9]*\)[[:space:]]\{1,\}[^[:space:]].*/\1/p' "$header" |
    grep -v '^CALL_MUST_USE$' | sort -u)
[ -n "$macros" ] || { echo "Bail out! $header defines no number" && exit 1; }
hex_of() { sed -n "s,^#define $1 .*/\* 0x\([0-9A-F]\{8\}\) \*/.*,\1,p" "$header"; }

# Codes are signed 32 bits, and no two are one: the switch says so. The alias is left out of it.
codes() { echo "$macros" | grep -E '^(S|E|RPC_S|RPC_E|CO_E|DISP_E|CALL_S|CALL_E)_' | grep -v '^RPC_E_CALL_PENDING$'; }
{
    echo '#include "call.h"'
    echo '#ifdef CALL_ASSERT_LAYOUT'
    echo '#error a macro of the header alone is left behind'
    echo '#endif'
    for name in $macros; do
        printf '#ifndef %s\n#error %s\n#endif\n' "$name" "$name"
        printf '#if %s < 0\ntypedef char sign_of_%s[0LL + %s < 0 ? 1 : -1];\n' "$name" "$name" "$name"
        printf '#else\ntypedef char sign_of_%s[0LL + %s < 0 ? -1 : 1];\n#endif\n' "$name" "$name"
        printf 'extern const long long value_of_%s;\nconst long long value_of_%s = %s;\n' "$name" "$name" "$name"
    done
    for name in $(codes); do
        hex=$(hex_of "$name")
        [ -n "$hex" ] || echo "#error $name has no number beside it"
        signed="(0x${hex}LL - (0x${hex}LL >> 31) * 0x100000000LL)"
        printf '#if %s != %s\n#error %s\n#endif\n' "$name" "$signed" "$name"
        printf 'typedef char number_of_%s[0LL + %s == %s ? 1 : -1];\n' "$name" "$name" "$signed"
    done
    echo 'const char *name_of(call_hresult_t code);'
    echo 'const char *name_of(call_hresult_t code) {'
    echo '    switch (code) {'
    for name in $(codes); do echo "    case $name: return \"$name\";"; done
    echo '    default: return NULL;'
    echo '    }'
    echo '}'
} >"$folder/macros.c"

# Handles are what functions take by value and is no number: structs with one field, a uint64_t.
handles=$(tr '\n' ' ' <"$header" | grep -oE '[(,] *(struct )?call_([a-z_]+_)?t [a-z_]+ *[,)]' |
    grep -oE 'call_([a-z_]+_)?t ' | tr -d ' ' | grep -vE '^call_(hresult|fate)_t$' | sort -u)
[ -n "$handles" ] || { echo "Bail out! $header declares no handle" && exit 1; }
{
    echo '#include "call.h"'
    for type in $handles; do
        echo "struct with_$type { char before; $type handle; };"
        echo "struct with_number_$type { char before; uint64_t number; };"
        echo "typedef char size_of_$type[sizeof($type) == 8 && sizeof($type) == sizeof(uint64_t) ? 1 : -1];"
        echo "typedef char place_in_$type[offsetof($type, id) == 0 ? 1 : -1];"
        echo "typedef char alignment_of_$type[offsetof(struct with_$type, handle)"
        echo "    == offsetof(struct with_number_$type, number) ? 1 : -1];"
    done
} >"$folder/layout.c"

# One error for each pair of kinds.
{
    echo '#include "call.h"'
    for type in $handles; do
        for other in $handles; do
            [ "$type" = "$other" ] ||
                echo "void ${other}_from_$type($type *from, $other *to); void ${other}_from_$type($type *from, $other *to) { *to = *from; }"
        done
    done
} >"$folder/kinds.c"
grep -c ' = ' "$folder/kinds.c" >"$folder/kinds.count"
