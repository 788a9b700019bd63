"""Items against the STAC core and extension schemas: what is wrong is named by place and schema."""

from typing import Any

import pytest

from catalog.errors import RecordRefused
from catalog.validation import Validator
from tests.unit.documents import merged

_EXTENSIONS = "https://stac-extensions.github.io/"


def _item(**changes: Any) -> Any:
    item = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [],
        "id": "a",
        "collection": "c",
        "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]},
        "bbox": [0, 0, 1, 1],
        "properties": {"datetime": "2024-01-01T00:00:00Z"},
        "links": [{"rel": "collection", "href": "./collections/c"}],
        "assets": {},
    }
    return merged(item, changes)


def _with(extension: str, **changes: Any) -> Any:
    return _item(stac_extensions=[f"{_EXTENSIONS}{extension}/schema.json"], **changes)


def test_a_valid_item_passes() -> None:
    validator = Validator()
    validator.check_item(_item())
    validator.check_item(_with("eo/v2.0.0", properties={"eo:cloud_cover": 50}))
    assert not validator.unknown


@pytest.mark.parametrize(
    ("item", "place", "schema"),
    [
        (_item(id=5), "id", "STAC 1.1.0"),
        (_item(id=...), "(document)", "STAC 1.1.0"),
        (_item(type="Fixture"), "type", "STAC 1.1.0"),
        (_item(stac_version="1.0.0"), "stac_version", "STAC 1.1.0"),
        (_item(geometry={"type": "Polygon", "coordinates": [[[0, 0]]]}), "geometry", "STAC 1.1.0"),
        (_item(bbox=[0, 0, 1]), "bbox", "STAC 1.1.0"),
        (_item(properties={"datetime": ...}), "properties", "STAC 1.1.0"),
        (_item(properties={"gsd": "ten"}), "properties/gsd", "STAC 1.1.0"),
        (_item(links=[{"rel": "via"}]), "links/0", "STAC 1.1.0"),
        (_item(assets={"data": {"title": "no address"}}), "assets/data", "STAC 1.1.0"),
        (_item(assets={"data": {"href": 5}}), "assets/data/href", "STAC 1.1.0"),
        (_with("eo/v2.0.0", properties={"eo:cloud_cover": 101}), "properties/eo:cloud_cover", "eo/v2.0.0"),
        (
            _with("sat/v1.1.0", properties={"sat:orbit_state": "up"}),
            "properties/sat:orbit_state",
            "sat/v1.1.0",
        ),
        (
            _with("sat/v1.1.0", properties={"sat:relative_orbit": 1.5}),
            "properties/sat:relative_orbit",
            "sat/v1.1.0",
        ),
        (_with("grid/v1.1.0", properties={"grid:code": "no code"}), "properties/grid:code", "grid/v1.1.0"),
        (
            _with("file/v2.1.0", assets={"data": {"href": "h", "file:size": -1}}),
            "assets/data/file:size",
            "file/v2.1.0",
        ),
    ],
)
def test_a_fault_is_named_by_place_and_schema(item: Any, place: str, schema: str) -> None:
    with pytest.raises(RecordRefused) as refusal:
        Validator().check_item(item)
    assert refusal.value.code == "invalid-item"
    reason = refusal.value.reason
    assert reason.startswith(place), reason
    assert reason.endswith(f"[{schema}]"), reason
    assert len(reason) < 500
    assert "\n" not in reason


def test_a_long_value_does_not_fill_the_screen() -> None:
    with pytest.raises(RecordRefused) as refusal:
        Validator().check_item(_item(id=["x" * 100_000]))
    assert len(str(refusal.value)) < 500


def test_a_schema_that_is_not_bundled_is_counted_and_the_rest_checked() -> None:
    validator = Validator()
    unknown = "https://example.com/own/v1.0.0/schema.json"
    item = _item(
        stac_extensions=[unknown, f"{_EXTENSIONS}eo/v2.0.0/schema.json"], properties={"eo:cloud_cover": 5}
    )
    validator.check_item(item)
    validator.check_item(item)
    assert validator.unknown == {unknown: 2}
    with pytest.raises(RecordRefused, match="eo:cloud_cover"):
        validator.check_item(merged(item, {"properties": {"eo:cloud_cover": -1}}))


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "https://../../../pyproject.toml", "https://x/" + "y" * 300]
)
def test_no_extension_leads_to_another_file(url: str) -> None:
    validator = Validator()
    validator.check_item(_item(stac_extensions=[url]))
    assert validator.unknown == {url: 1}
    for no_address in ("", "../../../pyproject.toml", "/etc/passwd"):
        with pytest.raises(RecordRefused, match="stac_extensions/0"):
            validator.check_item(_item(stac_extensions=[no_address]))


def _collection(**changes: Any) -> Any:
    collection = {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": "c",
        "description": "d",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [[-180, -90, 180, 90]]},
            "temporal": {"interval": [["2014-01-01T00:00:00Z", None]]},
        },
        "links": [],
    }
    return merged(collection, changes)


def test_collections_are_checked_too() -> None:
    Validator().check_collection(_collection())
    for changes, place in (
        ({"license": ...}, "(document)"),
        ({"extent": {"spatial": {"bbox": []}}}, "extent/spatial/bbox"),
        ({"links": [{"rel": "x"}]}, "links/0"),
    ):
        with pytest.raises(RecordRefused) as refusal:
            Validator().check_collection(_collection(**changes))
        assert refusal.value.code == "invalid-collection"
        assert refusal.value.reason.startswith(place), refusal.value.reason


def test_all_schemas_together_let_nothing_through_that_one_of_them_refuses():
    """A document is read once for all its schemas: each of them must still have its say."""
    extensions = [
        "https://stac-extensions.github.io/eo/v2.0.0/schema.json",
        "https://stac-extensions.github.io/sat/v1.1.0/schema.json",
        "https://stac-extensions.github.io/view/v1.0.0/schema.json",
    ]
    good = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": extensions,
        "id": "a",
        "geometry": {"type": "Point", "coordinates": [0, 0]},
        "bbox": [0, 0, 0, 0],
        "properties": {
            "datetime": "2024-05-01T00:00:00Z",
            "eo:cloud_cover": 5,
            "sat:relative_orbit": 1,
            "view:off_nadir": 3,
        },
        "links": [],
        "assets": {},
    }
    validator = Validator()
    validator.check_item(good)
    assert not validator.unknown
    for field, wrong, schema in (
        ("eo:cloud_cover", 500, "eo"),
        ("sat:relative_orbit", "one", "sat"),
        ("view:off_nadir", -3, "view"),
        ("datetime", 7, "STAC 1.1.0"),
    ):
        bad = {**good, "properties": {**good["properties"], field: wrong}}
        with pytest.raises(RecordRefused, match=rf"{field}.*\[{schema}"):
            validator.check_item(bad)
