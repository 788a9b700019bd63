#!/bin/sh
# Makes this machine ready to run Kakehashi from this checkout, and does nothing that is done already.
#
#   scripts/setup.sh          what `kakehashi up` needs
#   scripts/setup.sh --dev    the same, with what the tests and checks need
set -eu
cd "$(dirname "$0")/.."

. scripts/lib.sh
. scripts/lib-postgres.sh
. scripts/lib-python.sh

group=runtime
case "${1:-}" in
    '') ;;
    --dev) group=dev ;;
    *) die "unknown option '$1' (known: --dev)" ;;
esac

ensure_postgres
ensure_environment "$group"
