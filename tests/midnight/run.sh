#!/bin/sh
# Runs tests as if it were midnight (UTC) when each of them has just begun, for the tests and for PostgreSQL:
#
#     tests/midnight/run.sh tests/harvest
#
# For who doubts that a test bears the turn of a day. It needs a C compiler and Linux.
set -eu
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder" # PostgreSQL may run as another user
cc -shared -fPIC -O2 -o "$folder/clock.so" tests/midnight/clock.c
head -c 8 /dev/zero >"$folder/ahead"
chmod 644 "$folder/ahead"
CLOCK_AHEAD_FILE=$folder/ahead LD_PRELOAD=$folder/clock.so .venv/bin/python -m pytest -n 0 -p tests.midnight.plugin "$@"
