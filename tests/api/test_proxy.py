"""Links lead back to where the client came from, whatever stands in between."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from tests.api.conftest import Server, running_server


def hrefs(node: Any) -> Iterator[str]:
    """Every link of a document that is ours."""
    if isinstance(node, dict):
        if "href" in node and node.get("rel") not in ("license", "via"):
            yield node["href"]
        for key, value in node.items():
            if key != "assets":
                yield from hrefs(value)
    elif isinstance(node, list):
        for value in node:
            yield from hrefs(value)


PATHS = [
    "/",
    "/collections",
    "/collections/gcom-c",
    "/collections/gcom-c/items?limit=2",
    "/search?limit=2&ids=",
]

HEADERS: list[tuple[dict[str, str], str]] = [
    ({}, "{own}"),
    ({"X-Forwarded-Proto": "https"}, "https://{authority}"),
    ({"X-Forwarded-Host": "eo.example.jp"}, "http://eo.example.jp"),
    ({"X-Forwarded-Host": "eo.example.jp", "X-Forwarded-Proto": "https"}, "https://eo.example.jp"),
    ({"X-Forwarded-Host": "eo.example.jp:8443", "X-Forwarded-Proto": "https"}, "https://eo.example.jp:8443"),
    (
        {"X-Forwarded-Host": "eo.example.jp", "X-Forwarded-Port": "8443", "X-Forwarded-Proto": "https"},
        "https://eo.example.jp:8443",
    ),
    (
        {"X-Forwarded-Host": "eo.example.jp", "X-Forwarded-Port": "443", "X-Forwarded-Proto": "https"},
        "https://eo.example.jp",
    ),
    ({"X-Forwarded-Port": "9000"}, "http://127.0.0.1:9000"),
    (
        {"X-Forwarded-Host": "first.example, second.example", "X-Forwarded-Proto": "https, http"},
        "https://first.example",
    ),
    ({"X-Forwarded-Host": "[2001:db8::1]:8080"}, "http://[2001:db8::1]:8080"),
    ({"X-Forwarded-Prefix": "/stac"}, "{own}/stac"),
    ({"X-Forwarded-Prefix": "/c"}, "{own}/c"),
    ({"X-Forwarded-Prefix": "/stac/", "X-Forwarded-Host": "eo.example.jp"}, "http://eo.example.jp/stac"),
    ({"Forwarded": "proto=https;host=eo.example.jp"}, "https://eo.example.jp"),
    ({"Forwarded": 'for=192.0.2.1;Proto=HTTPS;Host="eo.example.jp:8443"'}, "https://eo.example.jp:8443"),
    ({"Forwarded": 'for="[2001:db8::7]:4711";host="[2001:db8::1]:8080"'}, "http://[2001:db8::1]:8080"),
    (
        {"Forwarded": "host=first.example;proto=https, host=second.example;proto=http"},
        "https://first.example",
    ),
    ({"Forwarded": "host=eo.example.jp", "X-Forwarded-Host": "other.example"}, "http://eo.example.jp"),
    # What is not a host, a scheme or a path changes nothing.
    ({"X-Forwarded-Host": "evil.example/path?x=", "X-Forwarded-Proto": "javascript"}, "{own}"),
    ({"X-Forwarded-Host": "a b", "X-Forwarded-Port": "x", "X-Forwarded-Prefix": "//evil.example"}, "{own}"),
    ({"Forwarded": 'host="a\\"b";proto=ftp'}, "{own}"),
    ({"Forwarded": ";;;==,"}, "{own}"),
]


@pytest.mark.parametrize(("headers", "wanted"), HEADERS, ids=str)
def test_links_behind_a_proxy(server: Server, headers: dict[str, str], wanted: str) -> None:
    wanted = wanted.format(own=server.url, authority=server.url.removeprefix("http://"))
    for path in PATHS:
        with server.client() as http:
            document = http.get(path, headers=headers).json()
        found = list(hrefs(document))
        assert len(found) > 2
        for href in found:
            assert href == wanted or href.startswith(wanted + "/"), (path, href)
            assert wanted.endswith("/stac") or "/stac" not in href


@pytest.fixture(scope="module")
def below(loaded_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The API under a root path, trusting one network alone."""
    environment = {
        "KAKEHASHI_DATABASE_URL": loaded_url,
        "KAKEHASHI_ROOT_PATH": "/eo/stac/",
        "KAKEHASHI_TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.7",
    }
    with running_server(tmp_path_factory.mktemp("below") / "log", environment) as running:
        yield running


@pytest.mark.parametrize("prefix", ["", "/eo/stac"])
def test_root_path_whether_or_not_the_proxy_takes_it_off(below: Server, prefix: str) -> None:
    for path in PATHS:
        answer = httpx.get(f"{below.url}{prefix}{path}")
        assert answer.status_code == 200, answer.text
        for href in hrefs(answer.json()):
            assert href.startswith(f"{below.url}/eo/stac/")
            assert "/eo/stac/eo" not in href
    page = httpx.get(f"{below.url}{prefix}/search?limit=2").json()
    following = next(link["href"] for link in page["links"] if link["rel"] == "next")
    assert httpx.get(following).json()["features"]
    documentation = httpx.get(f"{below.url}{prefix}/api.html")
    for name in re.findall(r'(?:src|href)="([^"]+)"', documentation.text):
        assert httpx.get(urljoin(str(documentation.url), name)).status_code == 200, name
    assert httpx.get(f"{below.url}{prefix}/api").json()["servers"] == [{"url": "/eo/stac"}]


@pytest.mark.parametrize("path", ["", "/", "/eo/stac", "/eo/stac/"])
def test_the_landing_page_with_and_without_a_slash(below: Server, path: str) -> None:
    assert httpx.get(f"{below.url}{path}").json()["type"] == "Catalog"
    page = httpx.get(f"{below.url}{path.rstrip('/')}/collections/").json()
    assert (
        next(link["href"] for link in page["links"] if link["rel"] == "self")
        == f"{below.url}/eo/stac/collections"
    )


def test_strangers_do_not_change_links(below: Server) -> None:
    headers = {
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "host=evil.example",
        "X-Forwarded-Prefix": "/x",
    }
    document = httpx.get(f"{below.url}/", headers=headers).json()
    assert all(href.startswith(f"{below.url}/eo/stac") for href in hrefs(document))
