#!/bin/sh
# Pins every dependency, with the hashes of its files, for all supported Pythons and platforms:
#
#   requirements.lock         what Kakehashi runs with
#   requirements-dev.lock     the same, with the group `dev` of pyproject.toml
#
#   scripts/lock.sh             keeps the pins that still fit pyproject.toml
#   scripts/lock.sh --upgrade   takes the newest releases that fit
#
# The files name no index, so that they install from whichever one the machine is set up for.
set -eu
cd "$(dirname "$0")/.."

. scripts/lib.sh
. scripts/lib-python.sh

upgrade=
case "${1:-}" in
    '') ;;
    --upgrade) upgrade=--upgrade ;;
    *) die "unknown option '$1' (known: --upgrade)" ;;
esac

compile() {
    output=$1
    shift
    rm -f "$output.new"
    [ ! -f "$output" ] || cp "$output" "$output.new"
    # shellcheck disable=SC2086 # no word where there is no option
    "$uv" pip compile --quiet $upgrade --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' \
        --output-file "$output.new" "$@" pyproject.toml >/dev/null
    if grep -n -e '://' -e ' @ ' "$output.new"; then
        die "$output would name a place to download from (above); nothing was changed"
    fi
    mv "$output.new" "$output"
    say "$output: $(grep -c '==' "$output") packages"
}

ensure_uv
compile requirements.lock
compile requirements-dev.lock --constraints requirements.lock --group dev
