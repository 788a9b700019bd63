"""Tellus: scenes become items, data sets collections, and nothing is linked that the outside cannot reach."""

from typing import Any

import pytest

from catalog.errors import UpstreamChanged
from ingest.contract import Selection, Window
from ingest.protocols import tellus
from ingest.sources import make_source
from ingest.times import parse_time
from tests.unit.documents import definitions
from tests.unit.documents_japan import (
    AVNIR_2,
    PALSAR_2_L11,
    PALSAR_2_L21,
    UNKNOWN_DATASET,
    asf_palsar,
    avnir_2,
    cmr_page,
    palsar_2_scene,
    scenes,
    tellus_dataset,
    tellus_files,
)
from tests.unit.source_checks import check_golden, take


@pytest.mark.parametrize(
    ("place", "scene"),
    [("tellus/avnir-2", avnir_2(files=tellus_files())), ("tellus/palsar-2", palsar_2_scene())],
)
def test_golden(place: Any, scene: Any):
    taken = take("tellus", scenes([scene]))
    check_golden(place, taken.item)
    assert taken.unknown == {}


def test_one_instant_is_the_datetime_in_utc():
    properties = take("tellus", avnir_2()).item["properties"]
    assert properties["datetime"] == "2008-05-20T02:07:00.500Z"
    assert properties["published"] == "2021-10-01T01:02:03.000004Z"
    assert properties["title"] == properties["tellus:name"] == "ALAV2A123452960"


def test_polarisations_are_split():
    item = take("tellus", palsar_2_scene()).item
    assert item["properties"]["sar:polarizations"] == ["HH", "HV", "VH", "VV"]
    assert item["properties"]["palsar2:beam"] == "FP6-4"
    assert item["properties"]["product:type"] == "GEC"
    assert any("sar/v1.3.0" in schema for schema in item["stac_extensions"])


def test_a_polarisation_that_is_none_is_kept_as_it_is():
    properties = take("tellus", palsar_2_scene(properties={"sar:polarizations": "HH+RH"})).item["properties"]
    assert properties["sar:polarizations"] == ["HH"]
    assert properties["tellus:polarizations"] == "HH+RH"


def test_platform_and_instrument_are_those_of_the_data_set():
    properties = take("tellus", palsar_2_scene()).item["properties"]
    assert (properties["platform"], properties["instruments"]) == ("alos-2", ["palsar-2"])
    other = take("tellus", avnir_2(dataset_id=UNKNOWN_DATASET)).item
    assert other["collection"] == f"tellus-{UNKNOWN_DATASET}"
    assert "platform" not in other["properties"]


# -- what can be reached --------------------------------------------------------------------------


def test_files_become_assets_with_the_way_to_a_signed_address():
    item = take("tellus", avnir_2(files=tellus_files())).item
    assert set(item["assets"]) == {"hdr", "img-01", "img-02", "visual", "thumbnail"}, (
        "img-03 is not given out"
    )
    image = item["assets"]["img-01"]
    assert image["href"].endswith(f"/datasets/{AVNIR_2}/data/{item['id']}/files/2/download-url/")
    assert image["auth:refs"] == ["tellus"]
    assert image["file:size"] == 2000
    assert item["properties"]["auth:schemes"]["tellus"]["type"] == "signedUrl"
    assert item["assets"]["thumbnail"]["roles"] == ["thumbnail"]
    assert item["assets"]["hdr"]["roles"] == ["metadata"]


@pytest.mark.parametrize("dataset", [PALSAR_2_L11, PALSAR_2_L21, UNKNOWN_DATASET])
def test_no_file_is_linked_where_the_network_is_tellus_or_not_known(dataset: Any):
    item = take("tellus", avnir_2(dataset_id=dataset, files=tellus_files())).item
    assert item["assets"] == {}
    assert {link["rel"] for link in item["links"]} == {"collection", "via"}


def test_the_data_set_itself_says_more_than_what_is_on_record():
    closed = tellus_dataset(
        AVNIR_2, permission={"allow_network_type": "tellus"}, prices=[{"price": 1}], is_order_required=True
    )
    taken = take("tellus", closed, avnir_2(files=tellus_files()))
    properties = taken.item["properties"]
    assert properties["tellus:network"] == "tellus"
    assert properties["tellus:free"] is False
    assert properties["tellus:order_required"] is True
    assert taken.item["assets"] == {}


