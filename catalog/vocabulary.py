"""One spelling for every platform, instrument, level and mode, whoever names it.

The facts are in `vocabulary.yaml`; this module looks them up. A spelling that is not listed is passed
on in a normal form and counted, so that a gap in the vocabulary is seen and never hidden.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from catalog.errors import DefinitionError

_BLANKS = re.compile(r"\s+")
_SEPARATORS = re.compile(r"[\s,;+]+")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Kind(_Strict):
    property: str
    values: dict[str, tuple[str, ...]]


class _Platform(_Strict):
    constellation: str | None = None


class _Radar(_Strict):
    instrument: str
    platform: str | None = None
    band: str
    center_frequency: float | None = None


class Label(_Strict):
    """A short text in every language of the catalogue."""

    en: str
    ja: str


class _Document(_Strict):
    kinds: dict[str, _Kind]
    platforms: dict[str, _Platform]
    radars: tuple[_Radar, ...]
    combined_instruments: dict[str, tuple[str, ...]]
    themes: dict[str, Label]


@dataclass(frozen=True, slots=True)
class FrequencyBand:
    """The band of an imaging radar.

    Attributes:
        name: letter of the band, as `sar:frequency_band` has it.
        center_frequency: in GHz, as `sar:center_frequency`; None where it differs by observation.
    """

    name: str
    center_frequency: float | None


def fold(native: str) -> str:
    """Return the form in which spellings are compared: NFKC, no outer blanks, lower case, `-` for blanks."""
    folded = _BLANKS.sub("-", unicodedata.normalize("NFKC", native).strip().lower())
    # Lower case can undo NFKC for a few letters; once more settles it, so that folding twice changes nothing.
    return folded if folded == native else fold(folded)


@dataclass(slots=True)
class Vocabulary:
    """Canonical values and facts, by kind.

    A kind goes by its short name (`platform`, `processing_level`) or by the STAC property that it
    fills (`instruments`, `processing:level`).

    Attributes:
        unknown: how often each (kind, native spelling) was met that the vocabulary lacks.
        themes: label of every theme, by id.
    """

    kinds: Mapping[str, Mapping[str, str]]
    platforms: Mapping[str, _Platform]
    radars: tuple[_Radar, ...]
    combined: Mapping[str, tuple[str, ...]]
    themes: Mapping[str, Label]
    unknown: Counter[tuple[str, str]] = field(default_factory=Counter)

    def canonical(self, kind: str, native: str) -> str:
        """Return the canonical spelling of `native`.

        Args:
            kind: such as `platform` or `processing:level`.
            native: as the upstream writes it; must not be empty to mean anything.

        Raises:
            KeyError: there is no such kind.
        """
        folded = fold(native)
        found = self.kinds[kind].get(folded)
        if found is not None:
            return found
        if folded:
            self.unknown[kind, native.strip()] += 1
        return folded

    def canonical_instruments(self, native: str) -> list[str]:
        """Return the instruments that one native text names: `OLCI SLSTR` and `SYNERGY` are two."""
        if (known := self._instruments(native)) is not None:
            return known
        names = [name for part in _SEPARATORS.split(native.strip()) if part for name in self._listed(part)]
        return list(dict.fromkeys(names))

    def constellation_of(self, platform: str) -> str | None:
        """Return the constellation that a platform flies in, if it is one of several."""
        facts = self.platforms.get(self._quietly("platform", platform))
        return facts.constellation if facts else None

    def frequency_band(self, instrument: str, platform: str | None = None) -> FrequencyBand | None:
        """Return the band of an imaging radar.

        Args:
            instrument: in any spelling.
            platform: platform or constellation; needed for `sar`, which several missions call theirs.
        """
        wanted = self._quietly("instrument", instrument)
        carriers = (
            {self._quietly("platform", platform), self.constellation_of(platform)} if platform else set()
        )
        for radar in self.radars:
            if radar.instrument == wanted and (radar.platform is None or radar.platform in carriers):
                return FrequencyBand(radar.band, radar.center_frequency)
        return None

    def _quietly(self, kind: str, native: str) -> str:
        folded = fold(native)
        return self.kinds[kind].get(folded, folded)

    def _instruments(self, native: str) -> list[str] | None:
        folded = fold(native)
        if folded in self.combined:
            return list(self.combined[folded])
        known = self.kinds["instrument"].get(folded)
        return [known] if known else None

    def _listed(self, part: str) -> list[str]:
        return self._instruments(part) or [self.canonical("instruments", part)]


def build_vocabulary(document: Any, file: str = "vocabulary.yaml") -> Vocabulary:
    """Make the vocabulary from its parsed document.

    Args:
        document: content of `vocabulary.yaml`.
        file: name to put in errors.

    Raises:
        DefinitionError: a member is wrong, or one spelling means two things.
    """
    try:
        parsed = _Document.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DefinitionError(f"{file}: {where}: {first['msg']}") from None
    kinds: dict[str, Mapping[str, str]] = {}
    for name, kind in parsed.kinds.items():
        kinds[name] = kinds[kind.property] = MappingProxyType(_spellings(file, name, kind.values))
    for platform, facts in parsed.platforms.items():
        if platform not in parsed.kinds["platform"].values:
            raise DefinitionError(f"{file}: platforms.{platform}: not a value of the kind `platform`")
        if facts.constellation and facts.constellation not in parsed.kinds["constellation"].values:
            raise DefinitionError(
                f"{file}: platforms.{platform}: unknown constellation {facts.constellation}"
            )
    return Vocabulary(
        kinds=MappingProxyType(kinds),
        platforms=MappingProxyType(parsed.platforms),
        radars=parsed.radars,
        combined=MappingProxyType(
            {fold(name): members for name, members in parsed.combined_instruments.items()}
        ),
        themes=MappingProxyType(parsed.themes),
    )


def _spellings(file: str, kind: str, values: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Map every folded spelling of a kind to its canonical value."""
    spellings: dict[str, str] = {}
    for canonical, aliases in values.items():
        for spelling in (canonical, *aliases):
            taken = spellings.setdefault(fold(spelling), canonical)
            if taken != canonical:
                raise DefinitionError(f"{file}: {kind}: {spelling!r} means both {taken} and {canonical}")
    return spellings
