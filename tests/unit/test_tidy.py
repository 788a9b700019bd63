"""Collections in an upstream's words: what is mended, and that nothing in them breaks a run."""

import copy
from typing import Any

import pytest

from catalog.errors import RecordRefused
from commands.ingest import make_harmonizer
from ingest.contract import Kind, Record
from ingest.sources import make_source
from ingest.tidy import tidy
from tests.unit.documents import definitions

NATIVE: dict[str, Any] = {
    "type": "Collection",
    "stac_version": "1.1.0",
    "stac_extensions": ["https://stac-extensions.github.io/authentication/v1.1.0/schema.json"],
    "id": "clms_made-up",
    "description": "Made up",
    "license": "other",
    "providers": [{"name": "CloudFerro", "roles": ["host"]}],
    "extent": {
        "spatial": {"bbox": [[-180, -90, 180, 90]]},
        "temporal": {"interval": [["2015-06-27", None]]},
    },
    "links": [{"rel": "self", "href": "https://stac.dataspace.copernicus.eu/v1/collections/clms_made-up"}],
}


def _collection(native: Any) -> dict[str, Any]:
    harmonizer = make_harmonizer(make_source("cdse", definitions()), definitions())
    return harmonizer.collection(Record(native, "clms_made-up", Kind.COLLECTION))


def test_what_is_declared_and_not_used_is_not_declared_and_times_are_whole() -> None:
    made = _collection(NATIVE)
    assert not [schema for schema in made["stac_extensions"] if "authentication" in schema]
    assert made["extent"]["temporal"]["interval"] == [["2015-06-27T00:00:00Z", None]]


def test_a_description_of_version_1_0_becomes_one_of_1_1() -> None:
    made = _collection({**NATIVE, "stac_version": "1.0.0", "license": "proprietary"})
    assert (made["stac_version"], made["license"]) == ("1.1.0", "other")


@pytest.mark.parametrize(
    "junk", [None, 5, [], {}, [None, 5, [], {}], "x" * 5000, ["x" * 5000, "\x00", "../../x"]]
)
@pytest.mark.parametrize(
    "member", ["stac_extensions", "keywords", "providers", "extent", "links", "summaries"]
)
def test_junk_in_a_description_is_left_out_or_refused(member: str, junk: Any) -> None:
    """Once `TypeError: unhashable type` and `OSError: File name too long` for `stac_extensions`."""
    native = {**copy.deepcopy(NATIVE), member: junk}
    try:
        made = _collection(native)
    except RecordRefused as error:
        assert error.code in {"invalid-collection", "bad-structure"}
    else:
        assert all(isinstance(schema, str) for schema in made["stac_extensions"])


def test_a_collection_that_is_right_stays() -> None:
    whole = {
        **NATIVE,
        "extent": {**NATIVE["extent"], "temporal": {"interval": [["2015-06-27T00:00:00Z", None]]}},
    }
    assert tidy(whole) == whole


def test_a_collection_whose_assets_name_schemes_that_it_does_not_give_gets_them() -> None:
    item_assets = {"B02": {"type": "image/jp2", "auth:refs": ["s3"], "storage:refs": ["cdse-s3"]}}
    made = _collection({**NATIVE, "item_assets": item_assets})
    assert made["auth:schemes"] == {"s3": {"type": "s3"}}
    assert made["storage:schemes"]["cdse-s3"]["platform"] == "https://eodata.dataspace.copernicus.eu"
