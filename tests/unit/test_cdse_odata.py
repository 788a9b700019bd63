"""CDSE's OData records alone become the items that its STAC API gives."""

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from catalog.errors import RecordRefused, UpstreamChanged
from catalog.homes import load_homes
from ingest.contract import Kind, Page, Record
from ingest.harmonize import Harmonizer
from ingest.sources import make_source
from ingest.sources.cdse import Cdse
from tests.unit.documents import definitions, sentinel_2
from tests.unit.odata_documents import attributes, deleted, page, product, sentinel_1, sentinel_3

_GOLDEN = Path(__file__).parents[1] / "golden" / "cdse-odata"
_UUID = "00000000-0000-4000-8000-000000000001"


def _source() -> Cdse:
    source = make_source("cdse", definitions())
    assert isinstance(source, Cdse)
    return source


def _records(document: Any) -> list[Record]:
    return list(_source().records(Page(document, "test")))


def _item(native: Any) -> Any:
    (record,) = _records(native)
    clock = lambda: datetime(2026, 11, 23, tzinfo=UTC)  # noqa: E731
    return Harmonizer(_source(), definitions().vocabulary, clock).item(record)


def _refusal(native: Any) -> str:
    with pytest.raises(RecordRefused) as caught:
        _item(native)
    return caught.value.code


