"""What is to become of items: the digests of what is there tell which are new, changed or the same."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from catalog.errors import RecordRefused
from catalog.store.base_item import Target
from catalog.store.held import NO_NOTE, Note, hold_items, sources_of
from catalog.store.partitions import Partitions
from catalog.store.prepared import PreparedItem, prepare
from catalog.store.written import Outcome

if TYPE_CHECKING:
    from catalog.store.connection import Connection

# Up to so many partitions are asked one by one for the items that should be in them.
_FEW_PARTITIONS = 4

# Makes one item of the one that is there and the one that comes.
Join = Callable[[dict[str, Any], PreparedItem], Mapping[str, Any]]


class Mode(Enum):
    """What happens to an item whose id is there already."""

    INSERT = "insert"  # it is refused, and what is there stays
    UPSERT = "upsert"  # it is replaced, if it differs


@dataclass(frozen=True, slots=True)
class Write:
    """A row to be written.

    Attributes:
        item: what is written.
        came_as: what was given; another one if it was joined with what was there.
        private: of the row.
        is_new: whether no row of this id is there.
    """

    item: PreparedItem
    came_as: PreparedItem
    private: bytes
    is_new: bool


class Decider:
    """Decides about the items of one collection at a time, in the transaction that writes them."""

    def __init__(
        self, connection: "Connection", partitions: Partitions, mode: Mode, join: Join | None
    ) -> None:
        """Use a connection of the ingest role.

        Args:
            connection: that of the transaction.
            partitions: which are known on it.
            mode: what happens to an item that is there already.
            join: makes one item of several sources' records; None: an item replaces what is there.
        """
        self._connection = connection
        self._partitions = partitions
        self._mode = mode
        self._join = join

    async def decide(
        self, collection: str, target: Target, items: Mapping[str, PreparedItem], outcome: Outcome
    ) -> list[Write]:
        """Return the rows to be written; refused and unchanged items are told to the outcome.

        Args:
            collection: its id.
            target: the same.
            items: of it, by id; their shards are locked.
            outcome: of the batch.
        """
        counts = outcome.of(collection)
        notes = await self._notes(target, items.values())
        writes, doubtful = [], []
        for name, item in items.items():
            note = notes.get(name)
            if note is None:
                writes.append(_written(item, NO_NOTE, is_new=True))
            elif self._mode is Mode.INSERT:
                outcome.refused.append((item, RecordRefused("exists", "an item of this id is there already")))
            elif self._is_same(note, item):
                counts.unchanged += 1
            elif self._is_plain(note, item):
                writes.append(_written(item, note, is_new=False))
            else:
                doubtful.append(item)
        if doubtful:
            compared, equal = await self._compare(target, doubtful, notes)
            writes += compared
            counts.unchanged += equal
        return writes

    def _is_same(self, note: Note, item: PreparedItem) -> bool:
        """Whether an item was loaded last exactly as it comes now."""
        return note.marks.get(item.source) == item.digest and (self._join is not None or len(note.marks) == 1)

    def _is_plain(self, note: Note, item: PreparedItem) -> bool:
        """Whether an item that is there may be replaced without a look at it."""
        return bool(note.marks) and (self._join is None or set(note.marks) == {item.source})

    async def _notes(self, target: Target, items: Iterable[PreparedItem]) -> dict[str, Note]:
        """Return what is noted of those items that are there, by id, in whatever partition they are."""
        missing = {item.id for item in items}
        expected: dict[str, list[str]] = {}
        for item in items:
            partition = self._partitions.of(item)
            if partition is not None:
                expected.setdefault(partition.name, []).append(item.id)
        notes: dict[str, Note] = {}
        tables = dict(expected) if len(expected) <= _FEW_PARTITIONS and self._mode is Mode.UPSERT else {}
        for table, names in [*tables.items(), (target.table, None)]:
            wanted = sorted(missing) if names is None else names
            if not wanted or (names is None and table in tables):
                continue
            rows = await self._connection.fetch(
                f"SELECT id, private::text FROM pgstac.{table} WHERE id = ANY ($1::text[])",  # noqa: S608
                wanted,
            )
            for row in rows:
                notes[row["id"]] = Note.read(row["private"])
                missing.discard(row["id"])
        return notes

    async def _compare(
        self, target: Target, items: Sequence[PreparedItem], notes: Mapping[str, Note]
    ) -> tuple[list[Write], int]:
        """Compare items with those that are there, and join them where another source knows them too.

        Returns:
            What has to be written, and how many are the same.
        """
        held = await hold_items(self._connection, target, [item.id for item in items])
        writes, marked = [], {}
        for item in items:
            there = held.get(item.id)
            if there is None:  # another program has just taken it out
                writes.append(_written(item, notes[item.id], is_new=True))
                continue
            note, sources = notes[item.id], sources_of(there)
            marks = {item.source: item.digest}
            new = item
            if self._join is not None and (sources | set(note.marks)) - {item.source}:
                marks = {**dict.fromkeys(sources, ""), **note.marks, **marks}
                new = prepare(self._join(there, item), target.base)
            private = note.with_marks(marks, item.text)
            if prepare(there, target.base).digest == new.digest:
                marked[item.id] = private
            else:
                writes.append(Write(new, item, private, is_new=False))
        await self._connection.execute(
            f"""
            UPDATE pgstac.{target.table} AS items SET private = marked.private
            FROM unnest($1::text[], $2::jsonb[]) AS marked (id, private) WHERE items.id = marked.id
            """,  # noqa: S608
            list(marked),
            [private.decode() for private in marked.values()],
        )
        await self._partitions.cover([write.item for write in writes])
        return writes, len(marked)


def _written(item: PreparedItem, note: Note, *, is_new: bool) -> Write:
    """Return the row of an item that is written as it came."""
    return Write(item, item, note.with_marks({item.source: item.digest}, item.text), is_new)
