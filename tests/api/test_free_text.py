"""`q` on items: what an item says itself counts, and what its collection says."""

from itertools import pairwise
from typing import Any

import httpx
import pystac_client
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.freetext import Both, Either, Expression, Not, Term, holds, terms_of
from tests.api.texts import ITEMS

NEWEST_FIRST = [
    item["id"] for item in sorted(ITEMS, key=lambda item: item["properties"]["datetime"], reverse=True)
]
ALOS = [name for name in NEWEST_FIRST if name.startswith("ALPSRP")]
GCOM = [name for name in NEWEST_FIRST if name.startswith("GC1")]
HIMAWARI = [name for name in NEWEST_FIRST if name.startswith("HS_")]
# What each term finds, by hand.
FOUND = {
    "だいち": {*ALOS, "reef-001"},
    "ALOS": {*ALOS},
    "海面水温": {*GCOM},
    "fuji": {"ALPSRP0002", "GC1SG1_02"},
    "富士山": {"ALPSRP0002", "GC1SG1_02"},
    "earthquake": {"ALPSRP0003"},
    "地震": {"ALPSRP0003"},
    "雪": {"GC1SG1_02"},
    "cloud": {*HIMAWARI, "GC1SG1_02"},
    "typhoon": {"HS_H09_01"},
    "reef-002": {"reef-002"},
    "GC1SG1_03": {"GC1SG1_03"},
    "ALPSRP000": {"ALPSRP0001", "ALPSRP0002", "ALPSRP0003"},
    "GC1SG1_": {"GC1SG1_01", "GC1SG1_02", "GC1SG1_03"},
    "HS_H09": {"HS_H09_01", "HS_H09_02"},
    "hs_h09": set(),
    "GC1SG1_%": set(),
    "衛星": {*ALOS, *GCOM, *HIMAWARI},
    "nowhere": set(),
}


def found(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    page = answer.json()
    names = [item["id"] for item in page["features"]]
    assert page["numberReturned"] == len(names)
    return names


@pytest.mark.parametrize("term", FOUND)
def test_one_term(texts_http: httpx.Client, term: str) -> None:
    wanted = [name for name in NEWEST_FIRST if name in FOUND[term]]
    answers = [
        texts_http.get("/search", params={"q": term, "limit": 100}),
        texts_http.post("/search", json={"q": term, "limit": 100}),
        texts_http.post("/search", json={"q": [term], "limit": 100}),
    ]
    for answer in answers:
        assert found(answer) == wanted
        assert answer.json()["numberMatched"] == len(wanted)


def test_within_one_collection(texts_http: httpx.Client) -> None:
    def within(collection: str, **params: Any) -> list[str]:
        return found(texts_http.get(f"/collections/{collection}/items", params=params))

    assert within("fiji-map", q="だいち") == ["reef-001"]
    assert within("alos-palsar", q="だいち") == ALOS
    assert within("alos-palsar", q="だいち AND fuji") == ["ALPSRP0002"]
    assert within("himawari", q="だいち") == []
    assert texts_http.get("/collections/none/items", params={"q": "だいち"}).status_code == 404


def test_together_with_other_conditions(texts_http: httpx.Client) -> None:
    def search(**body: Any) -> list[str]:
        return found(texts_http.post("/search", json=body))

    assert search(q="だいち", datetime="2024-01-02T00:00:00Z/2024-01-06T00:00:00Z") == [
        "ALPSRP0002",
        "reef-001",
    ]
    assert search(q="だいち", collections=["fiji-map", "gcom-c-sst"]) == ["reef-001"]
    assert search(q="だいち", filter={"op": "=", "args": [{"property": "platform"}, "alos"]}) == [
        "ALPSRP0002",
        "ALPSRP0001",
    ]
    assert search(q="だいち", ids=["reef-001", "reef-002", "ALPSRP0003"]) == ["ALPSRP0003", "reef-001"]
    assert search(q="だいち", bbox=[0, 0, 1, 1]) == []
    assert search(q="だいち", sortby=[{"field": "id", "direction": "desc"}]) == [
        "reef-001",
        *sorted(ALOS, reverse=True),
    ]


def _write(expression: Expression) -> str:
    if isinstance(expression, Term):
        return f'"{expression.text}"'
    if isinstance(expression, Not):
        return f"NOT {_write(expression.part)}"
    word = " AND " if isinstance(expression, Both) else " OR "
    return "(" + word.join(_write(part) for part in expression.parts) + ")"


_TREES = st.recursive(
    st.sampled_from([Term(text) for text in FOUND]),
    lambda part: st.one_of(
        part.map(Not),
        st.lists(part, min_size=2, max_size=3).map(lambda parts: Both(tuple(parts))),
        st.lists(part, min_size=2, max_size=3).map(lambda parts: Either(tuple(parts))),
    ),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_TREES)
def test_any_combination_is_what_logic_says(texts_http: httpx.Client, tree: Expression) -> None:
    def matches(name: str) -> bool:
        return holds(tree, {term: name in FOUND[term.text] for term in terms_of(tree)})

    answer = texts_http.post("/search", json={"q": _write(tree), "limit": 100})
    assert found(answer) == [name for name in NEWEST_FIRST if matches(name)], _write(tree)


@pytest.mark.parametrize("text", ["だいち", "だいち OR fuji OR cloud", "NOT fuji", "衛星 -雪"])
def test_pages_forth_and_back(texts_http: httpx.Client, text: str) -> None:
    whole = found(texts_http.get("/search", params={"q": text, "limit": 100}))
    assert len(whole) >= 4
    pages, url = [], str(httpx.URL("/search", params={"q": text, "limit": 3}))
    while url:
        answer = texts_http.get(url)
        pages.append(answer)
        assert answer.json()["numberMatched"] == len(whole)
        url = next((link["href"] for link in answer.json()["links"] if link["rel"] == "next"), "")
    assert [name for page in pages for name in found(page)] == whole
    for earlier, page in pairwise(pages):
        (back,) = [link["href"] for link in page.json()["links"] if link["rel"] == "prev"]
        assert found(texts_http.get(back)) == found(earlier)


@pytest.mark.parametrize("value", ["", "a AND", '"a', "(a", "-", "★"])
def test_what_makes_no_sense_is_refused(texts_http: httpx.Client, value: str) -> None:
    answers = [
        texts_http.get("/search", params={"q": value}),
        texts_http.post("/search", json={"q": value}),
        texts_http.get("/collections/himawari/items", params={"q": value}),
    ]
    for answer in answers:
        assert answer.status_code == 400
        assert answer.json()["description"].startswith("q:")


def test_it_is_promised_and_a_strangers_client_can_use_it(texts_server: Any) -> None:
    client = pystac_client.Client.open(texts_server.url)
    promised = client.get_conforms_to()
    for part in ("item-search", "ogcapi-features"):
        for form in ("free-text", "advanced-free-text"):
            assert f"https://api.stacspec.org/v1.0.0-rc.1/{part}#{form}" in promised
