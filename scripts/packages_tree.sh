# For packages.sh, which reads this file: what is asked of one tree, of an archive and of a library. It sets `work`, the
# folder for what is built, `consumer`, that of the sources, `said`, what their programs say, the `version`, and where the
# tree has things, `libdir` and `docdir`.

have() { command -v "$1" >/dev/null; }
fails() { ! "$@"; }

# runs PROGRAM shared|static LIBDIR: it says what it should, and loads the library of that tree or none.
runs() {
    output=$(LD_LIBRARY_PATH="$3" timeout 60 "$1") || return 1
    echo "$output"
    [ "$output" = "$said" ] || return 1
    loaded=$(LD_LIBRARY_PATH="$3" ldd "$1" 2>&1 | grep libcall || true)
    case $2 in
        shared) [ "$(echo "$loaded" | cut -d ' ' -f 3)" = "$3/libcall.so.$(cat abi/number)" ] ;;
        static) [ -z "$loaded" ] ;;
    esac || { echo "loads: $loaded"; return 1; }
}

# built KIND LIBDIR PROGRAM COMPILER ARGUMENTS...
built() {
    kind=$1 where=$2 program=$3
    shift 3
    echo "$@"
    "$@" -o "$program" && runs "$program" "$kind" "$where"
}

# In a tree that is not in its place, pkg-config has to be told so.
pkg() {
    PKG_CONFIG_LIBDIR="$tree$libdir/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$tree" PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 \
        PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 pkg-config "$@"
}

by_pkg_config() {
    have pkg-config || { skip "$label: pkg-config" "it is not installed"; return; }
    for module in libcall:shared libcall-static:static; do
        kind=${module#*:} flags=$(pkg --cflags --libs "${module%:*}")
        # shellcheck disable=SC2086 # the flags are words
        check "$label: a C program, $kind, by pkg-config" \
            built "$kind" "$tree$libdir" "$work/c" "$CC" -std=c11 "$consumer/consumer.c" $flags
        # shellcheck disable=SC2086
        check "$label: a C++ program, $kind, by pkg-config" \
            built "$kind" "$tree$libdir" "$work/cpp" "$CXX" -std=c++11 "$consumer/consumer.cpp" $flags
    done
    if echo 'int main(void) { return 0; }' | $CC -static -x c - -o "$work/c" 2>/dev/null; then
        # shellcheck disable=SC2046
        check "$label: a C program, static altogether, by pkg-config" \
            built static "$tree$libdir" "$work/c" "$CC" -std=c11 -static "$consumer/consumer.c" \
            $(pkg --static --cflags --libs libcall)
    else
        skip "$label: a C program, static altogether" "there is no static C library"
    fi
    check "$label: the version that pkg-config gives is that of the library" \
        test "$(pkg --modversion libcall)" = "$version"
}

# cmakes VERSION: the project asks for this version.
cmakes() {
    rm -rf "$work/cmake"
    cmake -S "$consumer" -B "$work/cmake" -DWANTED="$1" -DCMAKE_PREFIX_PATH="$tree/usr" \
        -DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF && cmake --build "$work/cmake"
}

by_cmake() {
    have cmake || { skip "$label: CMake" "it is not installed"; return; }
    check "$label: CMake refuses a version that is not there" fails cmakes "${version%%.*}.999"
    check "$label: CMake finds the package and builds four programs" cmakes "$version"
    for program in c-shared cpp-shared c-static cpp-static; do
        check "$label: $program, by CMake" runs "$work/cmake/$program" "${program#*-}" "$tree$libdir"
    done
}

headers() {
    for header in "$tree"/usr/include/*.h "$tree"/usr/include/*.hpp; do
        [ ! -e "$header" ] || echo "#include <${header##*/}>" | $CXX -std=c++17 -I"$tree/usr/include" -fsyntax-only -x c++ - ||
            return 1
    done
}

examples() {
    for example in primes three_steps apartments deadlines; do
        $CC -std=c11 -D_GNU_SOURCE -pthread "$tree$docdir/examples/$example.c" -I"$tree/usr/include" -L"$tree$libdir" -lcall \
            -o "$work/$example" && LD_LIBRARY_PATH="$tree$libdir" ldd "$work/$example" | grep -q "$tree$libdir/libcall" || return 1
    done
    LD_LIBRARY_PATH="$tree$libdir" timeout 60 "$work/primes" 1000 | grep -x 'S_OK: 168 primes, fate COMPLETED'
}

# The functions of the record, and nothing else, under the versions that first had them.
names() { awk -F '\t' '$1 == "function" { print $2 }' abi/record.tsv | LC_ALL=C sort; }

archive_shows() {
    nm -g --defined-only "$1" | awk 'NF == 3 { print $3 }' | LC_ALL=C sort >"$work/shown"
    names | diff - "$work/shown"
}

library_exports() {
    nm -D --defined-only --with-symbol-versions "$1" | awk '$2 == "T" { print $3 }' | LC_ALL=C sort >"$work/shown"
    awk -F '\t' '$1 == "function" { print $2 "@@LIBCALL_" $3 }' abi/record.tsv | LC_ALL=C sort | diff - "$work/shown" &&
        readelf -dW "$1" >"$work/dynamic" &&
        cat "$work/dynamic" && grep -q "soname: \[libcall.so.$(cat abi/number)\]" "$work/dynamic" && grep -q 'FLAGS_1.*NODELETE' "$work/dynamic"
}

# Every symbol of both archives, so that each that both have is an error.
beside() {
    $CC -std=c11 -Iinclude "$consumer/beside.c" -Wl,--whole-archive "$1" "$work/libother.a" -Wl,--no-whole-archive \
        -Wl,--gc-sections -lpthread -ldl -lm -o "$work/beside" && timeout 60 "$work/beside"
}

pages_are_there() {
    for function in $(names); do
        page=$tree/usr/share/man/man3/$function.3
        { cat "$page" 2>/dev/null || gzip -dc "$page.gz"; } | grep -q "^$function " || { echo "$function has no page"; return 1; }
    done
}

# tree LABEL TREE: everything of one tree.
tree() {
    label=$1 tree=$2
    by_pkg_config
    by_cmake
    in_child_processes
    check "$label: each header compiles alone, as C++17" headers
    check "$label: examples build and run" examples
    check "$label: each function has its page" pages_are_there
    check "$label: the archive shows the functions alone" archive_shows "$tree$libdir/libcall.a"
    check "$label: the library exports each function under its version" library_exports "$tree$libdir/libcall.so"
}
