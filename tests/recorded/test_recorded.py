"""Recorded answers of the real upstreams, through `--from-file` as a user gives them.

They lie beside the repository and not in it; without them these tests are skipped, loudly.
"""

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import shapely
from shapely.geometry import shape

from catalog.validation import _SCHEMAS
from tests.replay.run import Runner

CDSE, GPORTAL = "samples/copernicus/cdse-stac", "samples/japan/gportal"
_CORE = "https://schemas.stacspec.org/v1.1.0/item-spec/json-schema/item.json"
_GPORTAL_FILES = (
    "csw_getrecords_10002015_SGLI_RSRF_2026-10.json",
    "feature_properties_GW1AM2_202001010047_189D_L1SGRTBR_2220220.json",
)
# Declared by recorded items, but published by nobody whose schemas we have.
_NOT_PUBLISHED = {"https://stac-extensions.github.io/classification/v2.0.0/schema.json"}


class Schemas:
    """Validators of the schemas in `shared`, apart from the ones that are bundled with the code."""

    def __init__(self, shared: Path) -> None:
        self._folder = shared / "schemas"
        self.missing: set[str] = set()
        self._compiled = cache(self._compile)

    def _retrieve(self, url: str) -> Any:
        file = self._folder / url.split("://", 1)[1].split("#", 1)[0]
        if url.startswith("https://proj.org/"):  # the one schema that only the code has
            file = _SCHEMAS / "proj.org/schemas/v0.7/projjson.schema.json"
        if not file.is_file():
            return {"properties": {"coordinates": True}}  # what schemas point at within a missing one
        return json.loads(file.read_text(encoding="utf-8"))

    def _compile(self, url: str) -> Any:
        file = self._folder / url.split("://", 1)[1].split("#", 1)[0]
        if not file.is_file():
            self.missing.add(url)
            return None
        return jsonschema_rs.validator_for(
            json.loads(file.read_text(encoding="utf-8")), retriever=self._retrieve
        )

    def check(self, item: dict[str, Any]) -> None:
        for url in (_CORE, *item["stac_extensions"]):
            validator = self._compiled(url)
            if validator is not None:
                faults = [
                    f"{fault.instance_path}: {fault.message[:200]}" for fault in validator.iter_errors(item)
                ]
                assert not faults, (item["id"], url, faults)


@pytest.fixture(scope="module")
def schemas(shared: Path) -> Schemas:
    return Schemas(shared)


def _dry(run: Runner, source: str, files: list[Path]) -> Any:
    options = [option for file in files for option in ("--from-file", str(file))]
    outcome = run("ingest", source, "--dry-run", *options)
    outcome.went_well()
    return outcome


def _check(items: list[dict[str, Any]], schemas: Schemas) -> None:
    """What holds of every item, wherever it comes from."""
    for item in items:
        schemas.check(item)
        footprint = shape(item["geometry"])
        assert footprint.is_valid, item["id"]
        assert list(footprint.bounds) == item["bbox"]
        assert -180 <= item["bbox"][0] <= item["bbox"][2] <= 180
        assert all(part.exterior.is_ccw for part in shapely.get_parts(footprint)), item["id"]
        text = json.dumps(item, ensure_ascii=False)
        assert "𒍟※" not in text
        assert "/Nodes()/" not in text
        properties = item["properties"]
        for field in ("datetime", "start_datetime", "end_datetime", "created", "updated"):
            assert properties.get(field) is None or properties[field].endswith("Z")
        assert [link["rel"] for link in item["links"]].count("via") == 1
        for asset in item["assets"].values():
            checksum = asset.get("file:checksum")
            assert checksum is None or len(bytes.fromhex(checksum)) > 16


@pytest.mark.parametrize(
    ("page", "count"),
    [("search_s2_l2a.json", 4), ("search_s3_syn_2_syn_ntc.json", 5), ("search_s2_l2a_empty.json", 0)],
)
def test_search_pages_of_cdse(
    kakehashi: Runner, shared: Path, schemas: Schemas, page: str, count: int
) -> None:
    file = shared / CDSE / page
    outcome = _dry(kakehashi, "cdse", [file])
    native = json.loads(file.read_text(encoding="utf-8"))["features"]
    assert outcome.ids == [feature["id"] for feature in native]
    assert len(outcome.ids) == count
    assert f"{count} records, {count} items, 0 records refused" in outcome.stderr
    _check(outcome.items, schemas)
    for item, feature in zip(outcome.items, native, strict=True):
        # One style of keys; the upstream's own are kept.
        keys = {asset.get("harvest:key", key) for key, asset in item["assets"].items()}
        assert keys == feature["assets"].keys()
        assert all(key == key.lower() and "_" not in key for key in item["assets"])
        assert shape(item["geometry"]).equals(shape(feature["geometry"])), "a footprint that is valid stays"
        # Nothing that CDSE says is lost or changed but what must be: times are written in one form.
        for name, value in feature["properties"].items():
            if (
                name == "storage:schemes"
            ):  # without words; older ones lack the type that the extension asks for
                words = ("title", "description")
                value = {
                    key: {"type": "custom-s3", **{n: v for n, v in scheme.items() if n not in words}}
                    for key, scheme in value.items()
                }
            if not (isinstance(value, str) and (value.endswith("Z") or value in {"", "𒍟※"})):
                assert item["properties"][name] == value, name


