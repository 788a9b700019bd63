"""The page for people, as far as it can be tried without a browser (with one: `tests/strangers/`)."""

import re
from pathlib import Path

import httpx
import pytest

STATIC = Path(__file__).resolve().parents[2] / "app" / "static" / "browse"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


def test_the_page_and_all_that_it_names(http: httpx.Client) -> None:
    page = http.get("/browse", headers={"Accept": BROWSER})
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    named = set(re.findall(r'(?:src|href)="browse/([^"]+)"', page.text))
    for name in named | set(re.findall(r'from "\./([^"]+)"', (STATIC / "main.js").read_text())):
        answer = http.get(f"/browse/{name}")
        assert answer.status_code == 200, name
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert named >= {"main.js", "style.css"}
    assert http.get("/browse/none.js").status_code == 404
    assert http.get("/browse/..%2Fmain.py").status_code == 404


def test_nothing_comes_from_elsewhere() -> None:
    for file in STATIC.iterdir():
        addresses = set(re.findall(r"https?://[^\s\"'<>)\\/]+", file.read_text()))
        assert addresses <= {"http://www.w3.org"}, file  # the name of SVG


def test_both_languages_say_the_same_things() -> None:
    english, japanese = (STATIC / "texts.js").read_text().split("ja: {")
    names = [re.findall(r"[{,\s](\w+): [\"(]", part.split("\n  },")[0]) for part in (english, japanese)]
    assert names[0] == names[1]
    assert len(names[0]) > 30


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/geo+json, application/json", ""])
def test_programs_get_the_landing_page(http: httpx.Client, accept: str) -> None:
    answer = http.get("/", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.json()["type"] == "Catalog"


def _vary(answer: httpx.Response) -> set[str]:
    return {name.strip() for name in answer.headers["vary"].lower().split(",")}


def test_browsers_are_shown_the_page(http: httpx.Client) -> None:
    answer = http.get("/", headers={"Accept": BROWSER, "X-Forwarded-Prefix": "/stac"})
    assert answer.status_code == 303
    assert answer.headers["location"].endswith("/stac/browse")
    assert _vary(answer) >= {"accept", "accept-language"}
    # A cache gave a browser the document that a program had asked for.
    assert _vary(http.get("/")) >= {"accept", "accept-language"}
    assert http.get("/?f=json", headers={"Accept": BROWSER}).json()["type"] == "Catalog"
    links = [link for link in http.get("/").json()["links"] if link["type"] == "text/html"]
    assert any(link["href"].endswith("/browse") for link in links)


def test_the_page_has_one_address(http: httpx.Client) -> None:
    """It names its files from where it lies."""
    answer = http.get("/browse/")
    assert answer.status_code == 308
    assert answer.headers["location"].endswith("/browse")
