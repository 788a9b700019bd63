"""From a native record to an item that may be loaded: the pure middle of the pipeline."""

from collections.abc import Callable
from datetime import UTC, datetime

from catalog.vocabulary import Vocabulary
from ingest.contract import Collection, Item, Record, Source, TellsDeletions, Tombstone
from ingest.normalize import clean, normalize
from ingest.validate import Validator


class Harmonizer:
    """Runs one source's records through the rules that all sources share.

    Attributes:
        validator: counts the extension schemas that it does not have.
        vocabulary: counts the values that it does not know.
    """

    def __init__(
        self,
        source: Source,
        vocabulary: Vocabulary,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        bilingual: Callable[[Collection], Collection] = lambda collection: collection,
        settle: Callable[[Item], Item] = lambda item: item,
    ) -> None:
        """Use a source's reading of its records.

        Args:
            source: the source.
            vocabulary: canonical spellings.
            clock: gives `harvest:time`.
            bilingual: adds to an upstream's description what makes it one of two languages.
            settle: brings an item to the collection and id that its product has at every hub.
        """
        self._source = source
        self._clock = clock
        self._bilingual = bilingual
        self.settle = settle
        self.vocabulary = vocabulary
        self.validator = Validator()

    def item(self, record: Record) -> Item:
        """Return a complete, valid item.

        Raises:
            RecordRefused: by the source, the common rules or the schemas.
        """
        said = self._source.to_item(record)
        item = normalize(said, source=self._source.name, vocabulary=self.vocabulary, now=self._clock())
        self.validator.check_item(item)
        return item

    def collection(self, record: Record) -> Collection:
        """Return a valid collection.

        Raises:
            RecordRefused: by the source or the schemas.
        """
        return self._checked(self._source.to_collection(record))

    async def describe(self, collection: str) -> Collection | None:
        """Return the source's own description of a collection, valid; None if it has none.

        Raises:
            RecordRefused: by the schemas.
            UpstreamError: it could not be asked.
        """
        said = await self._source.describe(collection)
        return None if said is None else self._checked(said)

    def tombstone(self, record: Record) -> Tombstone:
        """Return what a record of a deletion says.

        Raises:
            RecordRefused: by the source.
        """
        if not isinstance(self._source, TellsDeletions):
            raise TypeError(f"source {self._source.name} gives records of deletions but reads none")
        return self._source.to_tombstone(record)

    def _checked(self, said: Collection) -> Collection:
        collection: Collection = self._bilingual(clean(said))
        self.validator.check_collection(collection)
        return collection