def test_items_of_cdse(kakehashi: Runner, shared: Path, schemas: Schemas) -> None:
    """141 items that CDSE's own generator tests itself with: all but the closed missions go through."""
    files = sorted((shared / CDSE / "items").rglob("*.json")) + sorted((shared / CDSE).glob("item_*.json"))
    outcome = _dry(kakehashi, "cdse", files)
    natives = {path: json.loads(path.read_text(encoding="utf-8")) for path in files}
    closed = {path: native for path, native in natives.items() if native["collection"].startswith("ccm-")}
    assert len(closed) == 5
    # Sentinel-6 alone keeps the suffix of the folder in its ids there.
    taken = Counter(
        native["id"].removesuffix(".SEN6") for path, native in natives.items() if path not in closed
    )
    refusals = [line for line in outcome.stderr.splitlines() if line.startswith("refused ")]
    assert len(refusals) == len(closed)
    for path, native in closed.items():
        (line,) = [line for line in refusals if str(path) in line]
        assert f"refused {native['id']} of " in line
        assert f"restricted: collection {native['collection']} is open to eligible users only" in line
    assert set(outcome.ids) == set(taken)
    assert len(outcome.ids) + len(refusals) >= len(files) - (sum(taken.values()) - len(taken))
    _check(outcome.items, schemas)
    assert schemas.missing <= _NOT_PUBLISHED
    cut = [item["id"] for item in outcome.items if item["geometry"]["type"] == "MultiPolygon"]
    assert any("mosaic_2020_M01_01" in name for name in cut), "tiles beyond -180 are cut there"


def test_collections_of_cdse(kakehashi: Runner, shared: Path) -> None:
    file = shared / CDSE / "collections_list.json"
    outcome = kakehashi("ingest", "cdse", "--dry-run", "--from-file", str(file))
    outcome.went_well()
    natives = json.loads(file.read_text(encoding="utf-8"))["collections"]
    closed = [native["id"] for native in natives if native["id"].startswith("ccm-")]
    assert len(outcome.ids) == len(natives) - len(closed)
    assert outcome.stderr.count("refused ccm-") == len(closed)


@pytest.mark.parametrize("file", _GPORTAL_FILES)
def test_answers_of_gportal(kakehashi: Runner, shared: Path, schemas: Schemas, file: str) -> None:
    path = shared / GPORTAL / file
    outcome = _dry(kakehashi, "gportal", [path])
    native = json.loads(path.read_text(encoding="utf-8"))
    features = native.get("features", [native])
    assert outcome.ids == [feature["properties"]["identifier"] for feature in features]
    assert "0 records refused" in outcome.stderr
    _check(outcome.items, schemas)
    for item, feature in zip(outcome.items, features, strict=True):
        said, properties = feature["properties"], item["properties"]
        assert properties["gportal:dataset_id"] == str(said["gpp"]["datasetId"])
        assert properties["start_datetime"][:19] == said["beginPosition"][:19]
        assert properties["end_datetime"][:19] == said["endPosition"][:19]
        assert item["assets"]["data"]["file:size"] == int(said["product"]["size"])
        assert (
            item["assets"]["data"]["href"].split("/Standard/")[-1]
            == said["product"]["fileName"].split("/Standard/")[-1]
        )
        assert not [name for name, value in properties.items() if value in ("", "-")]


def test_the_recorded_half_orbit(kakehashi: Runner, shared: Path) -> None:
    """Its ring crosses the antimeridian beside the pole, which it does not hold."""
    (item,) = _dry(kakehashi, "gportal", [shared / GPORTAL / _GPORTAL_FILES[1]]).items
    footprint = shape(item["geometry"])
    assert item["bbox"] == [-180, -86.429, 180, 89.12]
    assert footprint.covers(shapely.Point(0, 0.5)), "the descending pass"
    assert not footprint.intersects(shapely.Point(-90, 0))
    assert not footprint.intersects(shapely.Point(0, 89.9))
    corners = {tuple(xy) for part in item["geometry"]["coordinates"] for xy in part[0]}
    assert (113.749, 89.12) in corners, "as it was recorded, to the last digit"


@pytest.mark.parametrize(("source", "other"), [("cdse", GPORTAL), ("gportal", CDSE)])
def test_files_of_the_other_side_are_refused_as_a_whole(
    kakehashi: Runner,
    shared: Path,
    source: str,
    other: str,
) -> None:
    files = [
        file for file in sorted((shared / other).glob("*.json")) if '"FeatureCollection"' in file.read_text()
    ]
    files = [file for file in files if json.loads(file.read_text())["features"]]
    assert files
    for file in files:
        kakehashi("ingest", source, "--dry-run", "--from-file", str(file)).failed(str(file))
