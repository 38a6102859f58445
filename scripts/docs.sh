#!/bin/sh
# The documentation: man pages into target/man, which mandoc reads without a complaint, and the site into target/site.
# What a tool is missing for is skipped.
set -eu
cd "$(dirname "$0")/.."

${PYTHON:-python3} scripts/man.py
if command -v mandoc >/dev/null; then
    # A page has no date: it is made anew with each build.
    mandoc -T lint -W warning target/man/*/* >target/man/lint && status=0 || status=$?
    grep -v 'WARNING: missing date' target/man/lint && exit 1
    [ "$status" -le 2 ] || { echo "docs: mandoc ended with $status"; exit 1; }
else
    echo "docs: the man pages are not looked at, SKIPPED: there is no mandoc"
fi
if command -v cmark-gfm >/dev/null; then
    ${PYTHON:-python3} scripts/site.py
else
    echo "docs: the site, SKIPPED: there is no cmark-gfm"
fi
