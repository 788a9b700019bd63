"""JSON Merge Patch and JSON Patch, by the examples of their RFCs and by properties."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from app.patches import json_patch, merge_patch
from catalog.errors import InvalidRequest

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        # RFC 7396, appendix A.
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch(target: Any, patch: Any, result: Any) -> None:
    before = copy.deepcopy((target, patch))
    assert merge_patch(target, patch) == result
    assert (target, patch) == before


@pytest.mark.parametrize(
    ("target", "operations", "result"),
    [
        # RFC 6902, appendix A.
        ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"foo": "bar", "baz": "qux"}),
        ({"foo": ["a", "c"]}, [{"op": "add", "path": "/foo/1", "value": "b"}], {"foo": ["a", "b", "c"]}),
        ({"a": 1, "b": 2}, [{"op": "remove", "path": "/a"}], {"b": 2}),
        ({"foo": [1, 2, 3]}, [{"op": "remove", "path": "/foo/1"}], {"foo": [1, 3]}),
        ({"a": 1}, [{"op": "replace", "path": "/a", "value": 2}], {"a": 2}),
        (
            {"foo": {"bar": 1, "waldo": 2}, "qux": {}},
            [{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}],
            {"foo": {"bar": 1}, "qux": {"thud": 2}},
        ),
        ({"foo": [1, 2, 3]}, [{"op": "move", "from": "/foo/0", "path": "/foo/2"}], {"foo": [2, 3, 1]}),
        ({"a": ["b"]}, [{"op": "test", "path": "/a/0", "value": "b"}], {"a": ["b"]}),
        ({"foo": "bar"}, [{"op": "add", "path": "/x", "value": {"y": {}}}], {"foo": "bar", "x": {"y": {}}}),
        ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
        ({"a": [1]}, [{"op": "add", "path": "/a/-", "value": [2]}], {"a": [1, [2]]}),
        ({"a": [1]}, [{"op": "copy", "from": "/a", "path": "/b"}], {"a": [1], "b": [1]}),
        ({"a": 1}, [{"op": "replace", "path": "", "value": [1]}], [1]),
        ({"a": 1}, [], {"a": 1}),
    ],
)
def test_json_patch(target: Any, operations: Any, result: Any) -> None:
    before = copy.deepcopy((target, operations))
    assert json_patch(target, operations) == result
    assert (target, operations) == before


@pytest.mark.parametrize(
    "operations",
    [
        {},
        [1],
        [{"op": "delete", "path": "/a"}],
        [{"path": "/a"}],
        [{"op": "add", "path": "/a"}],
        [{"op": "add", "path": "a", "value": 1}],
        [{"op": "add", "path": "/o/~2", "value": 1}],
        [{"op": "add", "path": "/o/~", "value": 1}],
        [{"op": "remove", "path": "/none"}],
        [{"op": "remove", "path": ""}],
        [{"op": "remove", "path": "/list/2"}],
        [{"op": "remove", "path": "/list/-"}],
        [{"op": "remove", "path": "/list/01"}],
        [{"op": "replace", "path": "/none", "value": 1}],
        [{"op": "add", "path": "/none/x", "value": 1}],
        [{"op": "add", "path": "/list/9", "value": 1}],
        [{"op": "add", "path": "/a/x", "value": 1}],
        [{"op": "move", "from": "/o", "path": "/o/p"}],
        [{"op": "move", "path": "/b"}],
        [{"op": "copy", "from": "/none", "path": "/b"}],
        [{"op": "test", "path": "/a", "value": True}],
        [{"op": "test", "path": "/list/0", "value": "1"}],
        [{"op": "test", "path": "/a", "value": 1}] * 1001,
        # Doubles the document each time.
        [{"op": "copy", "from": "/o", "path": f"/o/{number}"} for number in range(100)],
    ],
    ids=lambda operations: str(operations)[:60],
)
def test_a_patch_that_cannot_be_applied(operations: Any) -> None:
    target = {"a": 1, "list": [1, 2], "o": {}}
    with pytest.raises(InvalidRequest, match="body"):
        json_patch(target, operations)
    assert target == {"a": 1, "list": [1, 2], "o": {}}


def _nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "step",
    [
        lambda deep: {"op": "add", "path": "/a" * deep, "value": _nested(100)},
        lambda deep: {"op": "copy", "from": "", "path": "/a" * deep},
        lambda deep: {"op": "replace", "path": "/a" * (deep - 1), "value": _nested(100)},
    ],
)
def test_a_patch_cannot_nest_a_document_without_bound(step: Any) -> None:
    """Each operation went a little deeper, until one met the end of Python's stack: 500."""
    operations = [step(deep) for deep in range(100, 1_000, 99)]
    with pytest.raises(HTTPException, match="nested more than 200 deep") as refused:
        json_patch(_nested(100), operations)
    assert refused.value.status_code == 422
    assert json_patch(_nested(100), [{"op": "add", "path": "/a" * 100, "value": _nested(100)}]) == _nested(
        200
    )


@given(values, values)
def test_any_value_may_be_put_in_and_found(old: Any, new: Any) -> None:
    put = json_patch({"a": [old]}, [{"op": "add", "path": "/a/0", "value": new}])
    assert json_patch(put, [{"op": "test", "path": "/a/0", "value": new}]) == {"a": [new, old]}
    assert json_patch(put, [{"op": "remove", "path": "/a/0"}]) == {"a": [old]}


@given(values)
def test_anything_is_a_patch_or_refused(operations: Any) -> None:
    try:
        json_patch({"a": [1]}, operations)
    except InvalidRequest as error:
        assert error.parameter == "body"
