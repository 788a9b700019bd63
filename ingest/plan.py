"""The plan of the standing job: which collections of which sources, from when, where, how often."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BeforeValidator, Field, ValidationError, field_validator

from catalog.errors import ConfigurationError
from catalog.store.window import EVERYTHING
from ingest.contract import BoundingBox
from ingest.definition import Definition
from ingest.habits import Habits
from ingest.marked_yaml import Marked, load_marked

DEFAULT_PLAN = Path(__file__).parent / "harvest.yaml"
FIRST_DAY_PLAN = Path(__file__).parent / "first_day.yaml"
_ALL = "all"
_WILD = "*?["


@dataclass(frozen=True, slots=True)
class Upstream:
    """What a plan has to know of a source.

    Attributes:
        collections: ids of our collections that it has.
        describes_more: whether it has further ones, which it describes itself.
        tells_deletions: whether it has a feed of deletions.
        follows_changes: whether it can be asked for what changed in some time.
    """

    definition: Definition
    collections: frozenset[str]
    describes_more: bool = False
    tells_deletions: bool = False
    follows_changes: bool = False


class _Entry(Habits):
    """One entry as it is written."""

    source: str
    collections: Annotated[
        tuple[str, ...], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)
    ] = Field(min_length=1)
    bbox: BoundingBox | None = None

    @field_validator("bbox")
    @classmethod
    def _is_a_box(cls, bbox: BoundingBox | None) -> BoundingBox | None:
        if bbox is not None:
            west, south, east, north = bbox
            if not (
                -180 <= west <= 180 and -180 <= east <= 180 and -90 <= south < north <= 90 and west != east
            ):
                raise ValueError("it is west, south, east, north in degrees, south < north")
        return bbox


@dataclass(frozen=True, slots=True)
class Entry:
    """What one entry of a plan asks for.

    Attributes:
        collections: ids of our collections, patterns resolved; `EVERYTHING` of a source that describes all of
            its own itself.
        habits: of the source, apart from what the entry says otherwise; `min_interval` is set.
    """

    source: str
    collections: tuple[str, ...]
    bbox: BoundingBox | None
    habits: Habits


def read_plan(file: Path, upstreams: Mapping[str, Upstream]) -> tuple[Entry, ...]:
    """Read a plan.

    Args:
        file: YAML, as `docs/how-to/harvest.md` explains it.
        upstreams: by name of the source.

    Raises:
        ConfigurationError: it cannot be read or is not valid; names the file, the line and the field.
    """
    try:
        marked = load_marked(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"plan {file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"plan {file} is no text in UTF-8") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"plan {file}, line {line}: no valid YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"plan {file} is no YAML: {' '.join(str(error).split())}") from error
    return _Reader(file, marked, upstreams).entries()


class _Reader:
    """Reads the entries of one plan."""

    def __init__(self, file: Path, marked: Marked, upstreams: Mapping[str, Upstream]) -> None:
        self._file = file
        self._marked = marked
        self._upstreams = upstreams
        self._limits: dict[tuple[str, str], tuple[Any, int]] = {}
        self._named: dict[tuple[str, str, BoundingBox | None], int] = {}

    def entries(self) -> tuple[Entry, ...]:
        document = self._marked.document
        if not isinstance(document, list) or not document:
            raise self._wrong((), "the file is a list of entries, each with `source` and `collections`")
        return tuple(self._entry(index, given) for index, given in enumerate(document))

    def _entry(self, index: int, given: Any) -> Entry:
        if not isinstance(given, dict):
            raise self._wrong((index,), "an entry has `source` and `collections`")
        try:
            written = _Entry.model_validate(given)
        except ValidationError as error:
            first = error.errors()[0]
            place = (index, *first["loc"])
            raise self._wrong(place, first["msg"].removeprefix("Value error, ")) from error
        upstream = self._upstreams.get(written.source)
        if upstream is None:
            there_are = ", ".join(self._upstreams)
            raise self._wrong(
                (index, "source"), f"there is no source {written.source!r}; there are: {there_are}"
            )
        collections = self._resolved(index, written, upstream)
        habits = _merged(written, upstream.definition)
        self._check(index, habits, upstream, written.source)
        for collection in collections:
            self._named_once(index, (written.source, collection, written.bbox))
        return Entry(written.source, collections, written.bbox, habits)

    def _resolved(self, index: int, written: _Entry, upstream: Upstream) -> tuple[str, ...]:
        if upstream.definition.collections_only and written.collections != (_ALL,):
            reason = f"{written.source} describes data sets and lists no items: the only choice is `all`"
            raise self._wrong((index, "collections"), reason)
        if not upstream.collections and written.collections == (_ALL,):
            return (EVERYTHING,)
        found: dict[str, None] = {}
        for number, pattern in enumerate(written.collections):
            matching = _matching(pattern, upstream.collections)
            if not matching and upstream.describes_more and not set(pattern) & set(_WILD):
                matching = [pattern]
            if not matching:
                reason = f"{written.source} has no collection {pattern!r}: `kakehashi sources --json` lists what it has"
                raise self._wrong((index, "collections", number), reason)
            found.update(dict.fromkeys(matching))
        return tuple(found)

    def _check(self, index: int, habits: Habits, upstream: Upstream, source: str) -> None:
        if habits.deletions and not upstream.tells_deletions:
            raise self._wrong(
                (index, "deletions"), f"{source} has no feed of deletions; `reconcile` finds them"
            )
        if habits.follows == "changed" and not upstream.follows_changes:
            raise self._wrong((index, "follows"), f"{source} cannot be asked for what changed")
        # These are of the upstream, and hold for all of its entries.
        for field in ("concurrency", "min_interval", "serial"):
            value, line = getattr(habits, field), self._marked.line_of((index, field))
            before, where = self._limits.setdefault((source, field), (value, line))
            if before != value:
                reason = f"line {where} says otherwise for {source}: it holds for all entries of a source"
                raise self._wrong((index, field), reason)

    def _named_once(self, index: int, scope: tuple[str, str, BoundingBox | None]) -> None:
        line = self._marked.line_of((index,))
        before = self._named.setdefault(scope, line)
        if before != line:
            reason = f"{scope[1]} of {scope[0]} is in the entry of line {before} already"
            raise self._wrong((index, "collections"), reason)

    def _wrong(self, place: tuple[str | int, ...], reason: str) -> ConfigurationError:
        # Where a list may also be one text, the text's place is the list's.
        field = ".".join(str(part) for part in place[1:])
        named = f"{field}: " if field else ""
        return ConfigurationError(f"plan {self._file}, line {self._marked.line_of(place)}: {named}{reason}")


def _matching(pattern: str, collections: Iterable[str]) -> list[str]:
    if pattern == _ALL:
        return sorted(collections)
    return sorted(name for name in collections if fnmatchcase(name, pattern))


def _merged(written: _Entry, definition: Definition) -> Habits:
    """Return the habits of a source, apart from what an entry says otherwise."""
    fields = written.model_fields_set & set(Habits.model_fields)
    own = {field: getattr(written, field) for field in fields}
    merged = definition.harvest.model_copy(update=own)
    if merged.min_interval is None:
        merged = merged.model_copy(update={"min_interval": definition.min_interval})
    return merged
