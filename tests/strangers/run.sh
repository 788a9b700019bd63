#!/bin/bash
# Tools of others against a running server with the starter catalogue: what is too long for the tests, or
# needs programs that the project does not.
#
#   tests/strangers/run.sh            starts a server of its own, with a database of its own
#   tests/strangers/run.sh URL KEY    uses one; KEY may change items and collections there
#
# Needs: .venv (make dev), ogrinfo (gdal-bin), QGIS (python3-qgis, qgis-providers), chromium. Python tools go into
# a virtual environment that is thrown away. What is missing is named, and counts as a failure.
set -u
cd "$(dirname "$0")/../.." || exit

work=$(mktemp -d)
failed=
server=
finish() {
    [ -z "$server" ] || { kill "$server"; wait "$server"; } 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT

step() {
    local name=$1
    shift
    printf '\n== %s\n' "$name"
    "$@" || failed="$failed, $name"
}

if [ $# -ge 1 ]; then
    url=${1%/} key=${2:-}
else
    key=strangers url=http://127.0.0.1:8123
    digest=$(printf %s "$key" | sha256sum | cut -d' ' -f1)
    KAKEHASHI_TRANSACTIONS=true KAKEHASHI_TRANSACTION_KEYS="strangers:$digest:items:write+collections:write" \
        .venv/bin/kakehashi up --offline --port 8123 --data-dir "$work/data" >"$work/up.log" 2>&1 &
    server=$!
    for _ in $(seq 300); do
        grep -q 'Ctrl-C stops it' "$work/up.log" && break
        kill -0 "$server" 2>/dev/null || { cat "$work/up.log"; exit 1; }
        sleep 1
    done
fi

# shellcheck disable=SC2317 # steps are called by name
api_document() {
    curl -sf "$url/api" >"$work/api.json" && "$work/venv/bin/python" -m openapi_spec_validator "$work/api.json"
}

# shellcheck disable=SC2317
schemathesis() {
    # Not `positive_data_acceptance`: no schema can say which texts are CQL2, or tokens of this server.
    (cd "$work" && "$OLDPWD/.venv/bin/schemathesis" run "$url/api" --max-examples 40 \
        --exclude-checks positive_data_acceptance)
}

python3 -m venv "$work/venv" &&
    "$work/venv/bin/pip" install -q openapi-spec-validator odc-stac pystac-client pyogrio playwright || exit 1

step 'stac-api-validator' .venv/bin/python tests/strangers/validate.py "$url"
step 'OpenAPI 3.0 (openapi-spec-validator)' api_document
step 'schemathesis, with stateful links' schemathesis
step 'GDAL of this machine (ogrinfo)' tests/strangers/ogr.sh "$url"
step 'GDAL of pyogrio' "$work/venv/bin/python" tests/strangers/gdal.py "$url"
step 'QGIS' /usr/bin/python3 tests/strangers/qgis_layers.py "$url"
step 'odc-stac' "$work/venv/bin/python" tests/strangers/odc_items.py "$url"
step 'a browser (Chromium)' "$work/venv/bin/python" tests/strangers/browser.py "$url" "$key"

[ -z "$failed" ] || { printf '\nfailed: %s\n' "${failed#, }"; exit 1; }
printf '\nNo stranger found a fault.\n'
