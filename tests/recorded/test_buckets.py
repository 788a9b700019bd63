"""Every recorded document of JAXA Earth, the PALSAR-2 bucket and Himawari's buckets, as `--from-file` reads it."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from catalog.errors import ConfigurationError, UpstreamChanged
from ingest.recorded import read_pages
from ingest.sources import make_source
from tests.unit.documents import definitions
from tests.unit.source_checks import take


def taken(name: str, file: Path) -> Any:
    """Put a recorded file through everything; what comes out is valid."""
    source = make_source(name, definitions())
    (page,) = read_pages(source, [file])
    return take(name, page.document, origins=(page.origin,), source=source)


@pytest.mark.parametrize(
    ("name", "file", "items", "collections", "refused"),
    [
        ("himawari", "himawari/object_keys.json", 2, 0, {}),
        ("palsar2", "palsar2_scansar/item_ALOS2437590500-220630_WWDR2.2GUA.json", 1, 0, {}),
        ("palsar2", "palsar2_scansar/collection.json", 0, 1, {}),
        ("jaxa-earth", "jaxa_earth/item_SGLI_AROT_20260929.json", 1, 0, {}),
        ("jaxa-earth", "jaxa_earth/collection_asset_placeholder.json", 0, 0, {"bad-id": 1}),
        ("jaxa-earth", "jaxa_earth/collection_ids_mid-2026.json", 0, 103, {"foreign": 16}),
        ("jaxa-earth", "jaxa_earth/qgis_plugin_catalog.json", 0, 72, {"foreign": 15}),
        ("jaxa-earth", "jaxa_earth/qgis_plugin_catalog_normalised.json", 0, 72, {"foreign": 15}),
    ],
)
def test_counts(
    shared: Path, name: str, file: str, items: int, collections: int, refused: dict[str, int]
) -> None:
    found = taken(name, shared / "samples" / "japan" / file)
    assert (len(found.items), len(found.collections)) == (items, collections)
    assert Counter(found.codes) == refused
    assert not found.unknown


def test_the_scene_of_palsar_2(shared: Path) -> None:
    folder = shared / "samples" / "japan" / "palsar2_scansar"
    item = taken("palsar2", folder / "item_ALOS2437590500-220630_WWDR2.2GUA.json").item
    assert item["properties"]["datetime"] == "2022-06-30T15:58:28.260Z"
    assert all(asset["href"].startswith("https://") and asset["roles"] for asset in item["assets"].values())
    kml = item["assets"]["footprint"]["href"].rsplit("/", 1)[-1]
    assert (folder / kml).is_file(), "the name that the file really has"


def test_the_tile_of_jaxa_earth(shared: Path) -> None:
    item = taken("jaxa-earth", shared / "samples/japan/jaxa_earth/item_SGLI_AROT_20260929.json").item
    assert item["properties"]["jaxa_earth:date"] == "2026-09-29"
    assert item["bbox"] == [0.0, -90.0, 180.0, 90.0]
    assert item["assets"]["arot"]["bands"][0]["nodata"] == 65535


def test_the_slots_of_himawari(shared: Path) -> None:
    items = taken("himawari", shared / "samples" / "japan" / "himawari" / "object_keys.json").items
    assert [len(item["assets"]) for item in items] == [1, 3]
    assert {"b07-s01", "b07-r10-s01"} < set(items[1]["assets"])


@pytest.mark.parametrize("name", ["himawari", "jaxa-earth", "palsar2"])
def test_documents_of_all_others_are_refused_in_one_line(shared: Path, name: str) -> None:
    own = {"himawari": "himawari", "jaxa-earth": "jaxa_earth", "palsar2": "palsar2_scansar"}[name]
    source = make_source(name, definitions())
    files = [file for file in sorted(shared.glob("samples/*/*/*.json")) if file.parent.name != own]
    assert len(files) > 100
    accepted = []
    for file in files:
        try:
            read_pages(source, [file])
            accepted.append(str(file))
        except (UpstreamChanged, ConfigurationError) as error:
            assert "\n" not in str(error)
    # A list of names of products may hold some of Himawari's; none does.
    assert accepted == []