@pytest.mark.parametrize("native", [sentinel_1(), sentinel_3()], ids=["sentinel-1", "sentinel-3"])
def test_golden(native: Any, request: pytest.FixtureRequest) -> None:
    file = _GOLDEN / f"{request.node.callspec.id}.json"
    item = _item(native)
    if os.environ.get("KAKEHASHI_GOLDEN") == "write":
        file.write_bytes(orjson.dumps(item, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    assert orjson.loads(orjson.dumps(item)) == orjson.loads(file.read_bytes())


def test_a_product_is_the_same_item_from_odata_as_from_stac() -> None:
    stac = sentinel_2()
    (record,) = _records({"type": "FeatureCollection", "features": [stac]})
    clock = lambda: datetime(2026, 11, 23, tzinfo=UTC)  # noqa: E731
    expected = Harmonizer(_source(), definitions().vocabulary, clock).item(record)
    item = _item(product(f"{stac['id']}.SAFE", GeoFootprint=stac["geometry"]))
    assert (item["id"], item["collection"]) == (expected["id"], expected["collection"])
    for field in (
        "platform",
        "constellation",
        "instruments",
        "grid:code",
        "sat:relative_orbit",
        "processing:level",
    ):
        if field in expected["properties"]:
            assert item["properties"][field] == expected["properties"][field], field


@pytest.mark.parametrize(
    ("name", "collection"),
    [
        ("S1A_EW_GRDM_1SSH_20241130T001228_20241130T001333_056776_06F825_E84D_COG.SAFE", "sentinel-1-grd"),
        ("S1A_S6_SLC__1SDV_20241130T001228_20241130T001333_056776_06F825_E84D.SAFE", "sentinel-1-slc"),
        ("S1A_WV_SLC__1SSV_20221101T034802_20221101T035539_045695_057704_0FB9.SAFE", "sentinel-1-slc-wv"),
        ("S1A_IW_OCN__2SDV_20221101T034802_20221101T035539_045695_057704_0FB9.SAFE", "sentinel-1-ocn"),
        ("S1A_IW_ETA__AXDV_20231007T080232_20231007T080259_050656_061A69_2C59.SAFE", "sentinel-1-etad"),
        ("S2B_MSIL1C_20240206T130249_N0510_R095_T27VWK_20240206T144559.SAFE", "sentinel-2-l1c"),
        ("S2A_MSIL2A_20240115T012701_N0510_R074_T54SUE_20240115T033000.SAFE", "sentinel-2-l2a"),
        (
            "S3A_OL_2_WFR____20210604T001016_20210604T001316_20210604T021918_0179_072_273_1440_MAR_O_NR_003.SEN3",
            "sentinel-3-olci-2-wfr-nrt",
        ),
        (
            "S3B_SL_2_FRP____20200808T224507_20200808T224807_20200820T145851_0179_042_101_1620_LN2_O_NT_004.SEN3",
            "sentinel-3-sl-2-frp-ntc",
        ),
        (
            "S3A_SR_1_SRA_A__20160301T092105_20160301T092552_20180202T230137_0287_001_221______LR1_R_ST_003.SEN3",
            "sentinel-3-sr-1-sra-a-stc",
        ),
        (
            "S3A_SR_1_SRA____20160301T092017_20160301T093000_20180202T230137_0583_001_221______LR1_R_NT_003.SEN3",
            "sentinel-3-sr-1-sra-ntc",
        ),
        (
            "S3A_SR_2_LAN_HY_20160301T101136_20160301T102019_20230907T180131_0522_001_222______LN3_R_NT_005.SEN3",
            "sentinel-3-sr-2-lan-hy-ntc",
        ),
        (
            "S3A_SR_2_LAN____20160301T134243_20160301T143300_20180518T210749_3017_001_224______LR1_R_NR_003.SEN3",
            "sentinel-3-sr-2-lan-nrt",
        ),
        (
            "S3A_SY_2_V10____20230501T000000_20230510T235959_20230512T231023_AFRICA____________PS1_O_NT_002.SEN3",
            "sentinel-3-syn-2-v10-ntc",
        ),
        (
            "S5P_NRTI_L2__O3__PR_20230824T225449_20230824T225949_30383_03_020500_20230825T011733.nc",
            "sentinel-5p-l2-o3-pr-nrti",
        ),
        (
            "S5P_OFFL_L2__O3_____20241203T104901_20241203T123031_37002_03_020700_20241205T011157.nc",
            "sentinel-5p-l2-o3-offl",
        ),
        (
            "S5P_RPRO_L1B_RA_BD1_20211211T104909_20211211T123039_21566_03_020100_20220711T051633.nc",
            "sentinel-5p-l1-ra-bd1-rpro",
        ),
        (
            "S5P_RPRO_L2__NP_BD6_20211211T104909_20211211T123039_21566_03_010300_20220810T083350.nc",
            "sentinel-5p-l2-np-bd6-rpro",
        ),
        (
            "S6A_MW_2__AMR_____20240226T012041_20240226T021653_20240227T072824_3373_121_142_071_EUM__OPE_ST_F08.SEN6",
            "sentinel-6-amr-c-stc",
        ),
        (
            "S6A_P4_1B_LR______20250216T185023_20250216T194636_20250311T190839_3373_157_136_068_EUM__OPE_NT_F09.SEN6",
            "sentinel-6-p4-1b-ntc",
        ),
        ("Sentinel-1_DH_mosaic_2020_M01_01CCV_0_0", "sentinel-1-global-mosaics"),
        ("Sentinel-2_mosaic_2024_Q1_17RLM_0_0", "sentinel-2-global-mosaics"),
        ("Copernicus_DSM_COG_30_N00_00_E006_00_DEM", "cop-dem-glo-90-dged-cog"),
    ],
)  # fmt: skip
def test_a_name_alone_tells_the_collection(name: str, collection: str) -> None:
    item = _item(product(name))
    assert item["collection"] == collection
    assert item["id"] == name.removesuffix(".SAFE").removesuffix(".SEN3").removesuffix(".SEN6").removesuffix(
        ".nc"
    )


def test_the_type_of_sentinel_1c_names_its_package_in_another_way() -> None:
    name = "S1C_IW_GRDH_1SDV_20250327T154419_20250327T154453_001628_002981_53D2_COG.SAFE"
    item = _item(product(name, Attributes=attributes(productType="IW_GRDH_1S_C", relativeOrbitNumber=57)))
    assert item["collection"] == "sentinel-1-grd"
    assert item["properties"]["sat:relative_orbit"] == 57


def test_every_collection_of_cdse_is_reached_by_some_type() -> None:
    """A collection that no line of the table leads to would never see a change."""
    homes = load_homes()
    for identifier in definitions().by_native("cdse"):
        words = (
            identifier.rsplit("-", 1)[0]
            if identifier.rsplit("-", 1)[-1] in homes.timeliness.values()
            else identifier
        )
        heads = {rule.collection.partition("{")[0] for rule in homes.collections}
        # `sentinel-6-amr-*` is another spelling of `sentinel-6-amr-c-*`.
        assert words == "sentinel-6-amr" or any(identifier.startswith(head) for head in heads), identifier


@pytest.mark.parametrize(
    ("native", "code"),
    [
        (product("S1A_OPER_AUX_POEORB_OPOD_20210315T155112_V20191230T225942_20200101T005942.EOF", GeoFootprint=None, Footprint=None), "auxiliary"),
        (product("S1__AUX_SCS_V20140406T133000_G20240612T132402.SAFE"), "auxiliary"),
        (product("some.file", Attributes=attributes(productType="SR_1_CA1LAX")), "auxiliary"),
        (product("CS00_SAR_HIM_1B_20120714T040947_20120714T040954_MAT_0_0000", S3Path="/eodata/CCM/COSMO-SkyMed/x"), "restricted"),
        (sentinel_1(GeoFootprint=None, Footprint=None), "no-geometry"),
        (sentinel_1(GeoFootprint=None, Footprint=""), "no-geometry"),
        (sentinel_1(GeoFootprint=None, Footprint="geography'SRID=4326;POLYGON ((1 2'"), "bad-geometry"),
        (product("S1A_IW_GRDH_1SDV_20210809T173953_20210809T174018_039156_049F13_6FF8.SAFE"), "other-package"),
        (product("S1A_IW_RAW__0SDV_20210809T173953_20210809T174018_039156_049F13_6FF8.SAFE"), "level-0"),
        (product("DEM1_SAR_DGE_30_20101212T230244_20140329T113710_ADS_000000_eAmG.DEM"), "other-package"),
        (product("a name of no family"), "unknown-collection"),
        (product("LC08_X", Attributes=attributes(productType="L2SP")), "unknown-collection"),
        (product("x", Name=None), "bad-id"),
        (product("x", Name=["x"]), "bad-id"),
        (sentinel_1(ContentDate={"Start": "2024-01-15T09:27:01Z", "End": "2024-01-15T09:00:00Z"}), "reversed-times"),
        (sentinel_1(ContentDate={"Start": "yesterday", "End": "2024-01-15T09:00:00Z"}), "bad-datetime"),
        (sentinel_1(ContentDate=None), "no-datetime"),
        (sentinel_1(GeoFootprint={"type": "Polygon", "coordinates": [[[0, 0], [999, 0], [0, 1], [0, 0]]]}), "bad-geometry"),
    ],
)  # fmt: skip
def test_what_cannot_become_an_item_is_refused_with_its_code(native: Any, code: str) -> None:
    assert _refusal(native) == code


def test_a_footprint_in_text_serves_where_there_is_no_other() -> None:
    expected = _item(sentinel_1())["geometry"]
    assert _item(sentinel_1(GeoFootprint=None))["geometry"] == expected
    assert _item(sentinel_1(GeoFootprint={}))["geometry"] == expected
    bare = "POLYGON ((130 31, 131 31, 131 32, 130 32, 130 31))"
    for written in (bare, f"SRID=4326;{bare}"):
        assert _item(sentinel_1(GeoFootprint=None, Footprint=written))["geometry"] == expected


@pytest.mark.parametrize(
    ("eviction", "expires"),
    [
        ("", None),
        (None, None),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("2030-01-01T09:00:00+09:00", "2030-01-01T00:00:00Z"),
    ],
)
def test_the_eviction_date_may_be_empty(eviction: Any, expires: str | None) -> None:
    assert _item(sentinel_1(EvictionDate=eviction))["properties"].get("expires") == expires


@pytest.mark.parametrize(
    "checksums",
    [
        [],
        None,
        "x",
        [{"Algorithm": "MD5", "Value": "abc"}],
        [{"Algorithm": "BLAKE3", "Value": "b" * 64}],
        [None, 5],
    ],
)
def test_a_sum_that_is_no_md5_is_left_out(checksums: Any) -> None:
    assert "file:checksum" not in _item(sentinel_1(Checksum=checksums))["assets"]["product"]


@pytest.mark.parametrize("length", [0, None, "", -5, "many"])
def test_a_size_of_nothing_is_left_out(length: Any) -> None:
    assert "file:size" not in _item(sentinel_1(ContentLength=length))["assets"]["product"]


@pytest.mark.parametrize(
    "junk",
    [
        None,
        [],
        "x",
        [5],
        [{"Name": 5, "Value": {}}],
        attributes(orbitNumber="many", cloudCover="", timeliness="soon"),
    ],
)
def test_attributes_of_any_kind_leave_a_valid_item(junk: Any) -> None:
    item = _item(sentinel_1(Attributes=junk))
    assert item["collection"] == "sentinel-1-grd"
    assert item["properties"]["sat:absolute_orbit"] == 52111  # from the name
    assert "product:timeliness" not in item["properties"]


def test_a_quicklook_without_a_web_address_is_no_asset() -> None:
    assets = [
        {"Type": "QUICKLOOK", "DownloadLink": "javascript:x"},
        {"Type": "OTHER", "DownloadLink": "https://a/b"},
    ]
    assert set(_item(sentinel_1(Assets=assets))["assets"]) == {"product"}


def test_a_collection_of_the_land_service_is_taken_by_its_own_name() -> None:
    named = attributes(productType="ndvi", datasetIdentifier="clms_ndvi_global_300m_10daily_v3_cog")
    assert _item(product("c_gls_NDVI300_202401010000_GLOBE_OLCI_V3.0.1_cog", Attributes=named))[
        "collection"
    ] == ("clms_ndvi_global_300m_10daily_v3_cog")


# -- documents ------------------------------------------------------------------------------------


def _kinds(records: Iterable[Record]) -> list[Kind]:
    return [record.kind for record in records]


def test_pages_single_products_and_deletions_are_read() -> None:
    assert _kinds(_records(page(sentinel_1(), sentinel_3()))) == [Kind.ITEM, Kind.ITEM]
    assert _kinds(_records(sentinel_1())) == [Kind.ITEM]
    assert _kinds(_records(page(deleted("x"), entities="DeletedProducts"))) == [Kind.TOMBSTONE]
    assert _kinds(_records(page())) == []
    assert _kinds(_records(page(entities="Products(Attributes())"))) == []


@pytest.mark.parametrize(
    "document",
    [
        [{"Name": "productType", "ValueType": "String"}],  # the list of attribute definitions
        {"value": []},
        {"@odata.context": "$metadata#Attributes", "value": []},
        {"@odata.context": "$metadata#Products", "value": [{"id": "x", "name": "y", "beginPosition": "z"}]},
        {"@odata.context": "$metadata#Products", "value": "x"},
        {"value": [{"Id": 5, "Name": "x", "ContentDate": {}}]},
    ],
)
def test_a_document_of_another_kind_is_refused_at_once(document: Any) -> None:
    with pytest.raises(UpstreamChanged):
        _records(document)


def test_one_odd_entry_costs_itself_alone() -> None:
    records = _records(page(sentinel_1(), 5, None, {"Id": "x"}))
    assert len(records) == 4
    harmonizer = Harmonizer(_source(), definitions().vocabulary)
    harmonizer.item(records[0])
    for record in records[1:]:
        with pytest.raises(RecordRefused):
            harmonizer.item(record)


# -- deletions ------------------------------------------------------------------------------------


def test_a_deletion_names_the_item_it_takes_out() -> None:
    (record,) = _records(page(deleted("S2A_MSIL2A_20240115T012701_N0510_R074_T54SUE_20240115T033000.SAFE")))
    tombstone = _source().to_tombstone(record)
    assert tombstone.id == "S2A_MSIL2A_20240115T012701_N0510_R074_T54SUE_20240115T033000"
    assert tombstone.collection == "sentinel-2-l2a"
    assert tombstone.native_id == _UUID
    assert tombstone.deleted_at == datetime(2024, 3, 1, 12, tzinfo=UTC)
    assert tombstone.reason == "Corrupted product"
    # Messages of deletions may lack the suffix.
    (record,) = _records(page(deleted(tombstone.id)))
    assert _source().to_tombstone(record) == tombstone


@pytest.mark.parametrize(
    ("native", "code"),
    [
        (deleted("S1A_OPER_AUX_POEORB_OPOD_20210315T155112_V20191230T225942_20200101T005942.EOF"), "auxiliary"),
        (deleted("S2A_MSIL2A_20240115T012701_N0510_R074_T54SUE_20240115T033000.SAFE", DeletionDate=None), "bad-datetime"),
        (deleted("x", Name=None), "bad-id"),
        (deleted("x"), "unknown-collection"),
    ],
)  # fmt: skip
def test_a_deletion_of_what_was_no_item_is_refused(native: Any, code: str) -> None:
    (record,) = _records(page(native))
    with pytest.raises(RecordRefused) as caught:
        _source().to_tombstone(record)
    assert caught.value.code == code


def test_a_list_of_messages_gives_the_products_and_refuses_what_no_longer_holds_one() -> None:
    whole = {"SubscriptionEvent": "created", "ProductId": _UUID, "AckId": "a", "value": sentinel_1()}
    gone = {
        "SubscriptionEvent": "deleted",
        "ProductId": _UUID,
        "AckId": "b",
        "value": deleted("S1A_any.SAFE"),
    }
    emptied = {"SubscriptionEvent": "created", "ProductId": _UUID, "AckId": "c"}
    product_, tombstone, nothing = _records([whole, gone, emptied])
    assert product_.native == sentinel_1()
    assert tombstone.kind is Kind.TOMBSTONE
    assert nothing.native_id == _UUID
    with pytest.raises(RecordRefused) as caught:
        _source().to_item(nothing)
    assert caught.value.code == "no-product"
    with pytest.raises(UpstreamChanged):
        _records([emptied])
