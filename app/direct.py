"""The routes of STAC API, answered without the machinery that FastAPI has for routes of any kind.

FastAPI tries the routes of an included router twice, enters stacks for what dependencies may leave open, and takes
parameters one by one, looking anew at their types for each request; stac-fastapi's request models are made in a thread,
since any class might block. Even without the threads that is a fifth of what a page of ten takes outside the database.
Here a route is found once, a pydantic model made once from the same annotations checks all its parameters, and what the
endpoint returns is sent. FastAPI has the same routes all the same: it describes them in the OpenAPI definition, and
refuses methods that are not theirs.
"""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, get_type_hints

from fastapi import APIRouter, params
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError, create_model
from stac_fastapi.types.search import APIRequest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send


class DirectRouter(APIRouter):
    """A router that keeps of each of its routes a direct one, for `DirectRoutesMiddleware`.

    Attributes:
        fixed: applications by method and path.
        patterns: routes of paths with parts that vary.
    """

    def __init__(self) -> None:
        """Begin without routes."""
        super().__init__()
        self.fixed: dict[tuple[str, str], ASGIApp] = {}
        self.patterns: list[Route] = []

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Add a route whose endpoint returns a response; see `fastapi.APIRouter`.

        Raises:
            TypeError: the endpoint takes anything but the request and a request model of stac-fastapi.
        """
        super().add_api_route(path, endpoint, **options)
        answer = _Endpoint(endpoint)
        if "{" in path:
            self.patterns.append(Route(path, answer, methods=options["methods"]))
        else:
            self.fixed |= {(method, path): answer for method in options["methods"]}


class DirectRoutesMiddleware:
    """Answers the direct routes of a router, and leaves everything else to the application.

    It stands inside the error boundary, which makes of an error what the application's handlers would.
    """

    def __init__(self, app: ASGIApp, router: DirectRouter) -> None:
        """Wrap an application.

        Args:
            app: the application.
            router: complete by the time of the first request.
        """
        self._app = app
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        answer = self._app if scope["type"] != "http" else self._answering(scope)
        await answer(scope, receive, send)

    def _answering(self, scope: Scope) -> ASGIApp:
        """Return who answers a request; adds the parts of its path to it."""
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if fixed := self._router.fixed.get((scope["method"], path)):
            return fixed
        for route in self._router.patterns:
            match, found = route.matches(scope)
            if match is Match.FULL:
                scope.update(found)
                return route.app
        return self._app


class _Endpoint:
    """An endpoint of stac-fastapi or of ours as an ASGI application."""

    def __init__(self, endpoint: Callable[..., Awaitable[Response]]) -> None:
        self._endpoint = endpoint
        self._readers: dict[str, Callable[[Request], Any]] = {
            name: _reader_of(parameter) for name, parameter in inspect.signature(endpoint).parameters.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        response = await self._endpoint(**{name: read(request) for name, read in self._readers.items()})
        await response(scope, receive, send)


def _reader_of(parameter: inspect.Parameter) -> Callable[[Request], Any]:
    """Return what makes the value of an endpoint's parameter from a request."""
    if parameter.annotation is Request:
        return lambda request: request
    if isinstance(parameter.default, params.Depends):
        model = parameter.default.dependency
        if isinstance(model, type) and issubclass(model, APIRequest):
            return _model_reader(model)
    raise TypeError(f"a direct route cannot take {parameter}")


def _model_reader(model: type[APIRequest]) -> Callable[[Request], APIRequest]:
    """Return what makes a request model from a request.

    It raises RequestValidationError in the words that FastAPI would have used.
    """
    hints = get_type_hints(model.__init__, include_extras=True)
    signature = inspect.signature(model)
    fields: dict[str, Any] = {
        name: (hints[name], ... if parameter.default is inspect.Parameter.empty else parameter.default)
        for name, parameter in signature.parameters.items()
    }
    checked: type[BaseModel] = create_model(f"{model.__name__}Parameters", **fields)

    def read(request: Request) -> APIRequest:
        # A parameter of the path is no parameter of the query, whatever its name.
        given = {**dict(request.query_params.multi_items()), **request.path_params}
        try:
            values = checked.model_validate(given)
        except ValidationError as error:
            problems = [{**problem, "loc": ("query", *problem["loc"])} for problem in error.errors()]
            raise RequestValidationError(problems) from error
        return model(**{name: getattr(values, name) for name in fields})

    return read
