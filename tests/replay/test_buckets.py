"""The command against servers that list and link as S3 and JAXA Earth do."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from catalog.errors import UpstreamChanged
from ingest import jaxa_earth as names
from ingest.contract import Selection, Window
from ingest.fetch import Patience, open_fetcher
from ingest.protocols import s3_listing
from ingest.sources import make_source
from ingest.times import parse_time
from tests.replay.buckets import Bucket, error, jaxa_earth
from tests.replay.copernicus import Files, served
from tests.unit.documents import definitions
from tests.unit.documents_buckets import ICE, SGLI_SST, SMC, SMC_NORMAL, full_disk, scansar, tile_item

ROOT = Path(__file__).resolve().parents[2]
WEST, EAST = "W180.00-S90.00-E000.00-N90.00", "E000.00-S90.00-E180.00-N90.00"
JAPAN, CHINA, NORTH = (
    "E130.00-N30.00-E140.00-N40.00",
    "E100.00-N30.00-E110.00-N40.00",
    "E130.00-N40.00-E140.00-N50.00",
)
PATIENCE = Patience(timeout_s=10, attempts=4, max_wait_s=0.05)


def ingest(source: str, url: str, *arguments: str) -> tuple[list[dict[str, Any]], str]:
    """Run the command in a process of its own; return its lines and what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "cli", "ingest", source, "--url", url, "--dry-run", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def smc(tile: str, band: str = "SMC") -> Any:
    return tile_item(tile, band, properties={"platform": "GCOM-W", "instrument": "AMSR2"})


