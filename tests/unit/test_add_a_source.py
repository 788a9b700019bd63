"""The worked example of docs/add-a-source.md is whole, small, and works."""

import dataclasses
import importlib.util
import io
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from catalog.collection import CollectionDefinition
from catalog.definitions import Definitions
from catalog.errors import ConfigurationError, UpstreamChanged
from ingest.contract import Page, Selection
from ingest.fetch import Patience, open_fetcher
from ingest.harmonize import Harmonizer
from ingest.load import NdjsonSink
from ingest.pipeline import run
from ingest.report import Summary
from tests.replay.copernicus import Files, served
from tests.unit.documents import definitions

_PAGE = Path(__file__).resolve().parents[2] / "docs" / "add-a-source.md"
_BLOCK = re.compile(r"```\w+ file=(\S+)\n(.*?)```", re.DOTALL)
_UPSTREAM = "https://floods.example.org/stac"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The files of the page, written side by side."""
    folder = tmp_path_factory.mktemp("example")
    found = {}
    for name, content in _BLOCK.findall(_PAGE.read_text(encoding="utf-8")):
        found[name] = folder / name
        found[name].write_text(content, encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def module(files: dict[str, Path]) -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("example_floods", files["floods.py"])
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded
    spec.loader.exec_module(loaded)
    yield loaded
    del sys.modules[spec.name]


@pytest.fixture
def catalog(files: dict[str, Path]) -> Definitions:
    document = yaml.safe_load(files["collections.yaml"].read_text(encoding="utf-8"))
    collections = [CollectionDefinition.model_validate(entry) for entry in document["collections"]]
    vocabulary = dataclasses.replace(definitions().vocabulary, unknown=Counter())
    return dataclasses.replace(
        definitions(), collections={one.id: one for one in collections}, vocabulary=vocabulary
    )


def _map(name: str, **properties: Any) -> dict[str, Any]:
    said = {
        "flood": {
            "name": "made up",
            "begin": "2024-07-01T09:00:00+09:00",
            "end": "2024-07-01T09:00:30+09:00",
        },
        "satellite": "ALOS2",
        "sensor": "PALSAR-2",
        "pixel": "10m",
        "release": "2",
        **properties,
    }
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "collection": "flood-maps",
        "geometry": {
            "type": "Polygon",
            "coordinates": [[[130, 33], [131, 33], [131, 32], [130, 32], [130, 33]]],
        },
        "properties": said,
        "assets": {"Flood_Map": {"href": f"./{name}.tif", "roles": ["data"]}, "nothing": {"href": ""}},
        "links": [],
    }


def _archive() -> dict[str, Any]:
    children = [{"rel": "child", "href": "./flood-maps/collection.json"}]
    items = [{"rel": "item", "href": f"./{name}.json"} for name in ("a", "b", "absent", "broken")]
    return {
        "/catalog.json": {"type": "Catalog", "id": "root", "links": children},
        "/flood-maps/collection.json": {"type": "Collection", "id": "flood-maps", "links": items},
        "/flood-maps/a.json": _map("a"),
        "/flood-maps/b.json": _map("b"),
        "/flood-maps/broken.json": _map("broken", flood={"begin": "never"}),
    }


async def _harvested(
    module: ModuleType, catalog: Definitions, selection: Selection
) -> tuple[list[Any], Summary]:
    output = io.BytesIO()
    with served(Files(_archive())) as url:
        async with open_fetcher(Patience(timeout_s=10, attempts=2, max_wait_s=0.05)) as http:
            source = module.Floods(catalog, http, url)
            harmonizer = Harmonizer(source, catalog.vocabulary)
            summary = await run(
                source, source.pages(selection), NdjsonSink(output), harmonizer, selection=selection
            )
    return [json.loads(line) for line in output.getvalue().splitlines()], summary


async def test_the_example_harvests_an_archive(module: ModuleType, catalog: Definitions) -> None:
    items, summary = await _harvested(module, catalog, Selection())
    assert [item["id"] for item in items] == ["a", "b"]
    assert summary.refused == {"bad-datetime": 1}
    assert summary.unknown_terms == {}
    item = items[0]
    assert item["collection"] == "example-flood-maps"
    assert item["properties"]["start_datetime"] == "2024-07-01T00:00:00Z"
    assert item["properties"]["platform"] == "alos-2"
    assert item["properties"]["sar:frequency_band"] == "L"
    assert item["properties"]["floods:event"] == "made up"
    assert item["assets"]["flood-map"]["harvest:key"] == "Flood_Map"
    assert item["assets"]["flood-map"]["href"].endswith("/flood-maps/a.tif")
    assert [link["href"] for link in item["links"] if link["rel"] == "via"] == [
        f"{_UPSTREAM}/flood-maps/a.json"
    ]


async def test_it_refuses_what_it_does_not_have(module: ModuleType, catalog: Definitions) -> None:
    with pytest.raises(ConfigurationError, match="floods has no collection other"):
        await _harvested(module, catalog, Selection(collections=("other",)))
    source = module.Floods(catalog)
    for document in ([], {}, {"type": "Feature", "collection": "others"}):
        with pytest.raises(UpstreamChanged, match="is no item of the flood archive"):
            list(source.records(Page(document, "file")))


def test_it_is_as_small_as_is_promised(files: dict[str, Path]) -> None:
    """A new source costs one file under 200 lines and one of definitions."""
    assert len(files["floods.py"].read_text(encoding="utf-8").splitlines()) < 200
    assert set(files) == {"floods.yaml", "floods.py", "collections.yaml"}
