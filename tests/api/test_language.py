"""English or Japanese, as the client likes it."""

from typing import Any

import httpx
import pytest

from tests.api.texts import COLLECTIONS, TRANSLATIONS

PATHS = [
    "/",
    "/collections",
    "/collections/alos-palsar",
    "/queryables",
    "/collections/alos-palsar/queryables",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("header", "parameter", "expected"),
    [
        (None, None, "en"),
        ("ja", None, "ja"),
        ("ja-JP,ja;q=0.9,en;q=0.8", None, "ja"),
        ("en-GB,ja;q=0.5", None, "en"),
        ("ja;q=0.2,en;q=0.9", None, "en"),
        ("ja;q=0,*", None, "en"),
        ("de-DE,de;q=0.9", None, "en"),
        ("*", None, "en"),
        ("de,ja;q=0.1", None, "ja"),
        ("rubbish ü;;", None, "en"),
        ("en", "ja", "ja"),
        ("ja", "en-US", "en"),
        (None, "fr,ja;q=0.5", "ja"),
    ],
)
def test_negotiation(
    texts_http: httpx.Client, path: str, header: str | None, parameter: str | None, expected: str
) -> None:
    headers = {} if header is None else {"Accept-Language": header.encode()}
    if header is None:
        texts_http.headers.pop("accept-language", None)
    answer = texts_http.get(path, headers=headers, params={"language": parameter} if parameter else {})
    assert answer.status_code == 200
    assert answer.headers["content-language"] == expected
    assert "accept-language" in answer.headers["vary"].lower()


@pytest.mark.parametrize("value", ["", "ü", "ja;q=2", "en us", "a" * 20])
@pytest.mark.parametrize("path", PATHS)
def test_no_language_tag_is_an_error_that_names_the_parameter(
    texts_http: httpx.Client, path: str, value: str
) -> None:
    answer = texts_http.get(path, params={"language": value})
    assert answer.status_code == 400
    assert "language" in answer.json()["description"]


def _links(document: dict[str, Any], rel: str) -> list[dict[str, Any]]:
    return [link for link in document["links"] if link["rel"] == rel]


def test_a_collection_in_japanese(texts_http: httpx.Client) -> None:
    english = texts_http.get("/collections/alos-palsar").json()
    japanese = texts_http.get("/collections/alos-palsar", headers={"Accept-Language": "ja"}).json()
    told = TRANSLATIONS["alos-palsar"]
    for name in ("title", "description", "keywords"):
        assert japanese[name] == told[name]
        assert english[name] == COLLECTIONS[0][name]
    assert japanese["language"]["code"] == "ja"
    assert [other["code"] for other in japanese["languages"]] == ["en"]
    assert "https://stac-extensions.github.io/language/v1.0.0/schema.json" in japanese["stac_extensions"]
    assert _links(japanese, "license")[0]["title"] == "利用規約"
    assert _links(english, "license")[0]["title"] == "Terms"
    unchanged = english.keys() - {
        "title",
        "description",
        "keywords",
        "links",
        "language",
        "languages",
        "stac_extensions",
    }
    assert all(japanese[name] == english[name] for name in unchanged)


def test_a_collection_without_translation_says_what_it_is_in(texts_http: httpx.Client) -> None:
    answer = texts_http.get("/collections/fiji-map", headers={"Accept-Language": "ja"})
    assert answer.headers["content-language"] == "en"
    assert answer.json()["title"] == "Reefs across the antimeridian"


def test_the_landing_page_in_japanese(texts_http: httpx.Client) -> None:
    page = texts_http.get("/", params={"language": "ja"}).json()
    assert page["title"] == "架け橋 Kakehashi"
    assert page["language"]["code"] == "ja"
    assert "だいち（ALOS）PALSAR 高分解能" in [link["title"] for link in _links(page, "child")]
    promised = page["conformsTo"]
    assert "https://api.stacspec.org/v1.0.0-rc.2/language" in promised


def test_who_asked_by_the_address_stays_in_the_language(texts_http: httpx.Client) -> None:
    page = texts_http.get("/", params={"language": "ja"}).json()
    for link in [*_links(page, "child"), *_links(page, "data"), *_links(page, "root")]:
        assert texts_http.get(link["href"], headers={"Accept-Language": "en"}).headers[
            "content-language"
        ] in (("ja",) if "alos" in link["href"] or link["rel"] != "child" else ("ja", "en"))


def _translations(answer: httpx.Response) -> list[dict[str, Any]]:
    """Links to the same document in another language; the page for people is an alternate too."""
    return [link for link in _links(answer.json(), "alternate") if link["type"] == "application/json"]


@pytest.mark.parametrize("path", ["/", "/collections?limit=2", "/collections/alos-palsar"])
def test_alternate_links_lead_to_the_other_language(texts_http: httpx.Client, path: str) -> None:
    answer = texts_http.get(path)
    (other,) = _translations(answer)
    assert other["hreflang"] == "ja"
    there = texts_http.get(other["href"])
    assert there.headers["content-language"] == "ja"
    (back,) = _translations(there)
    assert back["hreflang"] == "en"
    assert texts_http.get(back["href"]).headers["content-language"] == "en"


def test_titles_are_searched_and_sorted_as_they_are_shown(texts_http: httpx.Client) -> None:
    asked = {"filter": "title LIKE '%だいち%'"}
    assert texts_http.get("/collections", params=asked).json()["numberMatched"] == 0
    assert texts_http.get("/collections", params=asked | {"language": "ja"}).json()["numberMatched"] == 1


def test_queryables_have_titles_in_both_languages(texts_http: httpx.Client) -> None:
    for path in ("/queryables", "/collections/alos-palsar/queryables"):
        english, japanese = (texts_http.get(path, params={"language": code}).json() for code in ("en", "ja"))
        assert english["properties"]["platform"]["title"] == "Platform"
        assert japanese["properties"]["platform"]["title"] == "衛星・プラットフォーム"
        assert english["properties"].keys() == japanese["properties"].keys()


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/collections",
        "/collections/{collectionId}",
        "/queryables",
        "/collections/{collectionId}/queryables",
    ],
)
def test_the_parameter_is_announced(texts_http: httpx.Client, path: str) -> None:
    parameters = texts_http.get("/api").json()["paths"][path]["get"]["parameters"]
    assert [parameter["name"] for parameter in parameters].count("language") == 1
