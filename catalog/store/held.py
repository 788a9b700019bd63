"""Reading back whole items that are about to be replaced, as they were loaded, and what is noted of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from catalog import jsontext

if TYPE_CHECKING:
    from catalog.store.base_item import Target
    from catalog.store.connection import Connection

# The member of pgstac's `private` that is ours: digests of the records an item was made of, by source.
_MARK = "kakehashi"
# Mark of the one text that the row was made of (`catalog.store.recognised`).
_TEXT = "kakehashi_text"


@dataclass(frozen=True, slots=True)
class Note:
    """What a row's `private` says.

    Attributes:
        marks: by source, the digest of the record that was loaded last; empty where it is not known.
            None of them: the row was written by another tool, or changed by one.
        others: what other tools keep there.
    """

    marks: Mapping[str, str]
    others: Mapping[str, Any]

    @classmethod
    def read(cls, private: str | None) -> "Note":
        """Read the text of the column."""
        found = jsontext.loads(private) if private else None
        if not isinstance(found, dict):
            return cls({}, {})
        found.pop(_TEXT, None)
        marks = found.pop(_MARK, None)
        return cls(marks if isinstance(marks, dict) else {}, found)

    def with_marks(self, marks: Mapping[str, str], text: str | None = None) -> bytes:
        """Return the column's new text, with other marks, and with that of a text if it is made of that alone."""
        told = {_TEXT: text} if text is not None and len(marks) == 1 else {}
        return jsontext.dumps({**self.others, _MARK: marks, **told})


NO_NOTE = Note({}, {})


async def hold_items(
    connection: "Connection", target: "Target", identifiers: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return whole items of a collection by id, as they were loaded; nulls included where pgstac kept them."""
    # Where items share nothing but type and version, joining them is quicker than pgstac's own way, and
    # keeps their nulls.
    whole = (
        "pgstac.content_hydrate(items::pgstac.items)"
        if target.base.shared
        else "jsonb_build_object('type', 'Feature', 'stac_version', $2::text, 'id', id, 'collection', collection, "
        "'geometry', public.ST_AsGeoJSON(geometry, 20)::jsonb) || content - 'pgstac:base_item'"
    )
    rows = await connection.fetch(
        f"SELECT id, ({whole})::text AS item FROM pgstac.{target.table} AS items WHERE id = ANY ($1::text[])",  # noqa: S608
        list(identifiers),
        *(() if target.base.shared else (target.base.stac_version,)),
    )
    found = {}
    for row in rows:
        item: dict[str, Any] = jsontext.loads(row["item"])
        # pgstac's own loader drops a null, which an item with a start and an end alone must have.
        item["properties"].setdefault("datetime", None)
        found[row["id"]] = item
    return found


def sources_of(item: Mapping[str, Any]) -> set[str]:
    """Return the sources whose records an item was made of, as its properties and links tell."""
    named = [link.get("harvest:source") for link in item.get("links") or () if isinstance(link, Mapping)]
    named.append((item.get("properties") or {}).get("harvest:source"))
    return {name for name in named if isinstance(name, str)}
