"""The Fields extension (v1.0.0): which members of items an answer has.

The most specific path decides; of equals, inclusion does. `type`, `id` and `collection` belong to
every answer unless they are excluded, so that it stays GeoJSON whose items can be asked for again.
"""

from dataclasses import dataclass
from typing import Any

from catalog.errors import InvalidRequest

Path = tuple[str, ...]

_ALWAYS: tuple[Path, ...] = (("type",), ("id",), ("collection",))
# What makes a valid item: the answer to an empty `fields`.
_DEFAULT: tuple[Path, ...] = (
    *_ALWAYS,
    ("stac_version",),
    ("geometry",),
    ("bbox",),
    ("links",),
    ("assets",),
    ("properties", "datetime"),
)
# The same of a collection.
COLLECTION_DEFAULT: tuple[Path, ...] = (
    ("type",),
    ("id",),
    ("stac_version",),
    ("title",),
    ("description",),
    ("license",),
    ("extent",),
    ("links",),
)
# An item without datetime is valid by these.
_INTERVAL: tuple[Path, ...] = (("properties", "start_datetime"), ("properties", "end_datetime"))


@dataclass(frozen=True)
class Fields:
    """Members to include and to leave out, as paths of names.

    Attributes:
        include: None: all members.
        exclude: wins over a shorter path that is included.
        default: whether `include` is the default set, nobody having named anything.
    """

    include: tuple[Path, ...] | None
    exclude: tuple[Path, ...]
    default: bool = False

    @property
    def need_assets(self) -> bool:
        """Whether an answer has any of an item's assets."""
        if self.include is None or self.default:
            return ("assets",) not in self.exclude
        return any(path[0] == "assets" or path[0].startswith("assets.") for path in self.include)

    def apply(self, item: dict[str, Any]) -> dict[str, Any]:
        """Return an item with the members wanted; the argument may be changed."""
        chosen = item if self.include is None else {}
        include = self.include or ()
        if self.default and item.get("properties", {}).get("datetime") is None:
            include = (*include, *_INTERVAL)
        if self.default:
            # The default set is the ground that is excluded from, however short the path.
            _copy_all(item, chosen, include)
            include = ()
        elif self.include is not None:
            _copy_all(item, chosen, _ALWAYS)
        rules = [(len(path), 0, path) for path in self.exclude] + [(len(path), 1, path) for path in include]
        for _, included, path in sorted(rules):
            if included:
                _copy(item, chosen, path)
            else:
                _remove(chosen, path)
        return chosen


def read_fields(value: Any, default: tuple[Path, ...] = _DEFAULT) -> Fields | None:
    """Return what a `fields` object asks for, or None if it leaves nothing out.

    A missing `include` and an empty one differ: beside an `exclude`, missing stands for all
    members, empty (or null) for the default set.

    Args:
        value: of the member `fields`, which is there; None is an empty object.
        default: the set that stands for all that is worth having.

    Raises:
        InvalidRequest: names `fields`.
    """
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise InvalidRequest("fields", "is an object with the lists `include` and `exclude`")
    include, exclude = (_paths(value.get(key)) for key in ("include", "exclude"))
    if include:
        return Fields(include, exclude)
    if exclude and "include" not in value:
        return Fields(None, exclude)
    return Fields(default, exclude, default=True)


def fields_from_text(text: str) -> dict[str, list[str]]:
    """Return the `fields` parameter of a GET request as the object that a POST has.

    Text cannot tell a missing list from an empty one; the extension takes it as empty.
    """
    fields: dict[str, list[str]] = {"include": [], "exclude": []}
    # A + in a query string arrives as a space.
    for name in (part.strip() for part in text.split(",")):
        if name.startswith("-"):
            fields["exclude"].append(name[1:])
        elif name.removeprefix("+"):
            fields["include"].append(name.removeprefix("+"))
    return fields


def _paths(names: Any) -> tuple[Path, ...]:
    if names is None:
        return ()
    if not isinstance(names, list) or not all(isinstance(name, str) and name.strip() for name in names):
        raise InvalidRequest("fields", "`include` and `exclude` are lists of names")
    return tuple(tuple(name.strip().split(".")) for name in names)


def _copy_all(source: dict[str, Any], target: dict[str, Any], paths: tuple[Path, ...]) -> None:
    for path in paths:
        _copy(source, target, path)


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
