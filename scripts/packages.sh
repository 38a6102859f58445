#!/bin/sh
# What make install and the Debian packages put somewhere, as a program of somebody else's finds it: C and C++, by
# pkg-config and by CMake, shared and static, from trees that are not in their places. TAP. What a tool is missing for
# is skipped. Programs must not find target/release, so each is asked what it loads.
set -eu
cd "$(dirname "$0")/.."
: "${CC:=cc}" "${CXX:=c++}"

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

. scripts/packages_tree.sh
. scripts/packages_children.sh

# nothing_left TREE: neither a file nor a folder of the library's own.
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
