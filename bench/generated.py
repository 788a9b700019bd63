"""Generated items, the same for every server that is measured, made inside the database for speed.

One complete item goes through pgstac's own `content_slim`; its text is the pattern of all others,
so that rows look as pgstac's loader would have written them.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson

from catalog.definitions import load_definitions
from catalog.store.migrate import migrate
from catalog.store.writer import upsert_collections, upsert_queryables

FIRST_YEAR = 2022
PLATFORMS = ("sentinel-2a", "sentinel-2b", "alos-2", "gcom-c")
# Stand in the pattern where a row has its own value; numbers that no item has otherwise.
_ID, _DATETIME, _PLATFORM, _CLOUDS, _ORBIT = "@ID@", "@DATETIME@", "@PLATFORM@", "-770001", "-770002"


@dataclass(frozen=True)
class Shape:
    """How much is generated.

    Attributes:
        items: of all collections together.
        assets: per item; 19 make an item of about 10 kB.
        collections: number of them.
        months: monthly partitions of each.
        item_assets: whether collections say what their items' assets have in common, so that pgstac
            cuts it off each item and every reader has to put it back. Ours do not.
    """

    items: int
    assets: int = 19
    collections: int = 9
    months: int = 36
    item_assets: bool = False

    @property
    def names(self) -> list[str]:
        """Ids of the collections."""
        return [f"bench-{number:02}" for number in range(self.collections)]

    @property
    def fingerprint(self) -> str:
        """A name of this shape: a database that has it is not made again."""
        return f"{self.items}-{self.assets}-{self.collections}-{self.months}{'-shared' * self.item_assets}"


async def fill(url: str, shape: Shape) -> None:
    """Have a migrated database hold exactly `shape` (or more of it than before); says what it does."""
    await migrate(url)
    connection = await asyncpg.connect(
        url, server_settings={"search_path": "pgstac,public", "timezone": "UTC"}
    )
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS public.bench_shape (fingerprint text)")
        held = await connection.fetchval("SELECT fingerprint FROM public.bench_shape")
        if held == shape.fingerprint:
            return
        before = int(held.split("-")[0]) if held else 0
        begun = time.perf_counter()
        await _define(connection, shape)
        await _generate(url, connection, shape, before)
        await connection.execute("DELETE FROM public.bench_shape")
        await connection.execute("INSERT INTO public.bench_shape VALUES ($1)", shape.fingerprint)
        print(
            f"# {shape.items - before:,} items generated in {time.perf_counter() - begun:.0f} s "
            f"({shape.assets} assets, {shape.collections} collections, {shape.months} months)"
        )
    finally:
        await connection.close()


def complete_item(assets: int) -> dict[str, Any]:
    """Return the item that is the pattern of all; what differs by row has a placeholder."""
    base = f"https://data.example.org/archive/optical/level-2a/{_ID}"
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [
            "https://stac-extensions.github.io/eo/v2.0.0/schema.json",
            "https://stac-extensions.github.io/sat/v1.1.0/schema.json",
        ],
        "id": _ID,
        "collection": "bench-00",
        "bbox": [0, 0, 1, 1],
        "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]},
        "properties": {
            "datetime": _DATETIME,
            "created": "2026-01-01T00:00:00Z",
            "platform": _PLATFORM,
            "constellation": "sentinel-2",
            "instruments": ["msi"],
            "gsd": 10,
            "eo:cloud_cover": int(_CLOUDS),
            "sat:absolute_orbit": int(_ORBIT),
            "sat:orbit_state": "descending",
            "processing:level": "L2A",
            "product:type": "S2MSI2A",
            "view:sun_azimuth": 143.2284,
            "view:sun_elevation": 38.8731,
            "proj:code": "EPSG:32654",
        },
        "links": [{"rel": "via", "type": "application/json", "href": f"{base}/record.json"}],
        "assets": {f"B{number:02}": _asset(base, number) for number in range(assets)},
    }


def _asset(base: str, number: int) -> dict[str, Any]:
    return {
        "href": f"{base}/B{number:02}.tif",
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "title": f"Band {number}, surface reflectance",
        "roles": ["data", "reflectance"],
        "gsd": 10,
        "file:size": 120_000_000 + number,
        "file:checksum": f"1620{number:064x}",
        "proj:shape": [10980, 10980],
        "proj:transform": [10, 0, 300000, 0, -10, 4100040, 0, 0, 1],
        "bands": [{"name": f"B{number:02}", "eo:center_wavelength": 0.4431 + number / 100}],
        "raster:scale": 0.0001,
        "raster:offset": -0.1,
    }


async def _define(connection: "asyncpg.Connection[Any]", shape: Shape) -> None:
    definitions = load_definitions()
    await upsert_queryables(connection, definitions.queryables)
    assets = complete_item(shape.assets)["assets"]
    of_each = {name: {key: asset[key] for key in asset if key != "href"} for name, asset in assets.items()}
    shared = {"item_assets": of_each} if shape.item_assets else {}
    await upsert_collections(
        connection,
        [
            {
                "type": "Collection",
                "stac_version": "1.1.0",
                "id": name,
                "title": f"Generated collection {name}",
                "description": "Items for measurements. " * 20,
                "license": "other",
                "extent": {
                    "spatial": {"bbox": [[-180, -90, 180, 90]]},
                    "temporal": {"interval": [[f"{FIRST_YEAR}-01-01T00:00:00Z", None]]},
                },
                "links": [{"rel": "license", "href": "https://data.example.org/licence"}],
                "kakehashi:partition": "month",
                **shared,
            }
            for name in shape.names
        ],
    )


_PARTITION = "SELECT pgstac.check_partition($1, tstzrange($2, $3, '[]'), tstzrange($2, $3, '[]'))"

# A row's values follow from its number, by a hash that spreads them.
_INSERT = """
    INSERT INTO pgstac.{partition} (id, geometry, collection, datetime, end_datetime, content)
    SELECT
        id,
        ST_MakeEnvelope(west, south, west + 1, south + 1, 4326),
        $1, moment, moment,
        replace(replace(replace(replace(replace($2,
            '@ID@', id),
            '@DATETIME@', to_char(moment, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')),
            '@PLATFORM@', platform),
            '-770001', clouds::text),
            '-770002', orbit::text)::jsonb
    FROM (
        SELECT
            -- As names of products do, it carries the time.
            $1 || to_char(moment, '_YYYYMMDD"T"HH24MISS_') || lpad(number::text, 7, '0') AS id,
            *
        FROM (
            SELECT
                number,
                $3::timestamptz + (hash % 2419199) * interval '1 second' + (hash % 997) * interval '1 ms' AS moment,
                (hash % 3570) / 10.0 - 179 AS west,
                (hash / 4096 % 1500) / 10.0 - 75 AS south,
                ($6::text[])[1 + hash / 512 % cardinality($6::text[])] AS platform,
                (hash / 64 % 1001) / 10.0 AS clouds,
                hash / 1024 % 60000 AS orbit
            FROM (
                SELECT number, abs(hashint8(number * 7919 + {month} * 104729 + hashtext($1))::bigint) AS hash
                FROM generate_series($4::bigint, $5::bigint) AS number
            ) AS numbers
        ) AS rows
    ) AS named
"""


async def _generate(url: str, connection: "asyncpg.Connection[Any]", shape: Shape, before: int) -> None:
    item = orjson.dumps(complete_item(shape.assets)).decode()
    pattern = await connection.fetchval("SELECT pgstac.content_slim($1::jsonb)::text", item)
    share = shape.collections * shape.months
    first, last = before // share + 1, shape.items // share
    jobs: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
    for name in shape.names:
        for month in range(shape.months):
            jobs.put_nowait((name, month))

    async def work() -> None:
        own = await asyncpg.connect(url, server_settings={"search_path": "pgstac,public", "timezone": "UTC"})
        try:
            await own.execute("SET synchronous_commit = off")
            while not jobs.empty():
                name, month = jobs.get_nowait()
                start = datetime(FIRST_YEAR + month // 12, month % 12 + 1, 1, tzinfo=UTC)
                end = start.replace(day=28, hour=23, minute=59, second=59)
                async with lock:
                    partition = await own.fetchval(_PARTITION, name, start, end)
                statement = _INSERT.format(partition=f'"{partition}"', month=month)
                await own.execute(statement, name, pattern, start, first, last, list(PLATFORMS))
        finally:
            await own.close()

    lock = asyncio.Lock()
    await asyncio.gather(work(), work())
    await connection.execute("ANALYZE pgstac.items")
    for row in await connection.fetch("SELECT partition FROM pgstac.partitions_view"):
        await connection.execute("SELECT pgstac.update_partition_stats($1)", row["partition"])
