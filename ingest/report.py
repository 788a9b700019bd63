"""What happened in a run, counted: the closing summary and the lines about refused records."""

from collections import Counter
from dataclasses import dataclass, field

from catalog.errors import RecordRefused
from catalog.store.written import Written
from ingest.contract import Record


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that did not become an item, and why."""

    record: Record
    error: RecordRefused
    origin: str

    def line(self) -> str:
        """Return one line for a person."""
        line = f"refused {self.record.native_id or '(no id)'} of {self.origin}: {self.error}"
        return "".join(letter if letter.isprintable() else " " for letter in line)


@dataclass
class Summary:
    """Counts of a run.

    Attributes:
        outside: records that the upstream gave although they lie outside of what was asked.
        repeated: records that came twice in a row of pages.
        tombstones: records of what the upstream deleted.
        matched: how many records the upstream says there are; None if it does not say.
        refused: by reason code.
        repairs: what was mended in items by rule.
    """

    source: str
    pages: int = 0
    records: int = 0
    items: int = 0
    collections: int = 0
    outside: int = 0
    repeated: int = 0
    tombstones: int = 0
    matched: int | None = None
    written: Written = field(default_factory=Written)
    refused: Counter[str] = field(default_factory=Counter)
    unknown_terms: Counter[tuple[str, str]] = field(default_factory=Counter)
    unknown_schemas: Counter[str] = field(default_factory=Counter)
    repairs: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def lines(self, *, loaded: bool) -> list[str]:
        """Return the summary for a person.

        Args:
            loaded: whether items were written to the catalogue.
        """
        speed = f", {self.items / self.seconds:.0f} items/s" if self.seconds >= 1 and self.items else ""
        done = [
            f"{self.source}: {_of(self.pages, 'page')}, {_of(self.records, 'record')}, {_of(self.items, 'item')}"
        ]
        if self.collections:
            done.append(_of(self.collections, "collection"))
        done.append(f"{_of(sum(self.refused.values()), 'record')} refused")
        lines = [", ".join(done) + f" in {self.seconds:.1f} s{speed}"]
        if loaded and (self.items or not self.collections):
            written = self.written
            lines.append(
                f"  loaded: {written.inserted} new, {written.updated} updated, {written.unchanged} unchanged"
            )
        if self.tombstones:
            gone = f", {_of(self.written.deleted, 'item')} taken out" if loaded else ""
            lines.append(f"  deleted upstream: {_of(self.tombstones, 'record')}{gone}")
        if self.outside:
            lines.append(f"  left out: {_of(self.outside, 'record')} outside of what was asked for")
        if self.written.overtaken:
            lines.append(
                f"  left out: {_of(self.written.overtaken, 'item')} that the upstream deleted or renewed since"
            )
        if self.repeated:
            lines.append(f"  left out: {_of(self.repeated, 'record')} that came more than once")
        lines += [f"  refused, {code}: {count}" for code, count in sorted(self.refused.items())]
        if self.repairs:
            mended = ", ".join(f"{what} ({count})" for what, count in self.repairs.most_common())
            lines.append(f"  mended: {mended}")
        if self.unknown_terms:
            terms = ", ".join(
                f"{kind} {value!r} ({count})" for (kind, value), count in self.unknown_terms.most_common(10)
            )
            lines.append(f"  not in the vocabulary: {terms}")
        if self.unknown_schemas:
            lines.append(f"  not checked, schema not bundled: {', '.join(sorted(self.unknown_schemas))}")
        return lines


def _of(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
