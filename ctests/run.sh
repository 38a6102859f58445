#!/bin/sh
# Runs one TAP program for prove: within LIMIT seconds, and under RUNNER unless it is a script. What it
# printed, and with which status it ended, stays in OUT/tap.
name=$(basename "$1" .sh)
case $1 in
    *.sh) RUNNER= ; [ -x "$1" ] || set -- sh "$@" ;;
esac
log=${OUT:?}/tap/$name.tap
{
    # shellcheck disable=SC2086 # RUNNER is a command with its arguments
    timeout -k 5 "${LIMIT:-120}" $RUNNER "$@"
    status=$?
    [ "$status" -ne 124 ] || echo "# $1 did not end within ${LIMIT:-120} s"
    echo "# ended with $status"
} | tee "$log"
exit "$(sed -n '$s/^# ended with //p' "$log")"
