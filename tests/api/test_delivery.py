"""How answers travel: content codings, validators, HEAD."""

import httpx
import pytest

from app.conditional import entity_tag, matches
from tests.unit.test_encoding import DECODERS

GETS = [
    "/",
    "/conformance",
    "/collections",
    "/collections/sentinel-2",
    "/collections/sentinel-2/items?limit=3",
    "/collections/sentinel-2/items/sentinel-2_002",
    "/queryables",
    "/collections/sentinel-2/queryables",
    "/search?limit=20",
    "/api",
]


def raw(http: httpx.Client, path: str, **headers: str) -> tuple[httpx.Response, bytes]:
    """The answer and its body as it came over the wire."""
    wanted = {"Accept-Encoding": "identity"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    with http.stream("GET", path, headers=wanted) as answer:
        body = b"".join(answer.iter_raw())
    assert len(body) == int(answer.headers["content-length"])
    return answer, body


@pytest.mark.parametrize("path", GETS)
def test_every_get_in_every_coding(http: httpx.Client, path: str) -> None:
    plain, body = raw(http, path)
    assert "content-encoding" not in plain.headers
    assert "accept-encoding" in plain.headers["vary"].lower()
    for coding, decode in DECODERS.items():
        answer, packed = raw(http, path, Accept_Encoding=coding)
        assert answer.headers["content-encoding"] == coding
        assert decode(packed) == body
        assert len(packed) < len(body)
        # It is the same document: a weak tag says so.
        assert answer.headers["etag"] == plain.headers["etag"]
        assert answer.headers["content-type"] == plain.headers["content-type"]
        assert "accept-encoding" in answer.headers["vary"].lower()
    refused, again = raw(http, path, Accept_Encoding="gzip;q=0, br;q=0.0, zstd;q=0")
    assert "content-encoding" not in refused.headers
    assert again == body


def test_a_posted_search_is_compressed_too(http: httpx.Client) -> None:
    plain = http.post("/search", json={"limit": 50}, headers={"Accept-Encoding": "identity"})
    for coding in DECODERS:
        with http.stream(
            "POST", "/search", json={"limit": 50}, headers={"Accept-Encoding": coding}
        ) as answer:
            packed = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == coding
        assert DECODERS[coding](packed) == plain.content


def test_small_answers_are_left_alone(http: httpx.Client) -> None:
    answer, body = raw(http, "/search?bbox=1,2,3", Accept_Encoding="gzip")
    assert answer.status_code == 400
    assert "content-encoding" not in answer.headers
    assert body.startswith(b"{")


@pytest.mark.parametrize("path", GETS)
def test_not_modified(http: httpx.Client, path: str) -> None:
    first = http.get(path)
    tag = first.headers["etag"]
    assert tag.startswith('W/"')
    for known in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        answer = http.get(path, headers={"If-None-Match": known})
        assert answer.status_code == 304, known
        assert answer.content == b""
        assert answer.headers["etag"] == tag
        assert answer.headers["cache-control"] == first.headers["cache-control"]
        assert answer.headers["vary"] == first.headers["vary"]
        assert "content-type" not in answer.headers
    answer = http.get(path, headers={"If-None-Match": 'W/"other", "another"'})
    assert answer.status_code == 200
    assert answer.content == first.content


def test_errors_are_not_answered_by_304_and_not_kept(http: httpx.Client) -> None:
    answer = http.get("/collections/none", headers={"If-None-Match": "*"})
    assert answer.status_code == 404
    assert "etag" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


def test_what_caches_may_do(http: httpx.Client) -> None:
    assert http.get("/search").headers["cache-control"] == "public, no-cache"
    credentials = {"Authorization": "Bearer x"}
    assert http.get("/search", headers=credentials).headers["cache-control"].startswith("private")
    for path in ("/_mgmt/ping", "/_mgmt/health"):
        answer = http.get(path)
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers
    assert http.post("/search", json={}).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", [*GETS, "/_mgmt/health", "/collections/none"])
def test_head_is_get_without_its_body(http: httpx.Client, path: str) -> None:
    for coding in ("identity", "gzip"):
        got, body = raw(http, path, Accept_Encoding=coding)
        head = http.head(path, headers={"Accept-Encoding": coding})
        assert head.status_code == got.status_code
        assert head.content == b""
        assert int(head.headers["content-length"]) == len(body)
        ignored = {"date"}
        assert {n: v for n, v in head.headers.items() if n not in ignored} == {
            n: v for n, v in got.headers.items() if n not in ignored
        }


def test_head_is_answered_by_304(http: httpx.Client) -> None:
    tag = http.get("/search").headers["etag"]
    assert http.head("/search", headers={"If-None-Match": tag}).status_code == 304


def test_browsers_may_read_the_tag(http: httpx.Client) -> None:
    answer = http.get("/", headers={"Origin": "https://example.org"})
    assert "ETag" in answer.headers["access-control-expose-headers"]
    tag = answer.headers["etag"]
    known = http.get("/", headers={"Origin": "https://example.org", "If-None-Match": tag})
    assert known.status_code == 304
    assert known.headers["access-control-allow-origin"] == "*"


def test_weak_comparison() -> None:
    tag = entity_tag(b"{}")
    assert matches(tag, tag)
    assert matches(f'"a", {tag} , "b"', tag)
    assert matches(" * ", tag)
    assert not matches('"*"', tag)
    assert not matches(tag.removesuffix('"'), tag)
    assert not matches('"a,b"', '"a"')
