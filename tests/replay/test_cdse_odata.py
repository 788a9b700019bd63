"""The change feed of CDSE over real HTTP: its windows, its order, its repeats, its troubles."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from catalog.errors import UpstreamChanged, UpstreamUnavailable
from ingest.contract import Kind, Page
from ingest.fetch import Patience, open_fetcher
from ingest.protocols import odata
from ingest.sources.cdse import Cdse
from ingest.times import format_time
from tests.replay.odata import Catalogue, serving
from tests.unit.documents import definitions
from tests.unit.odata_documents import deleted, page, product, sentinel_1

_SINCE = datetime(2024, 1, 1, tzinfo=UTC)
_PATIENCE = Patience(timeout_s=20, attempts=2, max_wait_s=1)


@pytest.fixture
def catalogue() -> Iterator[Catalogue]:
    made = Catalogue()
    with serving(made):
        yield made


def _bare(number: int, moment: datetime) -> dict[str, Any]:
    return {
        "Id": f"{number:08}",
        "Name": f"n{number}",
        "ContentDate": {},
        "ModificationDate": format_time(moment),
    }


def _fill(catalogue: Catalogue, moments: list[datetime], name: str = "SENTINEL-1") -> None:
    catalogue.products["Products", name] = [_bare(number, moment) for number, moment in enumerate(moments)]


async def _follow(catalogue: Catalogue, until: datetime | None = None, **changes: Any) -> list[str]:
    feed = odata.Feed(
        address=f"{catalogue.base}/odata/v1/Products",
        cursor="ModificationDate",
        conditions=("Collection/Name eq 'SENTINEL-1'",),
        expand=("Attributes", "Assets"),
        **changes,
    )
    async with open_fetcher(_PATIENCE) as http:
        return await _ids(odata.follow(http, feed, _SINCE, until))


async def _ids(pages: AsyncIterator[Page]) -> list[str]:
    return [record["Id"] async for given in pages for record in given.document["value"]]


async def test_more_than_a_window_holds_is_given_whole_and_once(catalogue: Catalogue) -> None:
    # Pairs share a moment, so that the seam between two chains runs through one.
    _fill(catalogue, [_SINCE + timedelta(seconds=number // 2) for number in range(12_345)])
    ids = await _follow(catalogue)
    assert len(ids) == 12_345
    assert len(set(ids)) == 12_345
    assert ids == sorted(ids)
    # Each page begins at the last date of the one before.
    assert len(catalogue.asked) == 13
    assert all("$skip" not in query for query in catalogue.asked)
    assert (
        f"ModificationDate ge {format_time(_SINCE + timedelta(seconds=499))}"
        in (catalogue.asked[1]["$filter"][0])
    )


async def test_one_moment_may_fill_several_pages(catalogue: Catalogue) -> None:
    """What begins at the last date would be the same page for ever."""
    tied = [_SINCE + timedelta(seconds=1)] * 2_500
    _fill(catalogue, [_SINCE, *tied, _SINCE + timedelta(seconds=2)])
    ids = await _follow(catalogue)
    assert sorted(ids) == [f"{number:08}" for number in range(2_502)]
    assert len(set(ids)) == len(ids)


async def test_a_record_that_changes_while_pages_are_walked_hides_no_other(catalogue: Catalogue) -> None:
    """It left its page; what began the next page moved up into it, and was never given."""
    _fill(catalogue, [_SINCE + timedelta(hours=hour) for hour in range(6)])
    records = catalogue.products["Products", "SENTINEL-1"]

    def touch(given: dict[str, Any]) -> dict[str, Any]:
        records[0] = _bare(0, _SINCE + timedelta(days=9))
        return given

    catalogue.bend = touch
    ids = await _follow(catalogue, until=_SINCE + timedelta(days=1), page_size=2)
    assert ids == [f"{number:08}" for number in range(6)]


async def test_what_is_asked(catalogue: Catalogue) -> None:
    _fill(catalogue, [_SINCE])
    await _follow(catalogue, until=_SINCE + timedelta(days=1), page_size=5000)
    (query,) = catalogue.asked
    assert query == {
        "$filter": [
            "Collection/Name eq 'SENTINEL-1' and ModificationDate ge 2024-01-01T00:00:00Z"
            " and ModificationDate lt 2024-01-02T00:00:00Z"
        ],
        "$orderby": ["ModificationDate asc"],
        "$top": ["1000"],  # more is refused
        "$expand": ["Attributes", "Assets"],
    }


async def test_the_end_of_the_time_is_not_in_it(catalogue: Catalogue) -> None:
    _fill(catalogue, [_SINCE + timedelta(hours=hour) for hour in range(5)])
    assert await _follow(catalogue, until=_SINCE + timedelta(hours=3)) == ["00000000", "00000001", "00000002"]


async def test_a_record_that_changes_meanwhile_comes_again(catalogue: Catalogue) -> None:
    _fill(catalogue, [_SINCE + timedelta(hours=hour) for hour in range(4)])
    moved = {"done": False}

    def touch(given: dict[str, Any]) -> dict[str, Any]:
        if not moved["done"]:
            moved["done"] = True
            catalogue.products["Products", "SENTINEL-1"].append(_bare(0, _SINCE + timedelta(days=9)))
        return given

    catalogue.bend = touch
    assert (await _follow(catalogue, page_size=2)).count("00000000") == 2


async def test_repeats_are_given_once(catalogue: Catalogue) -> None:
    _fill(catalogue, [_SINCE + timedelta(hours=hour) for hour in range(4)])
    catalogue.bend = lambda given: {**given, "value": [*given["value"], *given["value"]]}
    assert await _follow(catalogue, page_size=2) == ["00000000", "00000001", "00000002", "00000003"]


async def test_too_many_records_of_one_moment_are_an_error_and_no_gap(catalogue: Catalogue) -> None:
    _fill(catalogue, [_SINCE] * 10_500)
    with pytest.raises(UpstreamChanged, match="more than can be listed"):
        await _follow(catalogue)


async def test_a_long_feed_without_order_is_an_error_and_no_gap(catalogue: Catalogue) -> None:
    _fill(catalogue, [_SINCE + timedelta(seconds=-number % 11_000) for number in range(11_000)])
    catalogue.ignores_order = True
    with pytest.raises(UpstreamChanged, match="not in the order"):
        await _follow(catalogue)


@pytest.mark.parametrize(
    "answer", [{"error": "x"}, {"value": "x"}, [], {"value": [{"Id": "1"}], "@odata.nextLink": 5}]
)
async def test_an_answer_of_another_form_is_an_error(catalogue: Catalogue, answer: Any) -> None:
    catalogue.bend = lambda given: answer
    with pytest.raises(UpstreamChanged):
        await _follow(catalogue)


async def test_pages_that_lead_in_a_circle_are_an_error(catalogue: Catalogue) -> None:
    _fill(catalogue, [_SINCE + timedelta(hours=hour) for hour in range(4)])
    address = f"{catalogue.base}/odata/v1/Products?%24filter=Collection%2FName+eq+%27SENTINEL-1%27&%24top=2"
    catalogue.bend = lambda given: {**given, "@odata.nextLink": address}
    with pytest.raises(UpstreamChanged, match="circle"):
        await _follow(catalogue)


async def test_429_is_waited_for(catalogue: Catalogue) -> None:
    _fill(catalogue, [_SINCE])
    catalogue.trouble = [(429, {"retry-after": "1"})]
    assert await _follow(catalogue) == ["00000000"]
    catalogue.trouble = [(503, {})] * 2
    with pytest.raises(UpstreamUnavailable):
        await _follow(catalogue)


async def test_the_source_gives_deletions_of_all_its_collections(catalogue: Catalogue) -> None:
    tile = "S2A_MSIL2A_20240115T012701_N0510_R074_T54SUE_20240115T033000.SAFE"
    catalogue.products["DeletedProducts", "SENTINEL-1"] = [deleted(sentinel_1()["Name"], 2)]
    catalogue.products["DeletedProducts", "SENTINEL-2"] = [deleted(tile, 3)]
    async with open_fetcher(_PATIENCE) as http:
        source = Cdse(definitions(), http, catalogue.base)
        gone = [record async for given in source.deletions(_SINCE) for record in source.records(given)]
    assert [record.kind for record in gone] == [Kind.TOMBSTONE] * 2
    assert [source.to_tombstone(record).collection for record in gone] == ["sentinel-1-grd", "sentinel-2-l2a"]
    # Without the name of a collection the real service runs out of time.
    assert all("Collection/Name eq" in query["$filter"][0] for query in catalogue.asked)
    assert catalogue.asked[-1]["$orderby"] == ["DeletionDate asc"]
    assert catalogue.asked[-1]["$expand"] == ["Attributes"]


def test_a_saved_page_goes_through_the_command(tmp_path: Path) -> None:
    tile = "S2A_MSIL2A_20240115T012701_N0510_R074_T54SUE_20240115T033000.SAFE"
    orbit = product(
        "S1A_OPER_AUX_POEORB_OPOD_20210315T155112_V20191230T225942_20200101T005942.EOF", GeoFootprint=None
    )
    file = tmp_path / "page.json"
    file.write_text(json.dumps(page(sentinel_1(), product(tile), orbit, deleted(tile))))
    command = [sys.executable, "-m", "cli", "ingest", "cdse", "--from-file", str(file), "--dry-run"]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["collection"] for line in done.stdout.splitlines()] == [
        "sentinel-1-grd",
        "sentinel-2-l2a",
    ]
    assert "4 records, 2 items, 1 record refused" in done.stderr
    assert "refused, auxiliary: 1" in done.stderr
    assert "deleted upstream: 1 record" in done.stderr
