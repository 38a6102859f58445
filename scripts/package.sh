#!/bin/sh
# Makes in target/package what is installed, out of target/release/libcall.a, since cargo's own results
# are not fit for it: its archive shows the symbols of Rust's standard library, which would meet those
# of another Rust archive, and rustc takes no version script beside its own. Everything is linked
# into one object whose only global symbols are the functions of abi/record.tsv; the archive is that
# object, and the shared library is linked from it, with symbol versions.
set -eu
cd "$(dirname "$0")/.."
: "${CC:=cc}" "${LD:=ld}" "${OBJCOPY:=objcopy}" "${AR:=ar}" "${NM:=nm}" "${PYTHON:=python3}"

abi=$(cat abi/number)
name=libcall.so.$($PYTHON scripts/abi.py)
out=target/package
archive=target/release/libcall.a
rm -rf "$out"
mkdir -p "$out/build"
awk -F '\t' '$1 == "function" { print $2 }' abi/record.tsv >"$out/build/functions"
$PYTHON scripts/version_script.py >"$out/build/libcall.map"

# Only what the functions need; groups of sections are dissolved, as a group that another archive
# has too would be thrown away with symbols that are ours alone.
# shellcheck disable=SC2046 # the functions are words
"$LD" -r --gc-sections --force-group-allocation $(sed 's/^/-u /' "$out/build/functions") \
    -o "$out/build/all.o" "$archive"
# Rust's bitcode goes, which other compilers' tools cannot read. So do symbols that nothing asks for any
# more: another archive asks for some of them weakly, as glibc may not have them.
"$OBJCOPY" --remove-section=.llvmbc --remove-section=.llvmcmd "$out/build/all.o"
"$NM" --undefined-only --format=posix "$out/build/all.o" >"$out/build/symbols"
cut -d ' ' -f 1 "$out/build/symbols" >"$out/build/undefined"
"$OBJCOPY" --keep-global-symbols="$out/build/functions" --strip-unneeded-symbols="$out/build/undefined" \
    "$out/build/all.o" "$out/build/libcall.o"
"$AR" rcsD "$out/libcall.a" "$out/build/libcall.o"

"$CC" -shared -o "$out/$name" -Wl,-soname,"libcall.so.$abi" -Wl,--version-script,"$out/build/libcall.map" \
    -Wl,-z,nodelete -Wl,-z,relro -Wl,-z,now -Wl,-z,defs -Wl,--gc-sections -Wl,--as-needed -Wl,--build-id \
    -Wl,--hash-style=gnu ${LDFLAGS:-} "$out/build/libcall.o" -lpthread -ldl -lm
ln -s "$name" "$out/libcall.so.$abi"
ln -s "libcall.so.$abi" "$out/libcall.so"
rm -r "$out/build"
