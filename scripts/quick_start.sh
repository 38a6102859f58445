#!/bin/sh
# From a clone to a canceled call of an object of one's own, in C, C++ and Python.
set -eu
cd "$(dirname "$0")/.."

scripts/setup.sh quick
make lib

library="-Iinclude -Ltarget/release -lcall -Wl,-rpath,$PWD/target/release"
${CC:-cc} examples/quick_start.c $library -o target/quick_start_c
target/quick_start_c

${CXX:-c++} -std=c++17 examples/quick_start.cpp $library -o target/quick_start_cpp
target/quick_start_cpp

PYTHONPATH=bindings/python LIBCALL_LIBRARY=target/release/libcall.so ${PYTHON:-python3} examples/quick_start.py
