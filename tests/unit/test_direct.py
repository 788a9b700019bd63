"""Routes that are answered without FastAPI's machinery, and those that are left to it."""

from typing import Annotated, Any

import attr
import pytest
from fastapi import Depends, Query
from fastapi.exceptions import RequestValidationError
from stac_fastapi.types.search import APIRequest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from app.direct import DirectRouter, DirectRoutesMiddleware


@attr.s
class Asked(APIRequest):
    """Parameters of a route of the tests."""

    name: str = attr.ib(default="nobody")
    limit: Annotated[int, Query(ge=1)] = attr.ib(default=7)


async def greet(request: Request, asked: Asked = Depends(Asked)) -> Response:
    return PlainTextResponse(f"{request.url.path} {asked.name} {asked.limit}")


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("the application")(scope, receive, send)


def routes() -> DirectRouter:
    router = DirectRouter()
    router.add_api_route("/search", greet, methods=["GET"])
    router.add_api_route("/people/{name}", greet, methods=["GET"])
    return router


async def answer(path: str, query: str = "", method: str = "GET", prefix: str = "") -> str:
    scope: dict[str, Any] = {"type": "http", "method": method, "path": path, "root_path": prefix}
    scope |= {"query_string": query.encode(), "headers": [], "scheme": "http", "server": ("x", 80)}
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("nobody reads the body")

    async def send(message: Message) -> None:
        sent.append(message)

    await DirectRoutesMiddleware(application, routes())(scope, receive, send)
    return b"".join(message.get("body", b"") for message in sent).decode()


async def test_parameters_come_from_query_and_path() -> None:
    assert await answer("/search") == "/search nobody 7"
    assert await answer("/search", "limit=3&name=a&name=b&more=1") == "/search b 3"
    # A parameter of the path is no parameter of the query, whatever its name.
    assert await answer("/people/ann", "name=bob") == "/people/ann ann 7"


async def test_a_prefix_is_no_part_of_the_path() -> None:
    assert await answer("/eo/search", prefix="/eo") == "/eo/search nobody 7"
    assert await answer("/eo/people/ann", prefix="/eo") == "/eo/people/ann ann 7"


@pytest.mark.parametrize(
    ("path", "method"),
    [("/other", "GET"), ("/search", "PUT"), ("/people/ann", "POST"), ("/people/a/b", "GET")],
)
async def test_everything_else_is_left_to_the_application(path: str, method: str) -> None:
    assert await answer(path, method=method) == "the application"


async def test_a_wrong_parameter_is_named_as_fastapi_would() -> None:
    with pytest.raises(RequestValidationError) as caught:
        await answer("/search", "limit=0")
    [problem] = caught.value.errors()
    assert problem["loc"] == ("query", "limit")
    assert problem["msg"] == "Input should be greater than or equal to 1"


def test_an_endpoint_that_would_need_fastapi_is_refused() -> None:
    async def endpoint(request: Request, limit: int = 1) -> Response:
        raise NotImplementedError

    with pytest.raises(TypeError, match="limit"):
        DirectRouter().add_api_route("/x", endpoint, methods=["GET"])
