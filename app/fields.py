"""The Fields extension: which members of items an answer has.

What is included and not excluded is returned. `type`, `id` and `collection` belong to every
answer unless they are excluded, so that it stays GeoJSON whose items can be asked for again.
"""

from dataclasses import dataclass
from typing import Any

from catalog.errors import InvalidRequest

_ALWAYS = (("type",), ("id",), ("collection",))

Path = tuple[str, ...]


@dataclass(frozen=True)
class Fields:
    """Members to include (none: all) and to leave out, as paths of names."""

    include: tuple[Path, ...]
    exclude: tuple[Path, ...]

    def apply(self, item: dict[str, Any]) -> dict[str, Any]:
        """Return an item with the members wanted; the argument may be changed."""
        if self.include:
            chosen: dict[str, Any] = {}
            for path in (*_ALWAYS, *self.include):
                _copy(item, chosen, path)
            item = chosen
        for path in self.exclude:
            _remove(item, path)
        return item


def read_fields(value: Any) -> Fields | None:
    """Return what a `fields` object asks for, or None if it asks for everything.

    Raises:
        InvalidRequest: names `fields`.
    """
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InvalidRequest("fields", "is an object with the lists `include` and `exclude`")
    include, exclude = (_paths(value.get(key)) for key in ("include", "exclude"))
    return Fields(include, exclude) if include or exclude else None


def fields_from_text(text: str) -> dict[str, list[str]]:
    """Return the `fields` parameter of a GET request as the object that a POST has."""
    fields: dict[str, list[str]] = {"include": [], "exclude": []}
    for name in (part.strip() for part in text.split(",")):
        if name.startswith("-"):
            fields["exclude"].append(name[1:])
        elif name:
            fields["include"].append(name.removeprefix("+"))
    return fields


def _paths(names: Any) -> tuple[Path, ...]:
    if names is None:
        return ()
    if not isinstance(names, list) or not all(isinstance(name, str) and name.strip() for name in names):
        raise InvalidRequest("fields", "`include` and `exclude` are lists of names")
    return tuple(tuple(name.strip().split(".")) for name in names)


def _copy(source: dict[str, Any], target: dict[str, Any], path: Path) -> None:
    """Copy one member; dots may also be part of a name, so the longest name that fits counts."""
    for length in range(len(path), 0, -1):
        name = ".".join(path[:length])
        if name not in source:
            continue
        rest = path[length:]
        if not rest:
            target[name] = source[name]
        elif isinstance(source[name], dict):
            inner = target.setdefault(name, {})
            if inner is not source[name]:
                _copy(source[name], inner, rest)
        return


def _remove(item: dict[str, Any], path: Path) -> None:
    for length in range(len(path), 0, -1):
        name = ".".join(path[:length])
        if name not in item:
            continue
        if length == len(path):
            del item[name]
        elif isinstance(item[name], dict):
            # A copy, so that what another path included whole is not changed under it.
            item[name] = dict(item[name])
            _remove(item[name], path[length:])
        return
