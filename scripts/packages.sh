#!/bin/sh
# What make install and the Debian packages put somewhere, as a program of somebody else's finds it: C and C++, by
# pkg-config and by CMake, shared and static, from trees that are not in their places. TAP. What a tool is missing for
# is skipped. Programs must not find target/release, so each is asked what it loads.
set -eu
cd "$(dirname "$0")/.."
: "${CC:=cc}" "${CXX:=c++}" "${PYTHON:=python3}"

work=$PWD/target/packages consumer=$PWD/packaging/consumer
version=$(sed -n '/^version = /{ s/.*"\(.*\)"/\1/p; q; }' Cargo.toml)
said="RPC_E_CALL_CANCELED, fate 3, version $(sed -n 's/^#define CALL_VERSION 0x\(.*\)u .*/\1/p' include/call.h)"
number=0 failures=0
rm -rf "$work"
mkdir -p "$work"

# check NAME COMMAND...: one line of TAP; what a failed command said goes below it.
check() {
    name=$1 number=$((number + 1))
    shift
    if "$@" >"$work/log" 2>&1; then
        echo "ok $number - $name"
    else
        echo "not ok $number - $name"
        sed 's/^/#   /' "$work/log" | head -n 40
        failures=$((failures + 1))
    fi
}

skip() {
    number=$((number + 1))
    echo "ok $number - $1 # SKIP $2"
}

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
    check "$label: each header compiles alone, as C++17" headers
    check "$label: examples build and run" examples
    check "$label: each function has its page" pages_are_there
    check "$label: the archive shows the functions alone" archive_shows "$tree$libdir/libcall.a"
    check "$label: the library exports each function under its version" library_exports "$tree$libdir/libcall.so"
}

# left TREE: what is still there.
nothing_left() {
    find "$1" ! -type d >"$work/left"
    find "$1" -type d -name 'libcall*' >>"$work/left"
    cat "$work/left"
    [ ! -s "$work/left" ]
}

installed() { make -s "$1" CARGO=no-cargo DESTDIR="$work/dest" PREFIX=/usr; }

# The Debian packages go into a root of their own, and the machine stays as it is.
debian_root() {
    root=$work/root
    mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates"
    : >"$root/var/lib/dpkg/status"
    if [ "$(id -u)" -eq 0 ]; then
        dpkg --root="$root" --force-depends --install target/deb/libcall0_*.deb target/deb/libcall-dev_*.deb
    else
        for package in target/deb/libcall0_*.deb target/deb/libcall-dev_*.deb; do dpkg-deb -x "$package" "$root" || return 1; done
    fi
}

of_this_version() {
    head -n 1 debian/changelog | grep -F "($version)" && grep -x "Package: libcall$(cat abi/number)" debian/control
}

debian_gone() {
    dpkg --root="$work/root" --force-depends --remove libcall-dev libcall0 && nothing_left "$work/root/usr"
}

libdir=/usr/lib docdir=/usr/share/doc/libcall
check "make install" installed install
tree "DESTDIR" "$work/dest"
rustc --edition 2024 -O --crate-type staticlib -o "$work/libother.a" "$consumer/other.rs"
check "the archive goes beside another one made of Rust" beside "$work/dest$libdir/libcall.a"
check "cargo's own archive does not" fails beside target/release/libcall.a
check "the C suite, some of it, with the installed library" make -s -C ctests test MATRIX= OUT="$work/ctests" \
    LIBDIR="$work/dest$libdir" INCDIR="$work/dest/usr/include" TESTS="${PACKAGES_TESTS:-call cancel fate library object unload}"
check "make uninstall leaves nothing" eval 'installed uninstall && nothing_left "$work/dest"'

if have dh && have dpkg; then
    libdir=/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH) docdir=/usr/share/doc/libcall-dev
    check "the packages are of the library's version and ABI" of_this_version
    check "make deb" make deb
    check "the packages install" debian_root
    tree "Debian" "$work/root"
    if [ "$(id -u)" -eq 0 ]; then check "removing the packages leaves nothing" debian_gone; fi
else
    skip "the Debian packages" "there is no debhelper"
fi
echo "1..$number"
[ "$failures" -eq 0 ]
