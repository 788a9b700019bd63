"""The OpenAPI definition is valid, and says what is answered."""

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from jsonschema.exceptions import ValidationError
from openapi_schema_validator import OAS30ReadValidator
from openapi_spec_validator import validate

from tests.api.conftest import Server, running_server
from tests.api.test_transactions import ITEMS_ONLY, KEY, collection, item, ops, place

__all__ = ["ops", "place"]


@pytest.fixture(scope="module")
def writable(
    make_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    keys = [
        f"ops:{hashlib.sha256(KEY.encode()).hexdigest()}:items:write+collections:write",
        f"loader:{hashlib.sha256(ITEMS_ONLY.encode()).hexdigest()}:items:write",
    ]
    environment = {
        "KAKEHASHI_DATABASE_URL": make_database("api_openapi"),
        "KAKEHASHI_TRANSACTIONS": "true",
        "KAKEHASHI_TRANSACTION_KEYS": ",".join(keys),
    }
    with running_server(tmp_path_factory.mktemp("openapi") / "log", environment) as running:
        yield running


@pytest.fixture(scope="module")
def definition(writable: Server) -> dict[str, Any]:
    document: dict[str, Any] = httpx.get(f"{writable.url}/api").json()
    return document


def test_the_definition_is_valid(http: httpx.Client, definition: dict[str, Any]) -> None:
    reading = http.get("/api").json()
    validate(reading)
    validate(definition)
    assert reading["paths"].keys() < definition["paths"].keys()
    assert not any("security" in one for path in reading["paths"].values() for one in path.values())


def test_parameters_are_defined_as_the_standards_have_them(http: httpx.Client) -> None:
    """OGC API - Features, requirements fc-limit-definition, fc-bbox-definition and fc-time-definition; its executable
    test suite looks at these.
    """
    paths = http.get("/api").json()["paths"]
    items = paths["/collections/{collectionId}/items"]["get"]["parameters"]
    search = {one["name"]: one for one in paths["/search"]["get"]["parameters"]}
    found = {one["name"]: one for one in items if one["in"] == "query"}
    for one in found.values():
        assert (one["required"], one["style"], one["explode"]) == (False, "form", False)
        assert not one["schema"].get("nullable")
        assert one["description"]
    limit, bbox, time = (found[name]["schema"] for name in ("limit", "bbox", "datetime"))
    assert (limit["type"], limit["minimum"], limit["default"]) == ("integer", 1, 10)
    assert (bbox["type"], bbox["minItems"], bbox["maxItems"]) == ("array", 4, 6)
    assert bbox["items"] == {"type": "number"}
    assert time["type"] == "string"
    for name in ("collections", "ids"):
        assert (search[name]["schema"]["type"], search[name]["schema"]["items"]["type"]) == (
            "array",
            "string",
        )


@pytest.mark.parametrize("path", ["/search", "/collections", "/aggregate"])
def test_members_that_are_null_are_as_it_says(http: httpx.Client, path: str) -> None:
    """One that is null is not given; found by schemathesis."""
    operation = http.get("/api").json()["paths"][path]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    whole = http.post(path, json={}).json()
    for name in schema["properties"]:
        OAS30ReadValidator(schema).validate({name: None})
        answer = http.post(path, json={name: None})
        assert answer.json().get("numberMatched") == whole.get("numberMatched"), name
        if name != "filter":  # which may be a boolean
            with pytest.raises(ValidationError):
                OAS30ReadValidator(schema).validate({name: False})
            assert http.post(path, json={name: False}).status_code == 400, name


def test_lists_of_fields_may_be_null_as_it_says(http: httpx.Client) -> None:
    document = http.get("/api").json()
    for path in ("/search", "/collections"):
        body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        asked = {"fields": {"include": None, "exclude": None}}
        OAS30ReadValidator(body).validate(asked)
        assert http.post(path, json=asked).status_code == 200


def _operation(definition: dict[str, Any], request: httpx.Request) -> dict[str, Any]:
    for template, operations in definition["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), request.url.path):
            operation: dict[str, Any] = operations[request.method.lower()]
            return operation
    raise AssertionError(f"{request.url.path} is not described")


def _check(definition: dict[str, Any], answer: httpx.Response) -> None:
    """A status that is described by itself, a media type that is, and a body as its schema says."""
    described = _operation(definition, answer.request)["responses"].get(str(answer.status_code))
    assert described, f"{answer.request.method} {answer.request.url.path} does not say {answer.status_code}"
    if "$ref" in described:
        described = definition["components"]["responses"][described["$ref"].rsplit("/", 1)[1]]
    assert ("content" in described) == bool(answer.content), answer.text
    for name in described.get("headers", ()):
        if name != "Location":  # of one, not of many
            assert name in answer.headers, name
    if answer.content:
        schema = described["content"][answer.headers["content-type"]].get("schema", {})
        schema = {**schema, "components": {"schemas": definition["components"]["schemas"]}}
        OAS30ReadValidator(schema).validate(answer.json())


READS = [
    ("GET", path, status, {})
    for path, status in (
        ("/", 200),
        ("/conformance", 200),
        ("/search", 200),
        ("/search?limit=0", 400),
        ("/collections", 200),
        ("/collections?bbox=1", 400),
        ("/collections/none", 404),
        ("/collections/gcom-c", 200),
        ("/collections/gcom-c/items", 200),
        ("/collections/gcom-c/items/gcom-c_001", 200),
        ("/collections/gcom-c/items/none", 404),
        ("/queryables", 200),
        ("/collections/gcom-c/queryables", 200),
        ("/collections/none/queryables", 404),
        ("/collection-queryables", 200),
        ("/aggregations", 200),
        ("/aggregate?aggregations=total_count", 200),
        ("/aggregate?aggregations=none", 400),
        ("/collections/gcom-c/aggregations", 200),
        ("/collections/gcom-c/aggregate?aggregations=total_count", 200),
        ("/collections/none/aggregate", 404),
        ("/children", 200),
        ("/children?token=x", 400),
        ("/status", 200),
        ("/_mgmt/ping", 200),
        ("/_mgmt/health", 200),
        ("/_mgmt/health?x=%00", 400),
    )
] + [
    ("POST", path, status, {"content": body, "headers": {"Content-Type": kind}})
    for path in ("/search", "/collections", "/aggregate", "/collections/gcom-c/aggregate")
    for status, kind, body in (
        (200, "application/json", "{}"),
        (400, "application/json", '{"bbox": 1}'),
        (413, "application/json", '"%s"' % ("x" * 3_000_000)),
        (415, "text/plain", "{}"),
    )
]


@pytest.mark.parametrize(
    ("method", "path", "status", "more"), READS, ids=lambda value: str(value) if value else ""
)
def test_what_is_read_is_as_it_says(
    http: httpx.Client, method: str, path: str, status: int, more: dict[str, Any]
) -> None:
    definition = http.get("/api").json()
    answer = http.request(method, path, **more)
    assert answer.status_code == status
    _check(definition, answer)
    if status == 200:
        nothing = {**more.get("headers", {}), "Accept": "image/png"}
        _check(definition, http.request(method, path, **{**more, "headers": nothing}))
    if status == 200 and method == "GET" and "etag" in answer.headers:
        again = http.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304
        _check(definition, again)


def test_what_is_changed_is_as_it_says(ops: httpx.Client, definition: dict[str, Any], place: str) -> None:
    def send(status: int, method: str, path: str, body: Any = None, **headers: str) -> None:
        answer = ops.request(method, path, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        _check(definition, answer)

    one, many = item("a"), {"type": "FeatureCollection", "features": [item("b"), item("c")]}
    broken = item("z") | {"properties": {"datetime": "never"}}
    for body, status in ((one, 201), (many, 201), (one, 409), ([], 400), (broken, 422)):
        send(status, "POST", f"{place}/items", body)
    send(404, "POST", "/collections/none/items", one)
    send(204, "POST", f"{place}/bulk_items", {"items": {"d": item("d")}})
    send(409, "POST", f"{place}/bulk_items", {"items": {"d": item("d")}})
    send(422, "POST", f"{place}/bulk_items", {"items": {"z": broken}})
    representation, other = {"Prefer": "return=representation"}, {"If-Match": '"x"'}
    for method, path, body in (
        ("PUT", f"{place}/items/a", one),
        ("PATCH", f"{place}/items/a", {"properties": {"gsd": 1}}),
        ("PUT", place, collection(place.rsplit("/", 1)[1])),
        ("PATCH", place, {"title": "T"}),
    ):
        send(204, method, path, body)
        send(200, method, path, body, **representation)
        send(412, method, path, body, **other)
        send(415, method, path, body, **{"Content-Type": "text/plain"})
        send(400, method, path, [])
        elsewhere = path.replace(place, "/collections/none")
        if method == "PATCH":
            send(404, method, elsewhere, body)
    send(409, "DELETE", place)
    for path in (f"{place}/items/a", "/collections/unheard-of"):
        send(412, "DELETE", path, **other)
        send(204, "DELETE", path)
    for body, status in (
        (collection("made-here"), 201),
        (collection("made-here"), 409),
        ({"collections": [collection("made-here-too")], "links": []}, 201),
        (collection("made-here", license=None), 422),
        ({"q": "made"}, 200),
    ):
        send(status, "POST", "/collections", body)
    assert ops.post("/collections").status_code == 200
    assert not definition["paths"]["/collections"]["post"]["requestBody"].get("required")
    for key, status in (("wrong", 401), (ITEMS_ONLY, 403)):
        headers = {"Authorization": f"Bearer {key}"}
        send(status, "POST", "/collections", collection("made-by-others"), **headers)
        send(status, "DELETE", place, **headers)
