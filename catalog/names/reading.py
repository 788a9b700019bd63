"""Reading product names by the grammars: from its pieces to what a name says."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any

from catalog.instant import instant_at
from catalog.names.forms import Match, matches, stem, version_key, version_order
from catalog.names.grammar import LIST_FIELDS, NUMBER_FIELDS, PLACE, Choice, Time, families
from catalog.names.product import ProductName

# How wide a letter of a time's form is when it is repeated: YYYY, YY, MM, DD, hh, mm, ss; one Q is a quarter.
_CLOCK = re.compile(r"Y{4}|YY|MM|DD|hh|mm|ss|Q|.")
# Two-digit years: no product of these missions is older than 1987 or younger than 2086.
_CENTURY_TURN = 87


@lru_cache(maxsize=4096)
def parse_name(name: str) -> ProductName | None:
    """Read a product name, with or without the suffix of its package; None if it follows no grammar.

    Any text may be given; nothing is raised.
    """
    for match in matches(name):
        try:
            return _read(match)
        except ValueError:  # a 13th month: no name of this family after all
            continue
    return None


def format_name(family: str, parts: Mapping[str, str]) -> str:
    """Write the name that a family's grammar cuts into these parts.

    Raises:
        KeyError: there is no such family, or none of its forms has just these parts.
    """
    for form in families()[family].forms:
        if {place.group(1) for place in PLACE.finditer(form)} == set(parts):
            return form.format_map(parts)
    raise KeyError(f"no form of {family} has the parts {', '.join(sorted(parts))}")


def product_key(name: str) -> str:
    """Return what is the same for one product at all hubs.

    That is the name without suffixes (`.SAFE`, `.SEN3.zip`, ...), in upper case where the family's names
    mean the same in either; a text that is no product name is only freed of the suffixes.
    """
    parsed = parse_name(name)
    return parsed.name if parsed else stem(name)


def _read(match: Match) -> ProductName:
    grammar, parts = match.form.grammar, match.parts
    values: dict[str, Any] = {}
    for field, rule in grammar.fields.items():
        value = _value(rule, parts)
        if not value:
            continue
        if field in NUMBER_FIELDS:
            number = int(str(value))
            # Names write 0 where there is no orbit.
            if number:
                values[field] = number
        else:
            values[field] = (value,) if field in LIST_FIELDS and isinstance(value, str) else value
    for field, time in grammar.times.items():
        moment = _moment(time, parts, values.get("start"))
        if moment is not None:
            values[field] = moment
    if grammar.repeat_cycle and "absolute_orbit" in values:
        first = grammar.repeat_cycle.first.get(parts[grammar.repeat_cycle.by])
        if first is not None:
            values["relative_orbit"] = (values["absolute_orbit"] - first) % grammar.repeat_cycle.orbits + 1
    return ProductName(
        name=match.name,
        family=grammar.id,
        parts=MappingProxyType(parts),
        version_key=version_key(grammar, match.form.text, parts),
        version_order=version_order(grammar, parts),
        is_auxiliary=grammar.auxiliary,
        **values,
    )


def _value(rule: str | tuple[str, ...] | Choice, parts: Mapping[str, str]) -> str | tuple[str, ...] | None:
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
    for place in PLACE.finditer(template):
        part, start, end = place.groups()
        extract = slice(int(start), int(end)) if start else None
        segments.append((template[at : place.start()], part, extract))
        at = place.end()
    return (*segments, (template[at:], None, None))


def _moment(time: Time, parts: Mapping[str, str], start: datetime | None) -> datetime | None:
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
    return instant_at(found["year"], found["MM"], found["DD"], found["hh"], found["mm"], found["ss"])


@cache
def _tokens(form: str) -> tuple[tuple[str, slice], ...]:
    return tuple((token.group(), slice(token.start(), token.end())) for token in _CLOCK.finditer(form))
