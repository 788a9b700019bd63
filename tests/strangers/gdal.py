"""A newer GDAL than the machine's: filters handed down find what a search finds. `gdal.py URL`."""

import json
import sys
import urllib.parse
import urllib.request

import pyogrio

URL = sys.argv[1]
LAYER = "sentinel-2-l2a"
FILTERS = {
    '"eo:cloud_cover" < 50': "eo:cloud_cover < 50",
    "platform ILIKE 'SENTINEL-2A'": "platform = 'sentinel-2a'",
    "\"sat:relative_orbit\" = 74 AND NOT (platform LIKE '%2b')": "sat:relative_orbit = 74 AND NOT platform LIKE '%2b'",
    "datetime >= '2019/01/01' AND datetime < '2026/01/01'": (
        "datetime >= TIMESTAMP('2019-01-01T00:00:00Z') AND datetime < TIMESTAMP('2026-01-01T00:00:00Z')"
    ),
}


def matched(cql2: str) -> int:
    query = urllib.parse.urlencode({"collections": LAYER, "filter": cql2, "limit": 1})
    with urllib.request.urlopen(f"{URL}/search?{query}") as answer:
        return int(json.load(answer)["numberMatched"])


print("GDAL", pyogrio.__gdal_version_string__)
for where, cql2 in FILTERS.items():
    read = pyogrio.raw.read(f"OAPIF:{URL}", layer=LAYER, where=where, read_geometry=False, columns=["id"])
    found = len(read[3][0])
    print(f"{where}: {found}")
    assert found == matched(cql2) > 0, cql2
read = pyogrio.raw.read(f"OAPIF:{URL}", layer=LAYER, read_geometry=True)
assert len(read[3][0]) == matched("eo:cloud_cover >= 0 OR eo:cloud_cover IS NULL")
