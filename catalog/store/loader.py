"""Loading many items: from any stream of them to committed rows, in constant memory.

Items are prepared as they come and gathered in batches. A full batch is written in the background, so
that the database parses and indexes one while the next is prepared. With several connections, each has
its own part of every collection (its shards), so that they never wait for each other.

Only the last transaction waits for the disk: PostgreSQL's log is written in order, so all that was
committed before is durable with it.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from catalog.errors import RecordRefused
from catalog.store.base_item import BaseItem
from catalog.store.batch import Also, BatchWriter, Guard, Sieve
from catalog.store.deciding import Join, Mode
from catalog.store.partitions import KnownPartitions
from catalog.store.prepared import SHARDS, Key, PreparedItem, prepare
from catalog.store.written import Outcome

if TYPE_CHECKING:
    from catalog.store.connection import Connection

# A batch is full when it has so many bytes, however few its items.
_BATCH_BYTES = 24_000_000
# Preparing is hard work of one process; so often it lets what is being written go on.
_TURN = 16


class Loader:
    """Takes items one by one and writes them in batches, each in one transaction.

    Use it as a context: what is under way when the block is left by an error is called off, what was
    committed stays. Nothing is complete before `finish` has returned.
    """

    def __init__(
        self,
        connections: Sequence["Connection"],
        *,
        mode: Mode = Mode.UPSERT,
        join: Join | None = None,
        also: Also | None = None,
        guard: Guard | None = None,
        sieve: Sieve | None = None,
        batch_size: int = 1000,
    ) -> None:
        """Use connections of the ingest role, for the loader alone until it is settled.

        Args:
            connections: one or more.
            mode: what happens to items that are there already.
            join: makes one item of several sources' records; None: an item replaces what is there.
            also: done in every transaction that commits items, given what became of them.
            guard: asked at the beginning of each such transaction; raises if it must not be.
            sieve: returns those of a batch's items that may be written; see `BatchWriter`.
            batch_size: most items per transaction.
        """
        known = KnownPartitions()
        self._lanes = [
            _Lane(BatchWriter(connection, mode, join=join, guard=guard, sieve=sieve, known=known))
            for connection in connections[:SHARDS]
        ]
        self._also = also
        self._bases: dict[Any, BaseItem] = {}
        self._batch_size = batch_size
        self._taken = 0
        self._outcome = Outcome()

    async def __aenter__(self) -> "Loader":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.call_off()

    async def call_off(self) -> None:
        """Stop what is being written; what was committed stays."""
        for lane in self._lanes:
            await lane.call_off()

    @property
    def outcome(self) -> Outcome:
        """What became of the items of all transactions that are committed so far."""
        return self._outcome

    @property
    def pending(self) -> int:
        """How many of the items that were taken are not committed, or not known to be."""
        return sum(lane.pending for lane in self._lanes)

    @property
    def bases(self) -> Mapping[str, BaseItem]:
        """What the items of collections share, of those collections that are known at the moment."""
        return self._bases

    def forget(self) -> None:
        """Look anew at collections and partitions: a transaction around ours was rolled back."""
        self._bases.clear()
        for lane in self._lanes:
            lane.writer.forget()

    def take_refused(self) -> list[tuple[PreparedItem, RecordRefused]]:
        """Return the items that could not be written, each once."""
        refused, self._outcome.refused = self._outcome.refused, []
        return refused

    def pending_keys(self) -> tuple[Collection[Key], ...]:
        """Return the keys of the items that are not committed, in parts that stay as they are now, or grow."""
        return tuple(keys for lane in self._lanes for keys in (lane.waiting_keys, lane.keys_under_way))

    async def add(self, item: Mapping[str, Any], text: str | None = None) -> PreparedItem:
        """Take an item; it is written with its batch.

        Args:
            item: a complete STAC item.
            text: mark of the text that it was read from, to recognise that text by.

        Returns:
            The item as it will be written.

        Raises:
            RecordRefused: it cannot be stored; the loader goes on.
            StoreError: a batch could not be written.
        """
        base = self._bases.get(item.get("collection"))
        prepared = prepare(item, base or await self._base(item), text)
        await self.add_prepared(prepared)
        return prepared

    async def add_prepared(self, prepared: PreparedItem) -> None:
        """Take an item that was prepared by what `bases` has of its collection now; it is written with its batch.

        Raises:
            StoreError: a batch could not be written.
        """
        lane = self._lanes[prepared.shard % len(self._lanes)]
        lane.waiting.append(prepared)
        lane.waiting_keys.add(prepared.key)
        lane.size += len(prepared.content)
        if len(lane.waiting) >= self._batch_size or lane.size >= _BATCH_BYTES:
            self._collect(await lane.settle())
            lane.start(self._also)
        self._taken += 1
        if self._taken % _TURN == 0:
            await asyncio.sleep(0)

    async def make_room(self) -> None:
        """Make the partitions that waiting items need; before a transaction that is meant to be short."""
        for lane in self._lanes:
            await lane.writer.make_room(lane.waiting)

    async def renew(self, collection: str) -> None:
        """Write what waits, because a collection is about to be changed: items depend on it."""
        if collection in self._bases:
            await self.finish()
            self.forget()

    async def settle(self) -> None:
        """Wait until nothing is being written: the connections are free until the next `add`.

        Items that fill no batch yet stay waiting.

        Raises:
            StoreError: a batch could not be written.
        """
        for lane in self._lanes:
            self._collect(await lane.settle())

    async def finish(self, also: Also | None = None) -> Outcome:
        """Write all that waits; when this returns, everything taken is committed and on disk.

        Args:
            also: done in the transaction that commits the last items, beside what each transaction
                does, such as noting that a window of the harvest is done. It is called also if there
                are no items left.

        Raises:
            StoreError: it could not be written.
        """
        await self.settle()
        *others, last = self._lanes
        for lane in others:
            lane.start(self._also)
        for lane in others:
            self._collect(await lane.settle())
        last.start(_both(self._also, also), durable=True)
        self._collect(await last.settle())
        return self._outcome

    async def _base(self, item: Mapping[str, Any]) -> BaseItem:
        """Ask for what the items of an item's collection share."""
        name = item.get("collection")
        if not isinstance(name, str):
            raise RecordRefused("unknown-collection", f"the item names no collection: {name!r:.80}")
        await self._lanes[0].settled()
        self._bases[name] = (await self._lanes[0].writer.target(name)).base
        return self._bases[name]

    def _collect(self, outcome: Outcome | None) -> None:
        if outcome is not None:
            self._outcome.add(outcome)


