#!/bin/sh
# Installs with make and with cargo-c, and compares the trees: the same names but for those that docs/packages.md
# says make alone installs, the same header, and a library of the same soname and functions.
set -eu
cd "$(dirname "$0")/.."

cargo cinstall --version >/dev/null 2>&1 || { echo "cargo-c is missing: cargo install cargo-c" >&2; exit 1; }
ours=$PWD/target/cargo-c/ours theirs=$PWD/target/cargo-c/theirs
rm -rf "$ours" "$theirs"
make -s install DESTDIR="$ours" PREFIX=/usr
cargo cinstall --release --locked --target-dir target/cargo-c --destdir "$theirs" --prefix /usr --libdir /usr/lib

{
    (cd bindings/cpp/include && find . -name '*.hpp' | sed 's:^\.:< ./usr/include:')
    cat <<'END'
< ./usr/lib/call-host
< ./usr/lib/cmake/libcall/libcallConfig.cmake
< ./usr/lib/cmake/libcall/libcallConfigVersion.cmake
< ./usr/lib/pkgconfig/libcall-static.pc
END
} | LC_ALL=C sort >target/cargo-c/make_alone
(cd "$ours" && find . ! -type d | LC_ALL=C sort) >target/cargo-c/ours.list
(cd "$theirs" && find . ! -type d | LC_ALL=C sort) >target/cargo-c/theirs.list
diff target/cargo-c/ours.list target/cargo-c/theirs.list | grep '^[<>]' >target/cargo-c/differences || true
diff target/cargo-c/make_alone target/cargo-c/differences

described() {
    readelf -dW "$1/usr/lib/libcall.so" | grep -oE 'soname: .*|NODELETE'
    nm -D --defined-only "$1/usr/lib/libcall.so" | awk '$2 == "T" { sub("@.*", "", $3); print $3 }' | LC_ALL=C sort
    for name in libcall.so "libcall.so.$(cat abi/number)"; do basename "$(readlink -f "$1/usr/lib/$name")"; done
    grep -E '^(Name|Version|Libs|Cflags):' "$1/usr/lib/pkgconfig/libcall.pc" | LC_ALL=C sort
    cat "$1/usr/include/call.h"
}
described "$ours" >target/cargo-c/ours.list
described "$theirs" >target/cargo-c/theirs.list
diff target/cargo-c/ours.list target/cargo-c/theirs.list
echo "cargo-c: the same tree but for $(wc -l <target/cargo-c/make_alone) files, the same soname and functions"
