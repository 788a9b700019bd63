"""Changing items and collections over HTTP: only for whoever may, and by the rules of the extension."""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from catalog.store.cql2.spatial import OPERATORS
from tests.api.conftest import Server, running_server
from tests.api.data import WORLD
from tests.api.test_errors import error

KEY, ITEMS_ONLY = "the-key-of-the-operator", "the-key-of-a-loader"
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
JWK = {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(RSA_KEY.public_key())), "kid": "r1"}
CLASS = "https://api.stacspec.org/v1.0.0/ogcapi-features/extensions/transaction"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A real OpenID provider on this machine, as far as keys go."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            documents = {
                "/.well-known/openid-configuration": {"issuer": url, "jwks_uri": f"{url}/keys"},
                "/keys": {"keys": [JWK]},
            }
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(documents[self.path]).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield url
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def writable(
    make_database: Callable[[str], str], issuer: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    keys = [
        f"ops:{hashlib.sha256(KEY.encode()).hexdigest()}:items:write+collections:write",
        f"loader:{hashlib.sha256(ITEMS_ONLY.encode()).hexdigest()}:items:write",
    ]
    environment = {
        "KAKEHASHI_DATABASE_URL": make_database("api_transactions"),
        "KAKEHASHI_TRANSACTIONS": "true",
        "KAKEHASHI_TRANSACTION_KEYS": ",".join(keys),
        "KAKEHASHI_OIDC_ISSUER": issuer,
        "KAKEHASHI_OIDC_AUDIENCE": "kakehashi",
        "KAKEHASHI_TRANSACTION_MAX_BODY_BYTES": "2000000",
    }
    with running_server(tmp_path_factory.mktemp("writable") / "log", environment) as running:
        yield running


@pytest.fixture
def ops(writable: Server) -> Iterator[httpx.Client]:
    with writable.client(headers={"Authorization": f"Bearer {KEY}"}) as client:
        yield client


_numbers = iter(range(1000))


@pytest.fixture
def place(ops: httpx.Client) -> str:
    """The path of a new collection."""
    name = f"made-{next(_numbers)}"
    assert ops.post("/collections", json=collection(name)).status_code == 201
    return f"/collections/{name}"


def collection(name: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": name,
        "description": "Made by a client.",
        "license": "CC0-1.0",
        "extent": WORLD,
        "links": [],
        **more,
    }


def item(name: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": name,
        "geometry": {"type": "Point", "coordinates": [139.5, 35.5]},
        "bbox": [139.5, 35.5, 139.5, 35.5],
        "properties": {"datetime": "2024-05-01T00:00:00Z", **properties},
        "links": [
            {"rel": "self", "href": "https://elsewhere.example/x"},
            {"rel": "about", "href": "https://a.example"},
        ],
        "assets": {},
    }


def token(issuer: str, **claims: Any) -> str:
    body = {"iss": issuer, "aud": "kakehashi", "sub": "alice", "exp": int(time.time()) + 60, **claims}
    return jwt.encode(body, RSA_KEY, algorithm="RS256", headers={"kid": "r1"})


# --- who may ---


def test_nothing_can_be_changed_unless_it_is_switched_on(http: httpx.Client) -> None:
    for method, path in (
        ("POST", "/collections/gcom-c/items"),
        ("PUT", "/collections/gcom-c/items/gcom-c_001"),
        ("PATCH", "/collections/gcom-c/items/gcom-c_001"),
        ("DELETE", "/collections/gcom-c/items/gcom-c_001"),
        ("PUT", "/collections/gcom-c"),
        ("PATCH", "/collections/gcom-c"),
        ("DELETE", "/collections/gcom-c"),
    ):
        answer = http.request(method, path, json=item("x"), headers={"Authorization": f"Bearer {KEY}"})
        error(answer, 405)
        assert method not in answer.headers["allow"]
    answer = http.post("/collections", json=collection("x"))
    error(answer, 405)
    assert "POST" in answer.headers["allow"], "a search is posted there"
    error(http.post("/collections/gcom-c/bulk_items", json={}), 404)
    assert CLASS not in http.get("/conformance").json()["conformsTo"]
    assert "put" not in http.get("/api").text.lower().split('"paths"')[1].split('"components"')[0].split('"')


def test_switched_on_it_says_so(ops: httpx.Client) -> None:
    assert CLASS in ops.get("/conformance").json()["conformsTo"]
    document = ops.get("/api").json()
    assert document["paths"]["/collections/{collectionId}/items/{featureId}"]["delete"]["security"]
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert "PATCH" in ops.options("/collections/x/items/y").headers["allow"]


@pytest.mark.parametrize(
    ("headers", "status", "challenge"),
    [
        ({}, 401, 'Bearer realm="kakehashi"'),
        ({"Authorization": "Bearer wrong"}, 401, "invalid_token"),
        ({"Authorization": "Basic b3BzOng="}, 401, "invalid_token"),
        ({"Authorization": "Bearer a.b.c"}, 401, "invalid_token"),
        ({"Authorization": f"Bearer {ITEMS_ONLY}"}, 403, "insufficient_scope"),
        ({"X-API-Key": "wrong"}, 401, "invalid_token"),
        ({"X-API-Key": ITEMS_ONLY}, 403, "collections:write"),
    ],
)
def test_refused(writable: Server, headers: dict[str, str], status: int, challenge: str) -> None:
    with writable.client(headers=headers) as client:
        answer = client.post("/collections", json=collection("refused"))
        said = error(answer, status)
        assert challenge in answer.headers["www-authenticate"]
        assert not any(secret in said for secret in headers.values())
        assert client.get("/collections/refused").status_code == 404
    assert "wrong" not in writable.log.read_text()


def test_who_may_not_is_told_before_the_body_is_looked_at(writable: Server, place: str) -> None:
    with writable.client() as client:
        error(client.post(f"{place}/items", content=b"{", headers={"Content-Type": "text/plain"}), 401)


def test_tokens_of_the_provider(writable: Server, issuer: str, place: str) -> None:
    def add(name: str, bearer: str) -> httpx.Response:
        with writable.client(headers={"Authorization": f"Bearer {bearer}"}) as client:
            return client.post(f"{place}/items", json=item(name))

    assert add("a", token(issuer, scope="items:write")).status_code == 201
    error(add("b", token(issuer, scope="items:read")), 403)
    error(add("b", token(issuer, scope="items:write", aud="other")), 401)
    error(add("b", token(issuer, scope="items:write", exp=int(time.time()) - 100)), 401)


def test_browsers_may_send_credentials(writable: Server) -> None:
    with writable.client(headers={"Origin": "https://editor.example"}) as client:
        preflight = client.options(
            "/collections/x/items/y",
            headers={
                "Access-Control-Request-Method": "PATCH",
                "Access-Control-Request-Headers": "authorization,content-type,if-match",
            },
        )
        assert preflight.status_code == 200
        assert "PATCH" in preflight.headers["access-control-allow-methods"]
        assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
        refused = client.post("/collections/x/items", json={})
        assert refused.status_code == 401
        assert refused.headers["access-control-allow-origin"] == "*"
        assert "WWW-Authenticate" in refused.headers["access-control-expose-headers"]


# --- items ---


def test_an_item_is_made_replaced_patched_and_deleted(ops: httpx.Client, place: str) -> None:
    made = ops.post(f"{place}/items", json=item("a", gsd=10))
    assert made.status_code == 201
    address = made.headers["location"]
    assert address.endswith(f"{place}/items/a")
    stored = ops.get(address).json()
    assert stored["collection"] == place.rsplit("/", 1)[1]
    assert [link["href"] for link in stored["links"] if link["rel"] == "self"] == [address]
    assert [link["href"] for link in stored["links"] if link["rel"] == "about"] == ["https://a.example"]

    replaced = ops.put(address, json=item("a", platform="alos-2"))
    assert replaced.status_code == 204
    assert replaced.content == b""
    answer = ops.get(address)
    assert answer.headers["etag"] == replaced.headers["etag"]
    assert answer.json()["properties"] == {"datetime": "2024-05-01T00:00:00Z", "platform": "alos-2"}

    patch = {"properties": {"platform": None, "gsd": 30}}
    patched = ops.patch(address, json=patch, headers={"Prefer": "return=representation"})
    assert patched.status_code == 200
    assert patched.json() == ops.get(address).json()
    assert patched.json()["properties"] == {"datetime": "2024-05-01T00:00:00Z", "gsd": 30}

    operations = [
        {"op": "test", "path": "/properties/gsd", "value": 30},
        {"op": "add", "path": "/properties/title", "value": "新しい"},
        {"op": "remove", "path": "/properties/gsd"},
    ]
    kind = {"Content-Type": "application/json-patch+json"}
    assert ops.patch(address, content=json.dumps(operations), headers=kind).status_code == 204
    assert "operation 0" in error(ops.patch(address, content=json.dumps(operations), headers=kind))
    assert ops.get(address).json()["properties"] == {"datetime": "2024-05-01T00:00:00Z", "title": "新しい"}

    found = ops.get(f"/search?collections={place.rsplit('/', 1)[1]}").json()
    assert [feature["id"] for feature in found["features"]] == ["a"]
    for _ in range(2):  # that there is none is what is asked for
        assert ops.delete(address).status_code == 204
    error(ops.get(address), 404)
    error(ops.put(address, json=item("a")), 404)
    error(ops.patch(address, json={}), 404)


def test_a_moved_item_moves(ops: httpx.Client, place: str) -> None:
    """Another month may be another partition."""
    ops.post(f"{place}/items", json=item("a"))
    assert ops.put(f"{place}/items/a", json=item("a", datetime="2031-01-01T00:00:00Z")).status_code == 204
    assert ops.get(f"{place}/items?datetime=2031-01-01T00:00:00Z").json()["numberMatched"] == 1
    assert ops.get(f"{place}/items").json()["numberMatched"] == 1


def test_what_is_there_is_not_made_again(ops: httpx.Client, place: str) -> None:
    assert ops.post(f"{place}/items", json=item("a", gsd=1)).status_code == 201
    assert "has an item a already" in error(ops.post(f"{place}/items", json=item("a", gsd=2)), 409)
    assert ops.get(f"{place}/items/a").json()["properties"]["gsd"] == 1
    error(ops.post("/collections", json=collection(place.rsplit("/", 1)[1])), 409)
    error(ops.post("/collections/none/items", json=item("a")), 404)
    error(ops.delete("/collections/none/items/a"), 404)


def test_many_items_are_made_or_none(ops: httpx.Client, place: str) -> None:
    def features(*names: str) -> dict[str, Any]:
        return {"type": "FeatureCollection", "features": [item(name) for name in names]}

    made = ops.post(f"{place}/items", json=features("a", "b"))
    assert made.status_code == 201
    assert "location" not in made.headers
    error(ops.post(f"{place}/items", json=features("c", "a")), 409)
    error(ops.post(f"{place}/items", json=features("d", "d")), 409)
    error(
        ops.post(
            f"{place}/items", json={**features("e"), "features": [item("e"), {**item("f"), "bbox": "x"}]}
        ),
        422,
    )
    assert {feature["id"] for feature in ops.get(f"{place}/items").json()["features"]} == {"a", "b"}


def test_bulk_items(ops: httpx.Client, place: str) -> None:
    bulk = {"items": {name: item(name, gsd=1) for name in ("a", "b")}}
    assert ops.post(f"{place}/bulk_items", json=bulk).status_code == 204
    error(ops.post(f"{place}/bulk_items", json=bulk), 409)
    again = {"items": {"b": item("b", gsd=2), "c": item("c")}, "method": "upsert"}
    assert ops.post(f"{place}/bulk_items", json=again).status_code == 204
    assert ops.get(f"{place}/items/b").json()["properties"]["gsd"] == 2
    assert ops.get(f"{place}/items").json()["numberMatched"] == 3
    for wrong in ({}, {"items": []}, {"items": {"a": item("b")}}, {**bulk, "method": "x"}):
        error(ops.post(f"{place}/bulk_items", json=wrong))


@pytest.mark.parametrize(
    ("change", "status", "named"),
    [
        ({"id": "b"}, 400, "id"),
        ({"collection": "other"}, 400, "collection"),
        ({"type": "Nothing"}, 400, "type"),
        ({"properties": {"datetime": None}}, 422, "properties"),
        ({"properties": {"datetime": "yesterday"}}, 422, "datetime"),
        ({"geometry": {"type": "Point", "coordinates": "x"}}, 422, "geometry"),
        ({"geometry": {"type": "Point", "coordinates": [139, 95]}}, 400, "latitude"),
        ({"geometry": {"type": "Point", "coordinates": [1e300, 35]}}, 400, "longitude"),
        ({"geometry": None, "bbox": [0, 0, 0, 0]}, 422, "geometry"),
        ({"links": "x"}, 422, "links"),
        ({"stac_extensions": 1}, 422, "stac_extensions"),
        (
            {"stac_extensions": "https://stac-extensions.github.io/eo/v1.1.0/schema.json"},
            422,
            "stac_extensions",
        ),
        ({"stac_version": "0.9.0"}, 422, "stac_version"),
        ({"properties": {"datetime": "2024-05-01T00:00:00Z", "gsd": -1}}, 422, "gsd"),
        (
            {
                "stac_extensions": ["https://stac-extensions.github.io/eo/v1.1.0/schema.json"],
                "properties": {"datetime": "2024-05-01T00:00:00Z", "eo:cloud_cover": "much"},
            },
            422,
            "eo:cloud_cover",
        ),
        ({"properties": {"datetime": "2024-05-01T00:00:00Z", "x": "a\0b"}}, 400, "NUL"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_an_item_that_is_none(
    ops: httpx.Client, place: str, change: dict[str, Any], status: int, named: str
) -> None:
    ops.post(f"{place}/items", json=item("a"))
    before = ops.get(f"{place}/items/a").json()
    assert named in error(ops.put(f"{place}/items/a", json={**item("a"), **change}), status)
    assert ops.get(f"{place}/items/a").json() == before


def test_ids_of_any_characters_can_be_linked_to(ops: httpx.Client) -> None:
    odd = 'a b?#%20d&e+f;\u885b"<>\\'
    made = ops.post("/collections", json=collection(odd))
    items = f"{made.headers['location']}/items"
    for name in (f"{odd}1", f"{odd}2"):
        answer = ops.post(items, json=item(name) | {"collection": odd})
        assert answer.status_code == 201, answer.text
        assert ops.get(answer.headers["location"]).json()["id"] == name
    page = ops.get(f"{items}?limit=1").json()
    links = [
        *ops.get(made.headers["location"]).json()["links"],
        *page["links"],
        *page["features"][0]["links"],
    ]
    read = [link for link in links if link.get("method", "GET") == "GET"]
    ours = [link for link in read if link["href"].startswith(str(ops.base_url))]
    assert {"self", "items", "next", "collection", "parent"} <= {link["rel"] for link in ours}
    for link in ours:
        assert ops.get(link["href"]).status_code == 200, link


def test_texts_and_words_of_any_length_are_stored_and_found(ops: httpx.Client) -> None:
    """PostgreSQL refuses words of more than 2,046 bytes and vectors of more than 1 MB."""
    encoded, cyrillic = "x" * 3000, "\u044f" * 1500
    made = collection(
        "long-texts", description=f"{encoded} {cyrillic} volcano " + "\u885b\u661f\u5730\u7403" * 30_000
    )
    assert ops.post("/collections", json=made).status_code == 201
    for name in ("title", "description"):
        document = item(name, **{name: f"{encoded} {cyrillic} glacier"})
        assert ops.post("/collections/long-texts/items", json=document).status_code == 201

    def found(path: str, q: str) -> list[str]:
        answer = ops.get(path, params={"q": q})
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json().get("features", answer.json().get("collections"))]

    for q in ("volcano", cyrillic, encoded[:1990], "\u885b\u661f"):
        assert found("/collections", q) == ["long-texts"], q[:20]
    for q in ("glacier", cyrillic):
        assert sorted(found("/search", q)) == ["description", "title"], q[:20]


_BOW_TIE = [[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]
_OVERLAPPING = [[[[x, x], [x + 2, x], [x + 2, x + 2], [x, x + 2], [x, x]]] for x in (0, 1)]


def test_no_footprint_makes_a_search_fail(ops: httpx.Client, place: str) -> None:
    """GEOS raises for footprints that cross themselves, PostGIS for a geohash beyond the antimeridian."""
    footprints: dict[str, tuple[str, list[Any]]] = {
        "bow-tie": ("Polygon", [_BOW_TIE]),
        "overlapping": ("MultiPolygon", _OVERLAPPING),
        "no-area": ("Polygon", [[[0, 0]] * 4]),
        "no-length": ("LineString", [[0, 0], [0, 0]]),
        "beyond": ("Polygon", [[[190, 0], [200, 0], [200, 10], [190, 10], [190, 0]]]),
        "pole": ("Point", [0, 90]),
    }
    for name, (kind, coordinates) in footprints.items():
        made = item(name) | {"geometry": {"type": kind, "coordinates": coordinates}}
        assert ops.post(f"{place}/items", json=made).status_code == 201
    literals: list[dict[str, Any]] = [
        {"type": "Polygon", "coordinates": [_BOW_TIE]},
        {"type": "MultiPolygon", "coordinates": _OVERLAPPING},
        {"type": "LineString", "coordinates": [[0, 0.5], [1, 0.25]]},
        {"bbox": [0, 0, 1, 1]},
        {"type": "Point", "coordinates": [0.5, 0.5]},
        {"property": "geometry"},
    ]
    found = {}
    searched = [place.rpartition("/")[2]]
    for operator in sorted(OPERATORS):
        for number, literal in enumerate(literals):
            condition = {"op": operator, "args": [{"property": "geometry"}, literal]}
            answer = ops.post("/search", json={"collections": searched, "filter": condition})
            assert answer.status_code == 200, (condition, answer.text)
            found[operator, number] = {feature["id"] for feature in answer.json()["features"]}
    around = {"bow-tie", "overlapping", "no-area", "no-length"}
    assert found["s_intersects", 0] == around
    assert found["s_disjoint", 0] == footprints.keys() - around
    assert found["s_equals", 0] == {"bow-tie"}
    assert found["s_equals", 1] == {"overlapping"}
    assert found["s_contains", 2] == {"overlapping"}
    assert found["s_contains", 0] == {"bow-tie", "overlapping"}
    assert found["s_within", 3] >= {"bow-tie"}
    counted = ops.get(f"{place}/aggregate", params={"aggregations": "centroid_geohash_grid_frequency"})
    assert counted.status_code == 200, counted.text


def test_a_document_with_a_member_twice(ops: httpx.Client, place: str) -> None:
    """One of both would be lost without a word."""
    twice = json.dumps(item("twice", gsd=10)).replace('"gsd": 10', '"gsd": 10, "gsd": 20')
    answer = ops.post(f"{place}/items", content=twice, headers={"Content-Type": "application/geo+json"})
    assert error(answer) == "gsd: is given more than once"
    assert ops.get(f"{place}/items/twice").status_code == 404


def test_bodies_that_are_no_documents(ops: httpx.Client, place: str) -> None:
    for raw in (
        b"",
        b"{",
        b"[]",
        b"1",
        b'{"type":"FeatureCollection"}',
        b'{"type":"FeatureCollection","features":[1]}',
    ):
        error(ops.post(f"{place}/items", content=raw, headers={"Content-Type": "application/json"}))
    error(ops.post(f"{place}/items", content=b"{}", headers={"Content-Type": "text/plain"}), 415)
    error(ops.post(f"{place}/items", json=item("a/b")))
    error(ops.post(f"{place}/items", json={**item("a"), "id": 1}))
    big = {**item("a"), "properties": {"datetime": "2024-05-01T00:00:00Z", "x": "x" * 2_100_000}}
    error(ops.post(f"{place}/items", json=big), 413)
    fits = {**item("a"), "properties": {"datetime": "2024-05-01T00:00:00Z", "x": "x" * 1_500_000}}
    assert ops.post(f"{place}/items", json=fits).status_code == 201


def test_a_long_collection_is_taken_of_who_may_add_it(writable: Server, ops: httpx.Client) -> None:
    """It was held to the length of a search. Of others no more is read than that, whatever it is."""
    long = collection(f"long-{next(_numbers)}", description="x" * 1_500_000)
    with writable.client() as nobody:
        error(nobody.post("/collections", json=long), 413)
        error(nobody.post("/collections", json=long, headers={"X-API-Key": ITEMS_ONLY}), 413)
    error(ops.post("/collections", json={**long, "description": "x" * 2_100_000}), 413)
    assert ops.post("/collections", json=long).status_code == 201


@pytest.mark.parametrize("path", ["/collections/x/aggregate", "/collections/x/queryables", "/search"])
def test_a_search_is_no_longer_because_documents_may_be(ops: httpx.Client, path: str) -> None:
    error(ops.post(path, json={"filter": "x" * 1_500_000}), 413)


def test_who_shows_a_wrong_key_may_still_search_for_collections(writable: Server) -> None:
    """Some send along what a proxy before the server asks for."""
    with writable.client(headers={"Authorization": "Basic eDp5"}) as client:
        assert client.post("/collections", json={"limit": 1}).status_code == 200
        error(client.post("/collections", json=collection("x")), 401)


def test_if_match(ops: httpx.Client, place: str) -> None:
    ops.post(f"{place}/items", json=item("a"))
    address = f"{place}/items/a"
    tag = ops.get(address).headers["etag"]
    for method, body in (("PUT", item("a", gsd=1)), ("PATCH", {"properties": {"gsd": 1}}), ("DELETE", None)):
        answer = ops.request(method, address, json=body, headers={"If-Match": '"another"'})
        assert "If-Match" in error(answer, 412)
    second = ops.put(address, json=item("a", gsd=2), headers={"If-Match": tag}).headers["etag"]
    assert second != tag
    error(ops.put(address, json=item("a", gsd=3), headers={"If-Match": tag}), 412)
    strong = second.removeprefix("W/")
    assert (
        ops.patch(
            address, json={"properties": {"gsd": 4}}, headers={"If-Match": f"{tag}, {strong}"}
        ).status_code
        == 204
    )
    assert ops.delete(address, headers={"If-Match": "*"}).status_code == 204
    error(ops.delete(address, headers={"If-Match": "*"}), 412)


def test_of_many_at_once_none_is_lost(writable: Server, place: str) -> None:
    """Each reads, changes and writes; whoever was overtaken is told so and tries again."""
    with writable.client(headers={"X-API-Key": KEY}) as client:
        client.post(f"{place}/items", json=item("a", gsd=1))

    def add_one(_: int) -> None:
        with writable.client(headers={"X-API-Key": KEY}) as client:
            while True:
                answer = client.get(f"{place}/items/a")
                gsd = answer.json()["properties"]["gsd"] + 1
                changed = client.patch(
                    f"{place}/items/a",
                    json={"properties": {"gsd": gsd}},
                    headers={"If-Match": answer.headers["etag"]},
                )
                if changed.status_code == 204:
                    return
                assert changed.status_code == 412, changed.text

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(add_one, range(12)))
    with writable.client() as client:
        assert client.get(f"{place}/items/a").json()["properties"]["gsd"] == 13


def test_who_changed_what_is_logged(writable: Server, ops: httpx.Client, place: str) -> None:
    ops.post(f"{place}/items", json=item("a%0Ab"))
    log = writable.log.read_text()
    assert f"POST '{place}/items' by 'ops'" in log
    assert KEY not in log
    ops.delete(f"{place}/items/a%0Afaked")
    assert "\nfaked" not in writable.log.read_text()


# --- collections ---


def test_a_collection_is_made_replaced_patched_and_deleted(ops: httpx.Client) -> None:
    made = ops.post("/collections", json=collection("whole", title="One"))
    assert made.status_code == 201
    address = made.headers["location"]
    assert ops.get(address).json()["title"] == "One"
    assert any(link["href"] == address for link in ops.get("/").json()["links"] if link["rel"] == "child")
    assert ops.put(address, json=collection("whole", title="Two")).status_code == 204
    answer = ops.get(address)
    assert answer.json()["title"] == "Two"
    patched = ops.patch(address, json={"title": "Three"}, headers={"If-Match": answer.headers["etag"]})
    assert patched.status_code == 204
    assert ops.get(address).headers["etag"] == patched.headers["etag"]
    error(ops.patch(address, json={"title": "Four"}, headers={"If-Match": answer.headers["etag"]}), 412)
    error(ops.patch(address, json={"license": None}), 422)
    error(ops.patch(address, json={"id": "other"}), 400)
    ops.post(f"{address}/items", json=item("a"))
    assert ops.patch(address, json={"title": "With an item"}).status_code == 204
    assert ops.get(f"{address}/items/a").status_code == 200
    assert "has items" in error(ops.delete(address), 409)
    ops.delete(f"{address}/items/a")
    for _ in range(2):
        assert ops.delete(address).status_code == 204
    error(ops.get(address), 404)
    error(ops.put(address, json=collection("whole")), 404)


def test_many_collections_are_made_or_none(ops: httpx.Client) -> None:
    assert (
        ops.post("/collections", json={"collections": [collection("m1"), collection("m2")]}).status_code
        == 201
    )
    error(ops.post("/collections", json={"collections": [collection("m3"), collection("m1")]}), 409)
    error(ops.get("/collections/m3"), 404)
    error(ops.post("/collections", json=collection("bad", extent={})), 422)


def test_going_back_to_a_page_of_collections_that_were_deleted(ops: httpx.Client) -> None:
    names = ["going-back-1", "going-back-2", "going-back-3"]
    for name in names:
        ops.post("/collections", json=collection(name))
    asked = {"filter": "id LIKE 'going-back%'", "limit": 1}
    links = [{}]
    for name in names[:2]:
        page = ops.get(links[-1].get("next", "/collections"), params=None if len(links) > 1 else asked).json()
        assert [one["id"] for one in page["collections"]] == [name]
        links.append({link["rel"]: link["href"] for link in page["links"]})
    assert ops.delete(f"/collections/{names[0]}").status_code == 204
    back = ops.get(links[-1]["prev"]).json()
    assert [one["id"] for one in back["collections"]] == [names[1]]
    rels = {link["rel"]: link["href"] for link in back["links"]}
    assert "prev" not in rels
    assert [one["id"] for one in ops.get(rels["next"]).json()["collections"]] == [names[2]]


def test_posting_a_search_for_collections_still_is_one(writable: Server) -> None:
    with writable.client() as client:
        assert client.post("/collections", json={"limit": 1}).status_code == 200