class _Lane:
    """One connection: what waits for it, and what it is writing."""

    def __init__(self, writer: BatchWriter) -> None:
        self.writer = writer
        self.waiting: list[PreparedItem] = []
        self.waiting_keys: set[Key] = set()
        self.keys_under_way: set[Key] = set()
        self.size = 0
        self._task: asyncio.Task[Outcome] | None = None
        self._under_way = 0

    @property
    def pending(self) -> int:
        return len(self.waiting) + self._under_way

    def start(self, also: Also | None, *, durable: bool = False) -> None:
        """Begin to write what waits; what was begun before is settled."""
        batch, self.waiting, self.size = self.waiting, [], 0
        self.keys_under_way, self.waiting_keys = self.waiting_keys, set()
        self._under_way = len(batch)
        if batch or durable:
            self._task = asyncio.create_task(self.writer.write(batch, also, durable=durable))

    async def settled(self) -> None:
        """Wait for what is being written; what became of it stays to be collected."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def settle(self) -> Outcome | None:
        """Wait for what is being written; return what became of it."""
        task, self._task = self._task, None
        outcome = await task if task is not None else None
        self._under_way = 0
        self.keys_under_way = set()
        return outcome

    async def call_off(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _both(first: Also | None, second: Also | None) -> Also | None:
    if first is None or second is None:
        return first or second

    async def both(connection: "Connection", outcome: Outcome) -> None:
        await first(connection, outcome)
        await second(connection, outcome)

    return both
