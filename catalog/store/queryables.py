"""What pgstac knows of properties: where each is kept in an item, and of which kind it is.

`load_queryables` reads the whole table at once, so that a search can be planned without asking.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncpg

    from catalog.store.connection import Connection

    Row = Mapping[str, Any] | asyncpg.Record

# Members that stand beside `properties` in an item (pgstac.queryable_path_elements).
_TOP_LEVEL = frozenset({"assets", "links", "bbox", "stac_version", "stac_extensions", "properties"})
_QUERYABLES = """
    SELECT name, collection_ids, property_path AS path, property_wrapper AS wrapper,
        CASE jsonb_typeof(definition->'type')
            WHEN 'array' THEN ARRAY(SELECT jsonb_array_elements_text(definition->'type'))
            WHEN 'string' THEN ARRAY[definition->>'type']
            ELSE '{}'::text[]
        END AS types,
        definition->>'format' AS format
    FROM pgstac.queryables
    ORDER BY id
"""


class Kind(Enum):
    """How a value is compared."""

    NUMBER = "a number"
    TEXT = "a string"
    TIME = "a time"
    BOOLEAN = "a boolean"
    ARRAY = "a list"
    GEOMETRY = "a geometry"
    ANY = "of any type"


@dataclass(frozen=True)
class Queryable:
    """A property that can be asked for.

    Attributes:
        name: without the prefix `properties.`.
        kind: how it is compared; ANY: by the JSON type of what an item holds.
        path: keys that lead to it, from the item's root.
        column: of pgstac's items, if it is kept in one.
        is_registered: whether the catalogue declares it.
    """

    name: str
    kind: Kind
    path: tuple[str, ...]
    column: str | None = None
    is_registered: bool = True


# pgstac keeps the start of an item's span in `datetime`: its `start_datetime`, or else its `datetime`.
_COLUMNS = {
    "id": Queryable("id", Kind.TEXT, ("id",), "id"),
    "collection": Queryable("collection", Kind.TEXT, ("collection",), "collection"),
    "geometry": Queryable("geometry", Kind.GEOMETRY, ("geometry",), "geometry"),
    "datetime": Queryable("datetime", Kind.TIME, ("properties", "datetime"), "datetime"),
    "start_datetime": Queryable("start_datetime", Kind.TIME, ("properties", "start_datetime"), "datetime"),
    "end_datetime": Queryable("end_datetime", Kind.TIME, ("properties", "end_datetime"), "end_datetime"),
}
_WRAPPERS = {
    "to_int": Kind.NUMBER,
    "to_float": Kind.NUMBER,
    "to_text": Kind.TEXT,
    "to_text_array": Kind.ARRAY,
    "to_tstz": Kind.TIME,
}


@dataclass(frozen=True)
class _Row:
    collections: frozenset[str] | None
    kind: Kind
    path: tuple[str, ...]


class Queryables:
    """The registered properties at one moment."""

    def __init__(self, rows: "Iterable[Row]", *, is_open: bool = True) -> None:
        """Keep the rows of pgstac's table.

        Args:
            rows: with name, collection_ids, path, wrapper, types and format.
            is_open: whether properties that are not registered may be asked for too.
        """
        self.is_open = is_open
        self._rows: dict[str, list[_Row]] = {}
        for row in rows:
            name = strip_prefix(row["name"])
            collections = frozenset(row["collection_ids"]) if row["collection_ids"] else None
            path = tuple(row["path"]) if row["path"] else _path_of(name)
            kind = _kind_of(row["wrapper"], row["types"], row["format"])
            self._rows.setdefault(name, []).append(_Row(collections, kind, path))

    def find(self, name: str, collections: Iterable[str] = ()) -> Queryable:
        """Return how a property is read in a search of collections (none: all of them).

        As in pgstac, what is registered for every collection counts first. Where collections
        disagree, the property is read by the type of what each item holds.
        """
        plain = strip_prefix(name)
        if plain in _COLUMNS:
            return _COLUMNS[plain]
        wanted = frozenset(collections)
        rows = [
            row
            for row in self._rows.get(plain, ())
            if row.collections is None or not wanted or row.collections & wanted
        ]
        rows = [row for row in rows if row.collections is None] or rows
        if not rows:
            return Queryable(plain, Kind.ANY, _path_of(plain), is_registered=False)
        first = rows[0]
        agree = all(row.kind is first.kind for row in rows)
        same_path = all(row.path == first.path for row in rows)
        return Queryable(
            plain, first.kind if agree else Kind.ANY, first.path if same_path else _path_of(plain)
        )


async def load_queryables(connection: "Connection") -> Queryables:
    """Read what is registered."""
    rows = await connection.fetch(_QUERYABLES)
    is_open = await connection.fetchval("SELECT pgstac.additional_properties()")
    return Queryables(rows, is_open=is_open is not False)


def strip_prefix(name: str) -> str:
    """Return a property's name without the `properties.` that clients may put before it."""
    return re.sub(r"^(properties\.)+", "", name)


def _path_of(name: str) -> tuple[str, ...]:
    """Return where pgstac looks for a property of this name."""
    keys = tuple(name.split("."))
    return keys if keys[0] in _TOP_LEVEL else ("properties", *keys)


def _kind_of(wrapper: str | None, types: Iterable[str], form: str | None) -> Kind:
    """Return the kind that a definition declares; an explicit wrapper of pgstac's counts first."""
    if wrapper in _WRAPPERS:
        return _WRAPPERS[wrapper]
    declared = set(types)
    if declared & {"integer", "number"}:
        return Kind.NUMBER if not declared & {"string", "array", "boolean"} else Kind.ANY
    if "array" in declared:
        return Kind.ARRAY
    if "boolean" in declared:
        return Kind.BOOLEAN if "string" not in declared else Kind.ANY
    if form in ("date-time", "date"):
        return Kind.TIME
    return Kind.TEXT if "string" in declared else Kind.ANY
