"""Telling texts of items that were loaded before, to the byte, without parsing them.

A row that was made of one text alone has the text's digest in `private`. A text whose digest is that of the
row with its id therefore says what the row says, and nothing of it has to be read, checked or written. Where to
look for the row is only guessed from the text: a wrong guess finds no row or one with another digest, and the
text is then loaded like any other.

What does not follow from the text alone is part of the digest: whether it was checked against the schemas, and
by which rules texts become rows.
"""

import re
import sys
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

import asyncpg

from catalog.store.base_item import Target, read_targets
from catalog.store.prepared import Key

if TYPE_CHECKING:
    from catalog.store.connection import Connection

# To be raised whenever the same text would become another row than before.
_RULES = sha256(b"kakehashi: texts of items, rules 1\n")
_CHECKED, _UNCHECKED = "c", "u"
# What follows the name of a member whose value is a plain text.
_VALUE = re.compile(rb'\s*:\s*"([^"\\]{1,300})"')
# Properties are looked for so many bytes around the first one that is a time.
_NEAR = 1000
# Texts of which collections were guessed last; a name that is none costs a look at the catalogue.
_MOST_GUESSES = 10_000
# In the partition of its time alone, which PostgreSQL finds out row by row.
_LOOK = """
    SELECT text.number FROM unnest($1::text[], $2::timestamptz[], $3::text[]) WITH ORDINALITY
        AS text (id, time, digest, number)
    JOIN pgstac.{table} AS items ON items.id = text.id AND items.datetime = text.time
    WHERE right(items.private ->> 'kakehashi_text', -1) = text.digest
        AND (NOT $4 OR left(items.private ->> 'kakehashi_text', 1) = 'c')
"""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A text and where its row is, if it has one.

    Attributes:
        digest: of the text.
        key: collection and id that it seems to have.
        time: at which its row begins, as it seems.
    """

    digest: str
    key: Key
    time: datetime


def text_digest(text: bytes) -> str:
    """Return the digest of the text of an item; white space around it does not count."""
    digest = _RULES.copy()
    digest.update(text.strip())
    return b64encode(digest.digest()[:18]).decode()


def text_mark(digest: str, *, checked: bool) -> str:
    """Return what a row is marked with that was made of the text with this digest."""
    return (_CHECKED if checked else _UNCHECKED) + digest


def sight(text: bytes, digest: str) -> Sighting | None:
    """Guess which row a text belongs to; None: there is nothing to go by."""
    identifier, collection = _first(text, b'"id"'), _first(text, b'"collection"')
    # An item of a range is kept by its start, whatever its `datetime` says; all its times stand close together.
    near = max(0, text.find(b'datetime"') - _NEAR)
    time = _first(text, b'"start_datetime"', near, near + 2 * _NEAR) or _first(text, b'"datetime"', near)
    if identifier is None or collection is None or time is None:
        return None
    try:
        moment = datetime.fromisoformat(time.decode())
        return Sighting(
            digest,
            (collection.decode(), identifier.decode()),
            moment if moment.tzinfo else moment.replace(tzinfo=UTC),
        )
    except ValueError:
        return None


def _first(text: bytes, name: bytes, start: int = 0, end: int = sys.maxsize) -> bytes | None:
    """Return the first value that is a text of a member of this name, quotes included in the name."""
    at = text.find(name, start, end)
    while at >= 0:
        found = _VALUE.match(text, at + len(name))
        if found is not None:
            return found[1]
        at = text.find(name, at + len(name), end)
    return None


class Recogniser:
    """Looks for the rows of texts."""

    def __init__(self, connection: "Connection", *, checked: bool) -> None:
        """Use a connection of the ingest role.

        Args:
            connection: nobody else uses it at the same time.
            checked: whether texts count as known only if they were checked against the schemas.
        """
        self._connection = connection
        self._checked = checked
        self._targets: dict[str, Target] = {}

    async def known(self, sightings: Sequence[Sighting]) -> set[int]:
        """Return the places in the list of those texts that are in the catalogue as they stand."""
        groups: dict[str, list[int]] = {}
        for place, sighting in enumerate(sightings):
            groups.setdefault(sighting.key[0], []).append(place)
        await self._find(groups)
        found: set[int] = set()
        for collection, places in groups.items():
            target = self._targets.get(collection)
            if target is not None:
                asked = [sightings[place] for place in places]
                found.update(places[number - 1] for number in await self._look(target, asked))
        return found

    async def _look(self, target: Target, sightings: Sequence[Sighting]) -> list[int]:
        """Return the numbers, from 1, of those texts of one collection that are there."""
        try:
            async with self._connection.transaction():
                # Planned for these texts alone, the join would cost more to plan than to do, and read whole
                # indexes where a collection is small.
                await self._connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
                rows = await self._connection.fetch(
                    _LOOK.format(table=target.table),
                    [sighting.key[1] for sighting in sightings],
                    [sighting.time for sighting in sightings],
                    [sighting.digest for sighting in sightings],
                    self._checked,
                )
        except asyncpg.UndefinedTableError:  # nothing was ever written to it, or it was just taken out
            return []
        return [row["number"] for row in rows]

    async def _find(self, collections: dict[str, list[int]]) -> None:
        """Find out the tables of collections; those that have none yet are asked for again."""
        missing = [name for name in collections if name not in self._targets]
        if not missing:
            return
        if len(self._targets) > _MOST_GUESSES:
            self._targets.clear()
        self._targets |= await read_targets(self._connection, missing)
