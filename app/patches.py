"""Changes to JSON documents: JSON Merge Patch (RFC 7396) and JSON Patch (RFC 6902)."""

import copy
import re
from collections.abc import Sequence
from typing import Any

from starlette.exceptions import HTTPException

from app.search_request import MAX_JSON_DEPTH
from catalog.errors import InvalidRequest

_OPERATIONS = frozenset({"add", "remove", "replace", "move", "copy", "test"})
_MAX_OPERATIONS = 1_000
_ODD_TILDE = re.compile(r"~(?![01])")
# Values that all copies of a patch may make together: each copy into itself doubles a document.
_MAX_COPIED = 100_000


def merge_patch(target: Any, patch: Any) -> Any:
    """Return a document with a merge patch applied; neither argument is changed."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def json_patch(target: Any, operations: Any) -> Any:
    """Return a document with the operations of a JSON Patch applied, all of them; the argument is not changed.

    Raises:
        InvalidRequest: `body`, which operation is malformed, or names what is not there.
        HTTPException: 422, the document would be nested deeper than one that is sent may be.
    """
    if not isinstance(operations, list) or len(operations) > _MAX_OPERATIONS:
        raise InvalidRequest("body", f"a JSON Patch is a list of at most {_MAX_OPERATIONS} operations")
    # A list around the document, so that the whole of it can be replaced like any part.
    holder = [copy.deepcopy(target)]
    budget = _MAX_COPIED
    for number, operation in enumerate(operations):
        try:
            budget -= _apply(holder, operation)
        except _TooDeep as fault:
            raise HTTPException(422, f"operation {number} of the patch: {fault}") from fault
        except _Fault as fault:
            raise InvalidRequest("body", f"operation {number} of the patch: {fault}") from fault
        if budget < 0:
            raise InvalidRequest("body", f"operation {number} of the patch: too much is copied")
    return holder[0]


class _Fault(Exception):
    """What is wrong with one operation."""


class _TooDeep(_Fault):
    """It puts a value too deep into the document."""


def _apply(holder: list[Any], operation: Any) -> int:
    """Apply one operation; return how many values it made copies of."""
    copied = 0
    if not isinstance(operation, dict) or operation.get("op") not in _OPERATIONS:
        raise _Fault(f"`op` is one of {', '.join(sorted(_OPERATIONS))}")
    op, path = operation["op"], _pointer(operation, "path")
    if op in ("add", "replace", "test") and "value" not in operation:
        raise _Fault("`value` is missing")
    if op == "test":
        if not _equal(_get(holder, path), operation["value"]):
            raise _Fault(f"{operation['path']} has another value")
    elif op == "remove":
        _remove(holder, path)
    elif op == "replace":
        _get(holder, path)
        _set(holder, path, copy.deepcopy(operation["value"]), replace=True)
    elif op == "add":
        _set(holder, path, copy.deepcopy(operation["value"]), replace=False)
    else:
        source = _pointer(operation, "from")
        value = copy.deepcopy(_get(holder, source))
        if op == "copy":
            copied = _size(value)
        else:
            if path[: len(source)] == source and len(path) > len(source):
                raise _Fault("a value cannot be moved into itself")
            _remove(holder, source)
        _set(holder, path, value, replace=False)
    return copied


def _size(value: Any) -> int:
    """Return how many values a value holds, itself one of them."""
    if isinstance(value, dict):
        return 1 + sum(map(_size, value.values()))
    return 1 + sum(map(_size, value)) if isinstance(value, list) else 1


def _depth(value: Any) -> int:
    """Return how deep a value is nested; one that holds no other is 1 deep."""
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 1


def _pointer(operation: dict[str, Any], name: str) -> list[str]:
    """Return the names of a JSON Pointer (RFC 6901)."""
    text = operation.get(name)
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise _Fault(f"`{name}` is a JSON Pointer such as /properties/gsd")
    if _ODD_TILDE.search(text):
        raise _Fault(f"in `{name}` a ~ stands only in ~0 and ~1")
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _get(holder: list[Any], path: Sequence[str]) -> Any:
    node = holder[0]
    for part in path:
        if isinstance(node, dict) and part in node:
            node = node[part]
        elif isinstance(node, list):
            node = node[_index(part, len(node) - 1)]
        else:
            raise _Fault(f"there is no /{'/'.join(path)}")
    return node


def _set(holder: list[Any], path: Sequence[str], value: Any, *, replace: bool) -> None:
    # At each step, lest a value that is copied on the way be too deep to look at.
    if len(path) + _depth(value) > MAX_JSON_DEPTH:
        raise _TooDeep(f"the document would be nested more than {MAX_JSON_DEPTH} deep")
    if not path:
        holder[0] = value
        return
    parent, last = _get(holder, path[:-1]), path[-1]
    if isinstance(parent, dict):
        parent[last] = value
    elif not isinstance(parent, list):
        raise _Fault(f"/{'/'.join(path[:-1])} has no members")
    elif replace:
        parent[_index(last, len(parent) - 1)] = value
    else:
        parent.insert(len(parent) if last == "-" else _index(last, len(parent)), value)


def _remove(holder: list[Any], path: Sequence[str]) -> None:
    if not path:
        raise _Fault("the whole document cannot be removed")
    _get(holder, path)
    parent, last = _get(holder, path[:-1]), path[-1]
    if isinstance(parent, dict):
        del parent[last]
    else:
        del parent[_index(last, len(parent) - 1)]


def _index(text: str, last: int) -> int:
    if not text.isascii() or not text.isdigit() or (len(text) > 1 and text[0] == "0") or int(text) > last:
        raise _Fault(f"{text[:40]!r} is not a place in the list")
    return int(text)


def _equal(left: Any, right: Any) -> bool:
    """JSON's equality: Python holds true for equal to 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(left[name], right[name]) for name in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    return bool(left == right)