# -- S3 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page_size", [1, 3, 7, 1000])
async def test_a_listing_is_whole_whatever_the_pages(page_size: int) -> None:
    keys = [f"a/{number:02d}" for number in range(7)]
    bucket = Bucket(dict.fromkeys([*keys, "b/1"]), page_size=page_size)
    with served(bucket) as url:
        async with open_fetcher(PATIENCE) as http:
            pages = [page async for page in s3_listing.list_objects(http, url, "a/")]
    assert [entry.key for page in pages for entry in page.entries] == keys
    assert len(pages) == -(-7 // page_size)


async def test_a_delimiter_rolls_up_and_slow_down_is_waited_for() -> None:
    bucket = Bucket(dict.fromkeys(["a/1/x", "a/1/y", "a/2/x", "a/z"]), page_size=2, slow=2)
    with served(bucket) as url:
        async with open_fetcher(PATIENCE) as http:
            pages = [page async for page in s3_listing.list_objects(http, url, "a/", delimiter="/")]
    assert [prefix for page in pages for prefix in page.prefixes] == ["a/1/", "a/2/"]
    assert [entry.key for page in pages for entry in page.entries] == ["a/z"]


@pytest.mark.parametrize(
    ("status", "body", "complaint"),
    [
        (403, error("AccessDenied", "Access Denied"), "answers 403 .*AccessDenied: Access Denied"),
        (
            404,
            error("NoSuchBucket", "The specified bucket does not exist"),
            "NoSuchBucket: The specified bucket",
        ),
        (404, b"<html>", "answers 404"),
        (200, error("InternalError", "We encountered an internal error"), "InternalError: We encountered"),
        (200, b"<html></html>", "no listing of a bucket: it is <html>"),
        (200, b"{}", "is no XML that can be read"),
        (
            200,
            b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
            "no continuation token",
        ),
        (
            200,
            b'<!DOCTYPE a [<!ENTITY b "c">]><ListBucketResult><Name>&b;</Name></ListBucketResult>',
            "is no XML that can be read",
        ),
        (
            200,
            b"<ListBucketResult><IsTruncated>true</IsTruncated>"
            b"<NextContinuationToken>again</NextContinuationToken></ListBucketResult>",
            "the continuation token of prefix a/ comes again",
        ),
    ],
)
async def test_errors_are_said_in_one_line(status: int, body: bytes, complaint: str) -> None:
    class Upstream:
        requests: list[str] = []  # noqa: RUF012

        def answer(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
            return status, body

    with served(Upstream()) as url:
        async with open_fetcher(PATIENCE) as http:
            with pytest.raises(UpstreamChanged, match=complaint) as raised:
                [page async for page in s3_listing.list_objects(http, url, "a/")]
    assert "\n" not in str(raised.value)


# -- Himawari -------------------------------------------------------------------------------------


def test_himawari_lists_the_slots_of_the_window() -> None:
    slots = ["20260314_0520", "20260314_0530", "20260314_0540", "20260313_2350"]
    keys = [key for slot in slots for key in full_disk(slot)]
    keys += full_disk("20260314_0550", leave_out=10)
    bucket = Bucket(dict.fromkeys(keys), page_size=100, slow=1)
    with served(bucket) as url:
        items, said = ingest(
            "himawari",
            url,
            "--collection",
            "himawari-ahi-l1b-fldk",
            "--datetime",
            "2026-03-14T05:30:00Z/2026-03-14T06:00:00Z",
        )
    assert [item["id"] for item in items] == [
        f"HS_H09_20260314_{clock}_FLDK" for clock in ("0530", "0540", "0550")
    ]
    assert [item["properties"]["himawari:complete"] for item in items] == [True, True, False]
    assert [len(item["assets"]) for item in items] == [160, 160, 150]
    assert "3 items, 0 records refused" in said
    asked = " ".join(bucket.requests)
    assert "0520" not in asked, "only the slots of the window are listed"


def test_himawari_takes_the_rest_of_a_slot_later() -> None:
    window = ("--datetime", "2026-03-14T05:30:00Z/2026-03-14T05:40:00Z")
    bucket = Bucket(dict.fromkeys(full_disk(leave_out=40)))
    with served(bucket) as url:
        (early,), _ = ingest("himawari", url, *window)
        bucket.objects = dict.fromkeys(full_disk())
        (late,), _ = ingest("himawari", url, *window)
    assert early["id"] == late["id"]
    assert (early["properties"]["himawari:complete"], late["properties"]["himawari:complete"]) == (
        False,
        True,
    )


# -- PALSAR-2 -------------------------------------------------------------------------------------


def test_palsar2_fetches_the_items_of_the_window_only() -> None:
    scenes = [
        f"ALOS2{orbit}0600-{day}_WBDR2.2GUD"
        for orbit, day in [("12345", "180505"), ("12346", "180506"), ("12999", "180701")]
    ]
    folder = "palsar2/L2.2/2025"
    objects: dict[str, Any] = {f"{folder}/{one}.json": scansar(one) for one in scenes}
    objects |= {f"{folder}/{one}_HH_SLP.tif": None for one in scenes}
    gone = f"{folder}/{scenes[1]}.json"
    bucket = Bucket(objects, name="jaxaalos2", page_size=2, absent=(gone,))
    with served(bucket) as url:
        items, _ = ingest("palsar2", url, "--datetime", "2018-05-04/2018-05-08")
    assert [item["id"] for item in items] == scenes[:1]
    assert (
        items[0]["assets"]["hh-slp"]["href"]
        == f"https://jaxaalos2.s3.us-west-2.amazonaws.com/{folder}/{scenes[0]}_HH_SLP.tif"
    )
    fetched = [path for path in bucket.requests if path.endswith(".json")]
    assert fetched == [f"/{folder}/{scenes[0]}.json", f"/{gone}"], "July's is not asked for, no image is"


# -- JAXA Earth -----------------------------------------------------------------------------------

TREE = {
    SMC: {
        f"2026-{month}/{day}": {0: {WEST: smc(WEST), EAST: smc(EAST)}}
        for month, day in [("09", "29"), ("09", "30"), ("10", "01"), ("10", "02")]
    },
    SGLI_SST: {
        "2026-10/05": {
            0: {WEST: tile_item(WEST), EAST: tile_item(EAST)},
            2: {tile: tile_item(tile) for tile in (JAPAN, CHINA, NORTH)},
        }
    },
    SMC_NORMAL: {
        f"{month:02d}-{day}": {0: {EAST: smc(EAST, "SMC_2012_2021")}}
        for month in (1, 7)
        for day in ("01", "16")
    },
    "NASA.EOSDIS_Terra.MODIS_MOD11C1-LST.daytime.v061_global_daily": {
        "2026-10/05": {0: {EAST: tile_item(EAST)}}
    },
}


def dated(tree: Any) -> Any:
    """Give every tile the times of its date, as the upstream does."""
    for collection, dates in tree.items():
        for date, levels in dates.items():
            lasting = names.span(date, names.cadence_of(collection))
            if lasting is None:
                continue
            for tiles in levels.values():
                for item in tiles.values():
                    item["properties"]["start_datetime"] = lasting[0].isoformat()
                    item["properties"]["end_datetime"] = lasting[1].isoformat()
    return tree


def test_jaxa_earth_reads_the_newest_dates_and_whole_climatologies() -> None:
    upstream = Files(jaxa_earth(dated(TREE)))
    with served(upstream) as url:
        items, said = ingest("jaxa-earth", url)
    found = [item["id"].removeprefix(item["collection"] + "_") for item in items]
    assert found == [
        *("20261002", "20261001"),
        *("20261005_l2_e130n30", "20261005_l2_e130n40", "20261005_l2_e100n30"),
        *("n0101", "n0116", "n0701", "n0716"),
    ]
    assert len({item["id"] for item in items}) == len(items)
    assert "0 records refused" in said
    assert not [path for path in upstream.requests if "NASA" in path], "what is re-hosted is not walked"
    assert not [path for path in upstream.requests if "2026-09" in path]


def test_jaxa_earth_walks_only_the_dates_of_the_window() -> None:
    upstream = Files(jaxa_earth(dated(TREE)))
    with served(upstream) as url:
        items, _ = ingest(
            "jaxa-earth", url, "--collection", names.collection_id(SMC), "--datetime", "2026-10-02/2026-10-03"
        )
    # The day before ends where the window begins, and belongs to neither.
    assert [item["properties"]["jaxa_earth:date"] for item in items][-1] == "2026-10-02"
    assert not [path for path in upstream.requests if "2026-09/29" in path]
    assert len(items[-1]["assets"]) == 2


def test_a_month_not_yet_published_is_no_error() -> None:
    files = jaxa_earth(dated(TREE))
    for path in [path for path in files if f"{SMC}/2026-10/" in path]:
        del files[path]
    with served(Files(files)) as url:
        items, said = ingest("jaxa-earth", url, "--collection", names.collection_id(SMC))
    assert [item["properties"]["jaxa_earth:date"] for item in items] == ["2026-09-30", "2026-09-29"]
    assert "0 records refused" in said


def test_a_tile_that_is_absent_is_no_error() -> None:
    files = jaxa_earth(dated(TREE))
    for path in [path for path in files if f"{SGLI_SST}/2026-10/05/2/E100.00" in path]:
        del files[path]
    with served(Files(files)) as url:
        items, _ = ingest("jaxa-earth", url, "--collection", names.collection_id(SGLI_SST))
    assert len(items) == 2


def test_only_the_tiles_of_the_box_are_fetched() -> None:
    upstream = Files(jaxa_earth(dated(TREE)))
    with served(upstream) as url:
        items, _ = ingest(
            "jaxa-earth", url, "--collection", names.collection_id(SGLI_SST), "--bbox", "132,33,135,36"
        )
    assert [item["properties"]["jaxa_earth:tile"] for item in items] == ["e130n30"]
    assert not [path for path in upstream.requests if "E100.00-E110.00" in path or "/N40.00-" in path]


def test_addresses_of_the_stores_are_asked_at_the_mirror() -> None:
    store = "https://s3.ap-northeast-1.wasabisys.com/je-pds2/cog/v1"
    files = jaxa_earth(dated({SMC: TREE[SMC]}), origin=store)
    with served(Files(files)) as url:
        items, _ = ingest("jaxa-earth", url, "--limit", "1")
    hrefs = [asset["href"] for asset in items[0]["assets"].values()]
    assert len(hrefs) == 2
    assert all(href.startswith(f"{store}/{SMC}/2026-10/02/0/") for href in hrefs)


async def test_an_unknown_collection_is_described_by_what_the_walk_found() -> None:
    new = ICE.replace("v201", "v999")
    files = jaxa_earth(
        {
            new: {
                "2026-10/05": {
                    0: {"W256.00-S256.00-E256.00-N256.00": smc("W256.00-S256.00-E256.00-N256.00", "IC0")}
                }
            }
        },
        **{"je:epsg": ["3995"]},
    )
    files[f"/{new}/collection.json"] |= {
        "title": "Sea ice",
        "description": "Ice.",
        "extent": {
            "spatial": {"bbox": [[-8388608, -8388608, 8388608, 8388608]]},
            "temporal": {"interval": [["2012-07-02T00:00:00Z", None]]},
        },
    }
    with served(Files(files)) as url:
        async with open_fetcher(PATIENCE) as http:
            source = make_source("jaxa-earth", definitions(), http, url)
            window = Window(parse_time("2026-10-01"), parse_time("2026-11-01"))
            pages = [page async for page in source.pages(Selection(window=window))]
            described = await source.describe(names.collection_id(new))
            assert await source.describe("sentinel-2-l2a") is None
    assert described is not None
    assert described["title"] == "Sea ice"
    (record,) = source.records(pages[0])
    assert source.to_item(record)["properties"]["proj:code"] == "EPSG:3995"
