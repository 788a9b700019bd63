#!/bin/sh
# Every check that reads the code without running it. Goes through all of them, then fails if one did.
set -eu
cd "$(dirname "$0")/.."

. scripts/lib.sh

failed=

check() {
    name=$1
    shift
    say "-- $name"
    "$@" || failed="$failed, $name"
}

check 'style (ruff check)' .venv/bin/ruff check .
check 'format (ruff format)' .venv/bin/ruff format --check .
check 'types (mypy --strict)' .venv/bin/mypy
check 'who imports whom (import-linter)' .venv/bin/lint-imports
if has shellcheck; then
    # No name of ours has a space in it.
    # shellcheck disable=SC2046
    check 'shell scripts (shellcheck)' shellcheck -x $(find scripts tests -name '*.sh') .ci/run
fi

[ -z "$failed" ] || die "failed: ${failed#, }"
