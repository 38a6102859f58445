#!/bin/sh
# Sees to it that a target of the Makefile has its tools: scripts/setup.sh run|quick|test|bench|deb|docs
# Silent when nothing is missing. As root on Debian it installs what is; elsewhere it says how.
set -eu

for tool in cargo cc make python3; do
    command -v "$tool" >/dev/null || { echo "$tool is missing: install cargo, gcc, make and Python 3 first" >&2; exit 1; }
done

# What shows that it is there (a command or a file), and the package that brings it. What is only
# wanted can be done without: it is said what is skipped.
wants= less="some tests are skipped"
case ${1:?run, quick, test, bench, deb or docs} in
    run) needs="timeout:coreutils" ;;
    quick) needs="c++:g++" ;;
    test) needs="prove:perl c++:g++ nm:binutils timeout:coreutils"
        wants="curl-config:libcurl4-openssl-dev valgrind:valgrind pkg-config:pkg-config xvfb-run:xvfb xauth:xauth
            cmake:cmake dh:debhelper mandoc:mandoc cmark-gfm:cmark-gfm clang++:clang
            $(clang++ -print-runtime-dir 2>/dev/null || true):libclang-rt-dev
            x86_64-w64-mingw32-g++:g++-mingw-w64-x86-64-win32 /usr/include/wine/wine/windows/objbase.h:libwine-dev
            /usr/include/uv.h:libuv1-dev /usr/include/glib-2.0/glib.h:libglib2.0-dev
            /usr/include/gtk-3.0/gtk/gtk.h:libgtk-3-dev" ;;
    bench) needs="c++:g++" less="some peers are missing"
        wants="pkg-config:pkg-config /usr/include/uv.h:libuv1-dev /usr/include/glib-2.0/glib.h:libglib2.0-dev
            /usr/include/oneapi/tbb.h:libtbb-dev /usr/include/nng/nng.h:libnng-dev
            /usr/include/systemd/sd-bus.h:libsystemd-dev /usr/include/grpcpp/grpcpp.h:libgrpc++-dev
            /usr/include/google/protobuf/message.h:libprotobuf-dev protoc:protobuf-compiler
            grpc_cpp_plugin:protobuf-compiler-grpc /usr/include/capnp/ez-rpc.h:libcapnp-dev capnp:capnproto" ;;
    deb) needs="dh:debhelper" ;;
    docs) needs="cmark-gfm:cmark-gfm mandoc:mandoc" ;;
    *) echo "nothing is known of the needs of '$1'" >&2; exit 1 ;;
esac

# Debian's Python comes without what makes an environment for the tools of the Python package.
if [ "$1" = test ] && ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    needs="$needs venv-of-python3:python3-venv"
fi

# The packages of those that are not there.
missing_of() {
    for need in "$@"; do
        sign=${need%%:*}
        command -v "$sign" >/dev/null || [ -e "$sign" ] || printf ' %s' "${need#*:}"
    done
}

missing=$(missing_of $needs)
wanted=$(missing_of $wants)
[ -n "$missing$wanted" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    [ -n "$missing" ] || { echo "without$wanted $less"; exit 0; }
    echo "missing:$missing. On Debian, as root: apt-get update && $install$wanted" >&2
    exit 1
fi
echo "installing:$missing$wanted"
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >/dev/null || [ -z "$missing" ]
[ -z "$missing" ] || $install -q
[ -z "$wanted" ] || apt-get install -y -q --no-install-recommends $wanted || echo "without$wanted $less"