def test_a_price_by_area_is_a_price():
    assert (
        take("tellus", tellus_dataset(UNKNOWN_DATASET, square_kilometer_per_price=5)).collections[0][
            "tellus:free"
        ]
        is False
    )


# -- collections ----------------------------------------------------------------------------------


def test_a_data_set_that_is_defined_here_is_our_collection():
    [collection] = take("tellus", {"results": [tellus_dataset()], "next": None}).collections
    assert collection["id"] == "alos-avnir-2-l1b1-tellus"
    assert collection["tellus:network"] == "global"


def test_another_is_described_in_japanese():
    [collection] = take("tellus", tellus_dataset(UNKNOWN_DATASET)).collections
    assert collection["id"] == f"tellus-{UNKNOWN_DATASET}"
    assert collection["title"] == "試験データセット"
    assert collection["language"]["code"] == "ja"
    assert collection["license"] == "other"
    assert any(link["rel"] == "license" for link in collection["links"])


async def test_a_data_set_that_was_met_is_described_without_asking():
    source = make_source("tellus", definitions())
    take("tellus", tellus_dataset(UNKNOWN_DATASET), source=source)
    described = await source.describe(f"tellus-{UNKNOWN_DATASET}")
    assert described is not None
    assert described["title"] == "試験データセット"
    assert await source.describe("tellus-no-uuid") is None
    assert await source.describe(f"tellus-{PALSAR_2_L11}") is None, "nobody can be asked"


# -- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"id": ""}, "bad-id"),
        ({"dataset_id": "AVNIR-2"}, "no-collection"),
        ({"properties": [1]}, "no-properties"),
        ({"geometry": None}, "no-geometry"),
        ({"properties": {"start_datetime": "2030-01-01T00:00:00Z"}}, "reversed-times"),
        ({"files": {"results": []}}, "bad-structure"),
    ],
)
def test_refused(changes: Any, code: Any):
    assert take("tellus", scenes([avnir_2(), avnir_2(**changes)])).codes == [code]


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"id": "x"}, "bad-id"), ({"name": ""}, "no-title"), ({"provider": 5}, "bad-structure")],
)
def test_refused_data_sets(changes: Any, code: Any):
    assert take(
        "tellus", {"results": [tellus_dataset(), tellus_dataset(UNKNOWN_DATASET, **changes)]}
    ).codes == [code]


def test_a_list_of_files_says_not_of_which_scene():
    with pytest.raises(UpstreamChanged, match="give the scene instead"):
        take("tellus", {"results": tellus_files()})


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"results": []},
        {"type": "FeatureCollection"},
        {"type": "Feature", "id": "x"},
        cmr_page([asf_palsar()]),
    ],
)
def test_a_document_of_another_upstream_is_refused_in_one_line(document: Any):
    with pytest.raises(UpstreamChanged, match=r"^test 0 is no answer of Tellus") as raised:
        take("tellus", document)
    assert "\n" not in str(raised.value)


def test_an_empty_search_answer_is_an_answer():
    assert take("tellus", scenes([])).items == []


# -- asking ---------------------------------------------------------------------------------------


def test_the_first_search_body():
    window = Window(parse_time("2020-01-01"), parse_time("2020-02-01"))
    body = tellus.search_body(Selection(window=window, bbox=(170, -10, -170, 10)), [AVNIR_2], 50)
    assert body == {
        "datasets": [AVNIR_2],
        "query": {
            "end_datetime": {"gte": "2020-01-01T00:00:00Z"},
            "start_datetime": {"lt": "2020-02-01T00:00:00Z"},
        },
        "paginate": {"size": 50, "cursor": None},
        "intersects": {
            "type": "Polygon",
            "coordinates": [[[170, -10], [190, -10], [190, 10], [170, 10], [170, -10]]],
        },
    }
    assert "intersects" not in tellus.search_body(Selection(), [], 10)
