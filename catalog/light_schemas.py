"""Extension schemas without their costliest rule, where that rule is checked in another way.

Nearly every STAC extension says of every object that it may appear in: a name that begins with the extension's
prefix must be one of its fields. In JSON Schema that is a pattern for all *other* names, which is tried on
every name of every asset, once per extension: most of the time of validating an item with many assets.

Here the rule is taken out of the schema, with the places where it holds and the names it allows. Whoever
validates collects the names of a document by place, once for all extensions; where all are allowed, the
lighter schema says the same as the whole one. Else the whole one is asked. Nothing goes unchecked.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Place = tuple[str, ...]
"""Steps from a document to objects in it: names of members, `*` for any member, `[]` for any entry."""

_OTHER_NAMES = re.compile(r"\^\(\?!([\w-]+:)\)")
_SAME_OBJECT = ("allOf", "anyOf", "oneOf")
_SAME_OBJECT_ONE = ("if", "then", "else", "not")
_MAX_STEPS = 5_000


@dataclass(frozen=True, slots=True)
class LightSchema:
    """A schema without the rule, and the rule.

    Attributes:
        schema: without it.
        prefix: of the extension's fields, with its colon.
        allowed: names that begin with the prefix and may appear, by place.
    """

    schema: Any
    prefix: str
    allowed: Mapping[Place, frozenset[str]]

    def is_met(self, names: "Names") -> bool:
        """Whether the rule holds for the names of a document."""
        return all(
            name in allowed
            for place, allowed in self.allowed.items()
            for name in names.at(place)
            if name.startswith(self.prefix)
        )


class Names:
    """The names with a colon that a document uses, by place; collected when they are asked for."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        """Collect nothing yet; the document must not be changed as long as this is used."""
        self._objects: dict[Place, list[Any]] = {(): [document]}
        self._names: dict[Place, frozenset[str]] = {}

    def at(self, place: Place) -> frozenset[str]:
        """Return the names of all objects at a place."""
        if place not in self._names:
            names: set[Any] = set().union(*(one for one in self._held(place) if isinstance(one, dict)))
            self._names[place] = frozenset(name for name in names if ":" in name)
        return self._names[place]

    def _held(self, place: Place) -> list[Any]:
        if place not in self._objects:
            step, before = place[-1], self._held(place[:-1])
            if step == "[]":
                held = [entry for one in before if isinstance(one, list) for entry in one]
            elif step == "*":
                held = [member for one in before if isinstance(one, dict) for member in one.values()]
            else:
                held = [one[step] for one in before if isinstance(one, dict) and step in one]
            self._objects[place] = held
        return self._objects[place]


def lighten(schema: Any) -> LightSchema | None:
    """Take the rule out of a schema; None if it has none, or one in a form or place that is not understood here."""
    rules = [(place, rule) for place, rule in _rules(schema, schema, (), [_MAX_STEPS]) if rule is not None]
    prefixes = {rule[0] for _, rule in rules}
    if len(prefixes) != 1:
        return None
    if _count(schema) != len({rule[2] for _, rule in rules}):
        return None  # one of them stands where we did not come by
    allowed: dict[Place, frozenset[str]] = {}
    for place, (_, names, _) in rules:
        allowed[place] = allowed.get(place, names) & names
    return LightSchema(_without(schema), prefixes.pop(), allowed)


def _rule(schema: Mapping[str, Any]) -> tuple[str, frozenset[str], int] | None:
    """Return prefix and allowed names of the rule that stands in a schema itself, with what tells it from others."""
    patterns = schema.get("patternProperties")
    if (
        schema.get("additionalProperties") is not False
        or not isinstance(patterns, dict)
        or len(patterns) != 1
    ):
        return None
    ((pattern, others),) = patterns.items()
    match = _OTHER_NAMES.fullmatch(pattern)
    if match is None or not (others is True or (isinstance(others, dict) and set(others) <= {"$comment"})):
        return None
    names = frozenset(name for name in schema.get("properties", {}) if name.startswith(match[1]))
    return match[1], names, id(schema)


def _rules(
    schema: Any, root: Any, place: Place, steps: list[int]
) -> Iterator[tuple[Place, tuple[str, frozenset[str], int] | None]]:
    """Give the rules of a schema with the places in a document where they hold."""
    steps[0] -= 1
    if not isinstance(schema, dict) or steps[0] < 0 or len(place) > 6:
        return
    yield place, _rule(schema)
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        target = root
        for step in reference[2:].split("/"):
            target = target.get(step) if isinstance(target, dict) else None
        yield from _rules(target, root, place, steps)
    for name in _SAME_OBJECT:
        for part in schema.get(name) or ():
            yield from _rules(part, root, place, steps)
    for name in _SAME_OBJECT_ONE:
        yield from _rules(schema.get(name), root, place, steps)
    properties = schema.get("properties")
    for name, part in properties.items() if isinstance(properties, dict) else ():
        yield from _rules(part, root, (*place, name), steps)
    patterns = schema.get("patternProperties")
    for part in (
        schema.get("additionalProperties"),
        *(patterns.values() if isinstance(patterns, dict) else ()),
    ):
        yield from _rules(part, root, (*place, "*"), steps)
    items = schema.get("items")
    for part in (*(items if isinstance(items, list) else [items]), schema.get("contains")):
        yield from _rules(part, root, (*place, "[]"), steps)


def _count(schema: Any) -> int:
    """Return how often the rule stands in a schema, wherever that is."""
    if isinstance(schema, list):
        return sum(map(_count, schema))
    if not isinstance(schema, dict):
        return 0
    return (_rule(schema) is not None) + sum(map(_count, schema.values()))


def _without(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    left_out = ("patternProperties", "additionalProperties") if _rule(schema) else ()
    return {name: _without(part) for name, part in schema.items() if name not in left_out}
