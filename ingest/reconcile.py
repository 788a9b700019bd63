"""Comparing a slice of the catalogue with its upstream, where no feed tells what was deleted.

Only what one source alone gave, and what begins within the slice and lies within its box, is compared. An
outage is no deletion: an upstream that fails, gives less than it says it has, lists nothing at all, or
suddenly lacks more than a set share, takes nothing out.
"""

from contextlib import AbstractAsyncContextManager, nullcontext

from catalog.errors import KakehashiError, UpstreamChanged
from catalog.store.written import Written
from ingest.contract import Collection, Item, Record, Tombstone
from ingest.pipeline import Sink
from ingest.report import Refusal, Summary

Key = tuple[str, str]


class TooMuchMissing(KakehashiError):
    """A comparison finds so much missing that an outage is likelier than so many deletions."""


class Listing:
    """A sink that notes what an upstream lists, and passes it on to another one, if there is one.

    Attributes:
        seen: collection and id of the items.
        unread: native ids of the records that are listed but refused.
    """

    def __init__(self, sink: Sink | None = None) -> None:
        """Pass everything on to a sink; without one it is only noted."""
        self._sink = sink
        self.seen: set[Key] = set()
        self.unread: set[str] = set()

    @property
    def written(self) -> Written:
        """What became of the items."""
        return self._sink.written if self._sink else Written()

    async def collection(self, collection: Collection) -> None:
        """Pass on a collection."""
        if self._sink:
            await self._sink.collection(collection)

    async def item(self, item: Item, record: Record) -> list[Refusal]:
        """Note an item and pass it on."""
        self.seen.add((item["collection"], item["id"]))
        return await self._sink.item(item, record) if self._sink else []

    async def tombstone(self, tombstone: Tombstone) -> list[Refusal]:
        """Pass on a tombstone."""
        return await self._sink.tombstone(tombstone) if self._sink else []

    async def refused(self, refusal: Refusal) -> None:
        """Note a record that is listed but refused: what was made of it before has not vanished."""
        if refusal.record.native_id:
            self.unread.add(refusal.record.native_id)
        if self._sink:
            await self._sink.refused(refusal)

    async def flush(self) -> list[Refusal]:
        """Write what is waiting."""
        return await self._sink.flush() if self._sink else []

    def transaction(self) -> AbstractAsyncContextManager[object]:
        """Return the transaction of the sink behind."""
        return self._sink.transaction() if self._sink else nullcontext()


def check_complete(summary: Summary) -> None:
    """Make sure that an upstream gave as much as it says it has.

    Raises:
        UpstreamChanged: it gave less.
    """
    given = summary.records - summary.repeated
    if summary.matched is not None and given < summary.matched:
        raise UpstreamChanged(
            f"{summary.source}: {summary.matched} records are said to match, {given} came: nothing is taken out"
        )


def check_share(held: int, vanished: int, max_share: float) -> None:
    """Make sure that no more vanished than deletions explain.

    One item may always go, so that a small slice can lose its one deleted item; but never all of them.

    Args:
        held: items of the slice that the upstream should list.
        vanished: of these, how many it does not.
        max_share: largest share that may go.

    Raises:
        TooMuchMissing: more did.
    """
    if not vanished or (vanished < held and vanished <= max(1, int(max_share * held))):
        return
    raise TooMuchMissing(
        f"the upstream does not list {vanished} of {held} items, more than {max_share:.0%}: nothing is taken out "
        "(if they are gone indeed, raise max_share in the plan)"
    )
