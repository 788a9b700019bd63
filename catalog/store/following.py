"""Collections whose extent and summaries follow the data, while what they declare is kept.

pgstac's `collections.content` is what is served. What the definition or the upstream says of these two
members is kept in `kakehashi.collection_declared`, beside what was made of it. If somebody (another
tool, an editor) writes a collection in between, its content is not what we made last: then what it says
is what is declared from now on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from catalog import jsontext
from catalog.follow import FOLLOWING, followed
from catalog.observed import Observed
from catalog.store.counting import statistics_of

if TYPE_CHECKING:
    from catalog.store.connection import Connection


@dataclass(frozen=True)
class Following:
    """Extent and summaries of a collection: as they are declared, and as they are served."""

    declared: dict[str, Any]
    served: dict[str, Any]


async def follow_data(connection: "Connection", collection: str, items: int, observed: Observed) -> bool:
    """Bring extent and summaries of a collection in line with its items; return whether they changed.

    Args:
        connection: of the ingest role, in a transaction.
        collection: its id; it exists.
        items: how many it has; none: it says again what it declares.
        observed: what they say.
    """
    row = await connection.fetchrow(
        """
        SELECT collections.content - ARRAY['links', 'assets', 'item_assets'] AS content, declared, served
        FROM pgstac.collections
        LEFT JOIN kakehashi.collection_declared AS known ON known.collection = collections.id
        WHERE collections.id = $1 FOR NO KEY UPDATE OF collections
        """,
        collection,
    )
    if row is None:
        return False
    now = _following(jsontext.loads(row["content"]))
    is_ours = row["served"] is not None and jsontext.loads(row["served"]) == now
    declared = jsontext.loads(row["declared"]) if is_ours else now
    wanted = followed(declared, observed if items else Observed())
    if wanted == now and (is_ours or wanted == declared):
        return False
    await _remember(connection, collection, declared, wanted)
    if wanted == now:
        return False
    await connection.execute(
        "UPDATE pgstac.collections SET content = content - $2::text[] || $3::jsonb WHERE id = $1",
        collection,
        list(FOLLOWING),
        jsontext.dumps(wanted).decode(),
    )
    return True


async def with_data_followed(
    connection: "Connection", content: Mapping[str, Any]
) -> tuple[dict[str, Any], Following | None]:
    """Return a collection that is about to be written, as its items have it.

    Args:
        connection: of the ingest role, in a transaction, in which `remember_declared` follows.
        content: the collection as it is declared; or as it is served, if an editor changed something else.

    Returns:
        The collection, and what is to be remembered of it; None while nothing is known of its items, and
        so it says what it declares.
    """
    name = content.get("id")
    await connection.execute("SELECT FROM pgstac.collections WHERE id = $1 FOR NO KEY UPDATE", name)
    row = await connection.fetchrow(
        """
        SELECT known.*, declared.declared, declared.served
        FROM kakehashi.collection_statistics AS known
        LEFT JOIN kakehashi.collection_declared AS declared USING (collection)
        WHERE known.collection = $1
        """,
        name,
    )
    if row is None or not row["items"]:
        return dict(content), None
    declared = _following(content)
    if row["served"] is not None and jsontext.loads(row["served"]) == declared:
        declared = jsontext.loads(row["declared"])
    served = followed(declared, statistics_of(row).observed)
    return {**content, **served}, Following(declared, served)


async def remember_declared(connection: "Connection", collection: str, following: Following) -> None:
    """Keep what a collection declares, and what was made of it (`with_data_followed`)."""
    await _remember(connection, collection, following.declared, following.served)


async def _remember(
    connection: "Connection", collection: str, declared: Mapping[str, Any], served: Mapping[str, Any]
) -> None:
    await connection.execute(
        """
        INSERT INTO kakehashi.collection_declared (collection, declared, served)
        VALUES ($1, $2::jsonb, $3::jsonb)
        ON CONFLICT (collection) DO UPDATE SET declared = excluded.declared, served = excluded.served
        """,
        collection,
        jsontext.dumps(declared).decode(),
        jsontext.dumps(served).decode(),
    )


def _following(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: content[name] for name in FOLLOWING if name in content}
