"""Whole items, exactly as they come out, for one native document per quirk of the upstreams.

`KAKEHASHI_GOLDEN=write` writes the files anew: look at their difference before you commit it.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.unit.documents import PGSTAC_MARKER, amsr2, palsar_2, record_collection, sentinel_2, sgli
from tests.unit.harvested import harvested

_GOLDEN = Path(__file__).resolve().parent.parent / "golden"
_NODE = "https://zipper.dataspace.copernicus.eu/odata/v1/Products(0)"

CASES: dict[str, tuple[str, Any]] = {
    "cdse-plain": ("cdse", sentinel_2()),
    "cdse-marker-of-pgstac": (
        "cdse",
        sentinel_2(
            properties={"eo:snow_cover": PGSTAC_MARKER, "proj:code": None, "title": ""},
            assets={"Product": {"storage:refs": PGSTAC_MARKER, "title": PGSTAC_MARKER}},
        ),
    ),
    "cdse-broken-checksums-and-addresses": (
        "cdse",
        sentinel_2(
            assets={
                "B02_10m": {"file:checksum": "d50120" + "a" * 32},
                "Product": {
                    "file:checksum": "1610" + "b" * 64,
                    "alternate": {"https": {"href": f"{_NODE}/Nodes()/$value"}},
                },
                "granule_metadata": {
                    "href": "s3://eodata/x.xml",
                    "alternate": {
                        "https": {"href": f"{_NODE}/Nodes(x)/Nodes()/Nodes(x.xml)/$value"},
                        "s3": {"href": "s3://elsewhere/x.xml"},
                    },
                },
                "no address": {"title": "nothing"},
                "empty address": {"href": ""},
            }
        ),
    ),
    "cdse-storage-scheme-without-type": (
        "cdse",
        sentinel_2(properties={"storage:schemes": {"cdse-s3": {"type": ...}}}),
    ),
    "cdse-times-of-japan": (
        "cdse",
        sentinel_2(
            properties={
                "datetime": "2024-01-15T10:27:01.024+09:00",
                "start_datetime": "2024-01-15T10:27:01.024+09:00",
                "end_datetime": "2024-01-15T01:27:01.024000+00:00",
                "updated": "2024-01-15T13:20:00+0900",
            }
        ),
    ),
    "cdse-across-the-antimeridian": (
        "cdse",
        sentinel_2(
            geometry={"coordinates": [[[179.5, 10], [-179.5, 10], [-179.5, 9], [179.5, 9], [179.5, 10]]]},
            bbox=[179.5, 9, -179.5, 10],
        ),
    ),
    "cdse-from-a-mirror": ("cdse", sentinel_2(links=[{"rel": "self", "href": "http://127.0.0.1/items/1"}])),
    "gportal-scene-clockwise": ("gportal", palsar_2()),
    "gportal-tile-new-file-name": ("gportal", sgli()),
    "gportal-tile-old-file-name": (
        "gportal",
        sgli(
            properties={
                "orbitNumber": "47",
                "product": {
                    "fileName": "https://gportal.jaxa.jp/download/standard/GCOM-C/GCOM-C.SGLI/L2.LAND.RSRF/3/2024/04/09/"
                    "GC1SG1_20240409D01D_T0528_L2SG_RSRFQ_3002.h5"
                },
                "browse": [
                    {"type": "QUICKLOOK", "fileName": "https://gportal.jaxa.jp/gpr/img/q.jpg"},
                    {"type": "THUMBNAIL", "fileName": "product.gportal.jaxa.jp:/products/Standard/t.jpg"},
                    {"type": "QUICKLOOK", "fileName": "https://gportal.jaxa.jp/second.jpg"},
                    {"type": "OTHER", "fileName": "https://gportal.jaxa.jp/other.jpg"},
                    {"type": "THUMBNAIL", "fileName": ""},
                    "text",
                ],
            }
        ),
    ),
    "gportal-half-orbit-of-numbers": ("gportal", amsr2()),
    "gportal-half-orbit-of-texts": (
        "gportal",
        amsr2(
            properties={
                "wrsLongitudeGrid": "189",
                "lastOrbitNumber": "40552",
                "product": {"size": "51065652", "version": "2"},
                "gpp": {
                    "datasetId": "11001002",
                    "parameterVersion": "220",
                    "algorithmVersion": "220",
                    "startPathNumber": "189",
                    "mapProjection": "",
                    "hasProduct": "true",
                },
            }
        ),
    ),
    "gportal-metadata-only": ("gportal", sgli(properties={"gpp": {"hasProduct": "false"}})),
}


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str) -> None:
    source, native = CASES[name]
    (item,) = harvested(source, record_collection([native]))
    text = json.dumps(item, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    file = _GOLDEN / f"{name}.json"
    if os.environ.get("KAKEHASHI_GOLDEN") == "write":
        file.write_text(text, encoding="utf-8")
    assert json.loads(text) == json.loads(file.read_text(encoding="utf-8"))


def test_no_golden_file_is_left_over() -> None:
    assert {file.stem for file in _GOLDEN.glob("*.json")} == CASES.keys()


def test_texts_and_numbers_are_the_same_record() -> None:
    """G-Portal's own clients convert its texts to numbers before they save them."""
    files = [_GOLDEN / f"gportal-half-orbit-of-{form}.json" for form in ("texts", "numbers")]
    texts, numbers = (json.loads(file.read_text(encoding="utf-8")) for file in files)
    assert texts == numbers
