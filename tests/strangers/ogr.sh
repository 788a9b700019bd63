#!/bin/bash
# The catalogue as a plain OGC API - Features, as QGIS and ogr2ogr see it: `ogr.sh URL`.
set -eu
command -v ogrinfo >/dev/null || { echo 'ogrinfo is missing (gdal-bin)'; exit 1; }
source=OAPIF:$1 layer=sentinel-2-l2a

ogrinfo --version
ogrinfo -ro -so "$source" "$layer" | grep -E 'Feature Count|eo:cloud_cover|datetime'
for filter in '"eo:cloud_cover" < 50' "platform ILIKE 'SENTINEL-2A'" "datetime >= '2019/01/01'"; do
    log=$(CPL_DEBUG=HTTP ogrinfo -ro -q -where "$filter" "$source" "$layer" 2>&1)
    printf '%s: %s features\n' "$filter" "$(grep -c '^OGRFeature' <<<"$log")"
    grep -q 'filter-lang=cql-text' <<<"$log" || { echo 'the filter was not handed down'; exit 1; }
done
ogrinfo -ro -so -spat 120 20 150 50 "$source" "$layer" | grep 'Feature Count'
