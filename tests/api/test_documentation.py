"""`/api.html`, as far as it can be tried without a browser (with one: `tests/strangers/`)."""

import re
from urllib.parse import urljoin

import httpx


def test_the_page_and_all_that_it_names_come_from_here(http: httpx.Client) -> None:
    """It was empty without the internet, and where a policy forbids scripts of others."""
    page = http.get("/api.html")
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert {"api", "api.html/swagger-ui-bundle.js", "api.html/swagger-ui.css"} <= set(named)
    for name in named:
        assert "//" not in name
        answer = http.get(urljoin("/api.html", name))
        assert answer.status_code == 200, name
    assert "SwaggerUIBundle" in http.get("/api.html/swagger-ui-bundle.js").text
    # Not a script within the page, which the policy would stop.
    assert re.findall(r"<script[^>]*>([^<]*)</script>", page.text) == ["", ""]
    start = http.get("/api.html/start.js")
    assert start.headers["content-type"].startswith("text/javascript")
    assert 'url: "api"' in start.text
    assert http.get("/api.html/none.js").status_code == 404


def test_the_definition_tells_where_requests_go_behind_a_prefix(http: httpx.Client) -> None:
    behind = http.get("/api", headers={"X-Forwarded-Prefix": "/stac"}).json()
    assert behind["servers"] == [{"url": "/stac"}]
    assert "servers" not in http.get("/api").json()


def test_the_page_has_one_address(http: httpx.Client) -> None:
    answer = http.get("/api.html/", headers={"X-Forwarded-Prefix": "/stac"})
    assert answer.status_code == 308
    assert answer.headers["location"].endswith("/stac/api.html")
