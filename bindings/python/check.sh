#!/bin/sh
# What make test runs of this binding, as one program.
exec make -C "$(dirname "$0")" check
