"""The same random searches over HTTP, by both methods, page after page, with chosen members."""

from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.api.conftest import running_server
from tests.oracle.conftest import Store
from tests.oracle.evaluate import Undecided
from tests.oracle.strategies import FILTERS, SORTS
from tests.oracle.test_search import BODIES, in_order, key, selected, tried

_PATHS = [
    "id",
    "type",
    "geometry",
    "bbox",
    "assets",
    "properties",
    "properties.num",
    "properties.text",
    "links",
]
_ALWAYS = {("type",), ("id",), ("collection",)}


@pytest.fixture(scope="module")
def client(oracle_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    log = tmp_path_factory.mktemp("oracle") / "log"
    with running_server(log, {"KAKEHASHI_DATABASE_URL": oracle_url}) as server, server.client() as http:
        yield http


def _parameters(body: dict[str, Any]) -> dict[str, str]:
    """The query string of a GET request that means the same."""
    given_: dict[str, str] = {}
    for name, value in body.items():
        if name in ("bbox", "collections", "ids"):
            given_[name] = ",".join(map(str, value))
        elif name == "sortby":
            given_[name] = ",".join("+-"[part["direction"] == "desc"] + part["field"] for part in value)
        elif name == "fields":
            given_[name] = ",".join([*value["include"], *(f"-{path}" for path in value["exclude"])])
        elif name in ("filter", "intersects"):
            given_[name] = orjson.dumps(value).decode()
        else:
            given_[name] = str(value)
    if "filter" in given_:
        given_["filter-lang"] = "cql2-json"
    return given_


def _walk(client: httpx.Client, answer: httpx.Response) -> Iterator[dict[str, Any]]:
    """The items of all pages, by the links that each has to the next."""
    while True:
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert page["numberReturned"] == len(page["features"])
        yield from page["features"]
        links = [link for link in page["links"] if link["rel"] == "next"]
        if not links:
            return
        (link,) = links
        answer = client.request(link["method"], link["href"], json=link.get("body"))


@given(body=BODIES, sort=SORTS, condition=st.none() | FILTERS, limit=st.sampled_from([17, 60, 500]))
@tried(0.2)
def test_both_methods_say_the_same(
    client: httpx.Client,
    store: Store,
    body: dict[str, Any],
    sort: list[tuple[str, bool]],
    condition: Any,
    limit: int,
) -> None:
    body = {**body, "limit": limit}
    if condition is not None:
        body["filter"] = condition
    if sort:
        body["sortby"] = [{"field": name, "direction": "desc" if down else "asc"} for name, down in sort]
    try:
        wanted = in_order(selected(store, body), sort)
    except Undecided:
        assume(False)
        return
    assert [key(item) for item in _walk(client, client.post("/search", json=body))] == wanted
    parameters = _parameters(body)
    if len(str(parameters)) < 6000:
        assert [key(item) for item in _walk(client, client.get("/search", params=parameters))] == wanted


def _leaves(item: dict[str, Any]) -> dict[tuple[str, ...], Any]:
    leaves: dict[tuple[str, ...], Any] = {
        (name,): value for name, value in item.items() if name not in ("properties", "links")
    }
    return leaves | {("properties", name): value for name, value in item.get("properties", {}).items()}


def _is_wanted(leaf: tuple[str, ...], include: list[str], exclude: list[str]) -> bool:
    """The longest path that leads to it decides; of two as long, the one that includes."""
    rules = [
        (len(path), wanted)
        for paths, wanted in ((include, True), (exclude, False))
        for path in map(_path, paths)
        if leaf[: len(path)] == path
    ]
    if rules:
        return max(rules)[1]
    return leaf in _ALWAYS


def _path(text: str) -> tuple[str, ...]:
    return tuple(text.split("."))


@given(
    include=st.lists(st.sampled_from(_PATHS), min_size=1, max_size=3, unique=True),
    exclude=st.lists(st.sampled_from(_PATHS), max_size=3, unique=True),
)
@tried(0.2)
def test_fields(client: httpx.Client, store: Store, include: list[str], exclude: list[str]) -> None:
    ids = [item["id"] for item in store.items[:20]]
    body = {"ids": ids, "limit": 100, "fields": {"include": include, "exclude": exclude}}
    wanted = sorted(
        _text({leaf: value for leaf, value in _leaves(item).items() if _is_wanted(leaf, include, exclude)})
        for item in selected(store, {"ids": ids})
    )
    for answer in (client.post("/search", json=body), client.get("/search", params=_parameters(body))):
        assert answer.status_code == 200, answer.text
        assert sorted(_text(_leaves(item)) for item in answer.json()["features"]) == wanted


def _text(leaves: dict[tuple[str, ...], Any]) -> str:
    return str(sorted((leaf, str(value)) for leaf, value in leaves.items()))
