"""The grammars of product names: what the YAML files of this package may say, and reading those files.

A grammar is one or several **forms**, in which `{part}` stands for a piece whose pattern is given once
under `parts`. Forms are matched by position, never by splitting at `_`, which is padding in many of
them. From the pieces come **fields** (templates, or a table of values) and **times**.

    {unit}          the piece
    {version:0:2}   the first two characters of it
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from catalog.errors import DefinitionError

PLACE = re.compile(r"\{(\w+)(?::(\d+):(\d+))?\}")
_TEXT_FIELDS = (
    "platform",
    "constellation",
    "mode",
    "level",
    "product_type",
    "timeliness",
    "orbit_state",
    "grid",
    "tile",
    "version",
    "baseline",
)
NUMBER_FIELDS = ("absolute_orbit", "relative_orbit", "cycle", "pass_number", "frame")
LIST_FIELDS = ("instruments", "polarizations")
_TIMES = ("start", "end", "created")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Choice(_Strict):
    """A field whose value depends on a piece.

    Attributes:
        of: template of the text that is looked up.
        values: by that text; None takes the text itself.
        rest: template of what a text that is not in `values` becomes; None leaves the field out.
        strip: whether padding (`_`) at the end of the text is left out.
    """

    of: str
    values: dict[str, str | tuple[str, ...]] | None = None
    rest: str | None = None
    strip: bool = False


class Time(_Strict):
    """A time.

    Attributes:
        of: templates of its text; the first whose pieces this form of the name has counts.
        forms: ways it may be written; the one that is as long as the text counts.
        after_start: whether the text lacks the day: it is the first such moment after the start.
    """

    of: tuple[str, ...]
    forms: tuple[str, ...]
    after_start: bool = False


class RepeatCycle(_Strict):
    """Where an absolute orbit lies in the repeat cycle: (orbit - first) modulo orbits, plus 1."""

    by: str
    orbits: int
    first: dict[str, int]


class Grammar(_Strict):
    """One family of names; see the YAML files.

    Attributes:
        case: `upper` names mean the same in lower case, `exact` ones do not.
        versions: pieces that differ between versions of one product, the most telling first.
        ordered: whether those pieces also tell which version is later.
        apart: pieces whose given values mark products that are no version of any other.
    """

    id: str
    about: str
    example: str
    forms: tuple[str, ...]
    parts: dict[str, str]
    case: Literal["upper", "exact"] = "upper"
    auxiliary: bool = False
    fields: dict[str, str | tuple[str, ...] | Choice] = {}
    times: dict[str, Time] = {}
    repeat_cycle: RepeatCycle | None = None
    versions: tuple[str, ...] = ()
    ordered: bool = True
    apart: dict[str, tuple[str, ...]] = {}


class _File(_Strict):
    about: str
    families: tuple[Grammar, ...]


@cache
def families() -> Mapping[str, Grammar]:
    """Return the grammars by id, in the order in which they are tried.

    Raises:
        DefinitionError: a grammar file is not valid; names the file and the member.
    """
    found: dict[str, Grammar] = {}
    for file in sorted(Path(__file__).parent.glob("*.yaml")):
        try:
            document = _File.model_validate(
                yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
            )
        except (ValidationError, yaml.YAMLError) as error:
            raise DefinitionError(f"{file.name}: {' '.join(str(error).split())}") from None
        for grammar in document.families:
            if grammar.id in found:
                raise DefinitionError(f"{file.name}: {grammar.id} is defined twice")
            _check(grammar, file.name)
            found[grammar.id] = grammar
    return MappingProxyType(found)


def _check(grammar: Grammar, file: str) -> None:
    """Find what would otherwise fail when a name is read: a part or field that there is not."""
    for form in grammar.forms:
        for place in PLACE.finditer(form):
            if place.group(1) not in grammar.parts:
                raise DefinitionError(f"{file}: {grammar.id}: {place.group()} has no pattern")
    fields = {*_TEXT_FIELDS, *NUMBER_FIELDS, *LIST_FIELDS}
    for name in (*grammar.fields, *grammar.times):
        if name not in fields and name not in _TIMES:
            raise DefinitionError(f"{file}: {grammar.id}: there is no field {name}")
    templates = [template for template in grammar.fields.values() if isinstance(template, str)]
    templates += [choice.of for choice in grammar.fields.values() if isinstance(choice, Choice)]
    templates += [template for time in grammar.times.values() for template in time.of]
    used = {place.group(1) for template in templates for place in PLACE.finditer(template)}
    for part in (*used, *grammar.versions, *grammar.apart):
        if part not in grammar.parts:
            raise DefinitionError(f"{file}: {grammar.id}: there is no part {part}")
