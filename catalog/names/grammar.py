"""The engine that reads product names by the grammars in the YAML files of this package.

A grammar is one or several **forms**, in which `{part}` stands for a piece whose pattern is given once
under `parts`. Forms are matched by position, never by splitting at `_`, which is padding in many of
them. From the pieces come **fields** (templates, or a table of values) and **times**.

    {unit}          the piece
    {version:0:2}   the first two characters of it
"""

import re
from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from catalog.errors import DefinitionError
from catalog.names.product import ProductName

_MAX_NAME = 256
_SUFFIX = re.compile(r"\.(SAFE|SEN3|SEN6|nc|zip|EOF|TGZ|DEM|h5|tif|DAT|bz2|gz)$", re.IGNORECASE)
_PLACE = re.compile(r"\{(\w+)(?::(\d+):(\d+))?\}")
# How wide a letter of a time's form is when it is repeated: YYYY, YY, MM, DD, hh, mm, ss; one Q is a quarter.
_CLOCK = re.compile(r"Y{4}|YY|MM|DD|hh|mm|ss|Q|.")
# Two-digit years: no product of these missions is older than 1987 or younger than 2086.
_CENTURY_TURN = 87
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
_NUMBER_FIELDS = ("absolute_orbit", "relative_orbit", "cycle", "pass_number", "frame")
_LIST_FIELDS = ("instruments", "polarizations")
_TIMES = ("start", "end", "created")
_VERSION_MARK = "*"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Choice(_Strict):
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


class _Time(_Strict):
    """A time.

    Attributes:
        of: templates of its text; the first whose pieces this form of the name has counts.
        forms: ways it may be written; the one that is as long as the text counts.
        after_start: whether the text lacks the day: it is the first such moment after the start.
    """

    of: tuple[str, ...]
    forms: tuple[str, ...]
    after_start: bool = False


class _RepeatCycle(_Strict):
    """Where an absolute orbit lies in the repeat cycle: (orbit - first) modulo orbits, plus 1."""

    by: str
    orbits: int
    first: dict[str, int]


class _Grammar(_Strict):
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
    fields: dict[str, str | tuple[str, ...] | _Choice] = {}
    times: dict[str, _Time] = {}
    repeat_cycle: _RepeatCycle | None = None
    versions: tuple[str, ...] = ()
    ordered: bool = True
    apart: dict[str, tuple[str, ...]] = {}


