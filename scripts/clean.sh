#!/bin/sh
# Removes what set-up, checks and builds leave in the checkout. Data directories are elsewhere and stay.
set -eu
cd "$(dirname "$0")/.."

rm -rf .venv .venv-tools .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
find . -path ./.git -prune -o -type d -name __pycache__ -exec rm -rf {} +
echo 'Removed .venv, caches and build results.'
