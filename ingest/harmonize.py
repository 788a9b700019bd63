"""From a native record to an item that may be loaded: the pure middle of the pipeline."""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from catalog.errors import RecordRefused
from catalog.validation import Validator
from catalog.vocabulary import Vocabulary
from ingest.contract import Collection, Item, Record, Source, TellsDeletions, Tombstone
from ingest.extensions import is_used
from ingest.normalize import clean, normalize
from ingest.tidy import tidy


class Harmonizer:
    """Runs one source's records through the rules that all sources share.

    Attributes:
        validator: counts the extension schemas that it does not have.
        vocabulary: counts the values that it does not know.
        repairs: what was mended by rule, by what it is.
    """

    def __init__(
        self,
        source: Source,
        vocabulary: Vocabulary,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        bilingual: Callable[[Collection], Collection] = lambda collection: collection,
        settle: Callable[[Item], Item] = lambda item: item,
        schemas: Callable[[str], Awaitable[Any]] | None = None,
    ) -> None:
        """Use a source's reading of its records.

        Args:
            source: the source.
            vocabulary: canonical spellings.
            clock: gives `harvest:time`.
            bilingual: adds to an upstream's description what makes it one of two languages.
            settle: brings an item to the collection and id that its product has at every hub.
            schemas: gives an extension schema that is not bundled by its address, None if it cannot; None:
                nobody is asked.
        """
        self._source = source
        self._clock = clock
        self._bilingual = bilingual
        self.settle = settle
        self.vocabulary = vocabulary
        self._schemas = schemas
        self.validator = Validator()
        self.repairs: Counter[str] = Counter()

    def item(self, record: Record) -> Item:
        """Return a complete, valid item.

        Raises:
            RecordRefused: by the source, the common rules or the schemas.
        """
        said = self._source.to_item(record)
        item = normalize(
            said,
            source=self._source.name,
            vocabulary=self.vocabulary,
            now=self._clock(),
            repairs=self.repairs,
        )
        self._check(item, self.validator.check_item)
        return item

    async def learn(self) -> bool:
        """Get schemas that were met for the first time; return whether there are some to check with now."""
        if self._schemas is None:
            return False
        found = False
        for url in self.validator.unlearned():
            schema = await self._schemas(url)
            self.validator.learn(url, schema)
            if schema is not None:
                found = True
                del self.validator.unknown[url]
        return found

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
        collection: Collection = self._bilingual(tidy(clean(said)))
        self._check(collection, self.validator.check_collection)
        return collection

    def _check(self, document: dict[str, Any], check: Callable[[dict[str, Any]], None]) -> None:
        """Validate a document; where that fails, once more without extensions that it declares and does not use.

        Raises:
            RecordRefused: by the schemas.
        """
        try:
            check(document)
        except RecordRefused:
            declared = document.get("stac_extensions", ())
            used = [schema for schema in declared if is_used(schema, document)]
            if len(used) == len(declared):
                raise
            document["stac_extensions"] = used
            check(document)
            self.repairs["extension without any field of it not declared"] += len(declared) - len(used)