class _File(_Strict):
    about: str
    families: tuple[_Grammar, ...]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A grammar with its forms: what each begins with, and its pattern."""

    grammar: _Grammar
    forms: tuple[tuple[str, str, re.Pattern[str]], ...]


def parse_name(name: str) -> ProductName | None:
    """Read a product name, with or without the suffix of its package; None if it follows no grammar.

    Any text may be given; nothing is raised.
    """
    stem = _stem(name)
    if not stem or len(stem) > _MAX_NAME:
        return None
    upper = stem.upper()
    for family in _compiled():
        text = upper if family.grammar.case == "upper" else stem
        for form, beginning, pattern in family.forms:
            match = pattern.fullmatch(text) if text.startswith(beginning) else None
            if match:
                try:
                    return _read(family.grammar, form, text, match.groupdict())
                except ValueError:  # a 13th month: no name of this family after all
                    break
    return None


def format_name(family: str, parts: Mapping[str, str]) -> str:
    """Write the name that a family's grammar cuts into these parts.

    Raises:
        KeyError: there is no such family, or none of its forms has just these parts.
    """
    for form in families()[family].forms:
        if {place.group(1) for place in _PLACE.finditer(form)} == set(parts):
            return form.format_map(parts)
    raise KeyError(f"no form of {family} has the parts {', '.join(sorted(parts))}")


def product_key(name: str) -> str:
    """Return what is the same for one product at all hubs.

    That is the name without suffixes (`.SAFE`, `.SEN3.zip`, ...), in upper case where the family's names
    mean the same in either; a text that is no product name is only freed of the suffixes.
    """
    parsed = parse_name(name)
    return parsed.name if parsed else _stem(name)


def version_chains(names: Iterable[str]) -> dict[str, tuple[ProductName, ...]]:
    """Find the versions of each product among names: by version key, the oldest first, the latest last.

    Left out are names that follow no grammar, and families whose names do not tell which version is
    later (Sentinel-1: the check sum alone differs, and two different slices may share all the rest).
    """
    found: dict[str, dict[str, ProductName]] = defaultdict(dict)
    for name in names:
        parsed = parse_name(name)
        if parsed is not None and parsed.version_order:
            found[parsed.version_key][parsed.name] = parsed
    return {
        key: tuple(sorted(versions.values(), key=lambda version: version.version_order))
        for key, versions in found.items()
    }


@cache
def families() -> Mapping[str, _Grammar]:
    """Return the grammars by id, in the order in which they are tried.

    Raises:
        DefinitionError: a grammar file is not valid; names the file and the member.
    """
    found: dict[str, _Grammar] = {}
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


@cache
def _compiled() -> tuple[_Compiled, ...]:
    return tuple(
        _Compiled(
            grammar,
            tuple((form, form.partition("{")[0], _pattern(form, grammar.parts)) for form in grammar.forms),
        )
        for grammar in families().values()
    )


def _pattern(form: str, parts: Mapping[str, str]) -> re.Pattern[str]:
    expression, at = "", 0
    for place in _PLACE.finditer(form):
        expression += re.escape(form[at : place.start()])
        expression += f"(?P<{place.group(1)}>{parts[place.group(1)]})"
        at = place.end()
    return re.compile(expression + re.escape(form[at:]), re.ASCII)


def _check(grammar: _Grammar, file: str) -> None:
    """Find what would otherwise fail when a name is read: a part or field that there is not."""
    for form in grammar.forms:
        for place in _PLACE.finditer(form):
            if place.group(1) not in grammar.parts:
                raise DefinitionError(f"{file}: {grammar.id}: {place.group()} has no pattern")
    fields = {*_TEXT_FIELDS, *_NUMBER_FIELDS, *_LIST_FIELDS}
    for name in (*grammar.fields, *grammar.times):
        if name not in fields and name not in _TIMES:
            raise DefinitionError(f"{file}: {grammar.id}: there is no field {name}")
    templates = [template for template in grammar.fields.values() if isinstance(template, str)]
    templates += [choice.of for choice in grammar.fields.values() if isinstance(choice, _Choice)]
    templates += [template for time in grammar.times.values() for template in time.of]
    used = {place.group(1) for template in templates for place in _PLACE.finditer(template)}
    for part in (*used, *grammar.versions, *grammar.apart):
        if part not in grammar.parts:
            raise DefinitionError(f"{file}: {grammar.id}: there is no part {part}")


def _stem(name: str) -> str:
    stem = name.strip()
    while len(shorter := _SUFFIX.sub("", stem)) < len(stem):
        stem = shorter
    return stem


def _read(grammar: _Grammar, form: str, name: str, parts: dict[str, str]) -> ProductName:
    values: dict[str, Any] = {}
    for field, rule in grammar.fields.items():
        value = _value(rule, parts)
        if not value:
            continue
        if field in _NUMBER_FIELDS:
            number = int(str(value))
            # Names write 0 where there is no orbit.
            if number:
                values[field] = number
        else:
            values[field] = (value,) if field in _LIST_FIELDS and isinstance(value, str) else value
    for field, time in grammar.times.items():
        moment = _moment(time, parts, values.get("start"))
        if moment is not None:
            values[field] = moment
    if grammar.repeat_cycle and "absolute_orbit" in values:
        first = grammar.repeat_cycle.first.get(parts[grammar.repeat_cycle.by])
        if first is not None:
            values["relative_orbit"] = (values["absolute_orbit"] - first) % grammar.repeat_cycle.orbits + 1
    return ProductName(
        name=name,
        family=grammar.id,
        parts=MappingProxyType(parts),
        version_key=_version_key(grammar, form, parts),
        version_order=tuple(parts.get(part) or "" for part in grammar.versions) if grammar.ordered else (),
        is_auxiliary=grammar.auxiliary,
        **values,
    )


def _version_key(grammar: _Grammar, form: str, parts: Mapping[str, str]) -> str:
    if any(parts.get(part) in values for part, values in grammar.apart.items()):
        return form.format_map(parts)
    return form.format_map({**parts, **dict.fromkeys(grammar.versions, _VERSION_MARK)})


def _value(rule: str | tuple[str, ...] | _Choice, parts: Mapping[str, str]) -> str | tuple[str, ...] | None:
    if isinstance(rule, str):
        return _fill(rule, parts)
    if isinstance(rule, tuple):
        return rule
    text = _fill(rule.of, parts)
    if text is not None and rule.strip:
        text = text.rstrip("_")
    if rule.values is None or text is None:
        return text
    if text in rule.values:
        return rule.values[text]
    return _fill(rule.rest, parts) if rule.rest else None


def _fill(template: str, parts: Mapping[str, str]) -> str | None:
    """Put the pieces into a template; None if this form of the name lacks one of them."""
    filled = ""
    for literal, part, extract in _segments(template):
        filled += literal
        if part is not None:
            if part not in parts:
                return None
            filled += parts[part] if extract is None else parts[part][extract]
    return filled


@cache
def _segments(template: str) -> tuple[tuple[str, str | None, slice | None], ...]:
    """Cut a template into literals, each with the piece that follows it and what of that is wanted."""
    segments, at = [], 0
    for place in _PLACE.finditer(template):
        part, start, end = place.groups()
        extract = slice(int(start), int(end)) if start else None
        segments.append((template[at : place.start()], part, extract))
        at = place.end()
    return (*segments, (template[at:], None, None))


def _moment(time: _Time, parts: Mapping[str, str], start: datetime | None) -> datetime | None:
    """Return a time of a name.

    Raises:
        ValueError: there is no such day or hour.
    """
    text = next((text for text in (_fill(template, parts) for template in time.of) if text), None)
    if text is None:
        return None
    form = next((form for form in time.forms if len(form) == len(text)), None)
    if form is None:
        raise ValueError(f"{text} is written like none of {', '.join(time.forms)}")
    moment = _clock(text, form)
    if time.after_start and start is not None and moment < start:
        moment += timedelta(days=1)
    return moment


def _clock(text: str, form: str) -> datetime:
    found = {"MM": 1, "DD": 1, "hh": 0, "mm": 0, "ss": 0}
    for unit, place in _tokens(form):
        digits = text[place]
        if unit == "YYYY":
            found["year"] = int(digits)
        elif unit == "YY":
            found["year"] = int(digits) + (1900 if int(digits) >= _CENTURY_TURN else 2000)
        elif unit == "Q":
            found["MM"] = 3 * int(digits) - 2
        elif unit in found:
            found[unit] = int(digits)
        elif unit != digits:
            raise ValueError(f"{text} is not written like {form}")
    month_days = monthrange(found["year"], found["MM"])[1]
    if found["DD"] > month_days:
        raise ValueError(f"{text}: the month has {month_days} days")
    # A leap second is written as the 60th: it belongs to the minute that it ends.
    seconds = min(found["ss"], 59) if found["ss"] == 60 else found["ss"]
    return datetime(found["year"], found["MM"], found["DD"], found["hh"], found["mm"], seconds, tzinfo=UTC)


@cache
def _tokens(form: str) -> tuple[tuple[str, slice], ...]:
    return tuple((token.group(), slice(token.start(), token.end())) for token in _CLOCK.finditer(form))
