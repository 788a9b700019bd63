"""Errors as HTTP: one table, one form `{"code", "description"}` for all of them.

A 5xx is logged once with its traceback; a 4xx never. No traceback reaches a client.
"""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from catalog.errors import (
    ConfigurationError,
    Conflict,
    DatabaseBusy,
    DatabaseUnreachable,
    DefinitionError,
    InvalidRequest,
    KakehashiError,
    NotFound,
    QueryTimeout,
    RecordRefused,
    StoreError,
    UpstreamError,
)

logger = logging.getLogger(__name__)

# The nearest class in an exception's ancestry counts. Codes are those of OGC API - Common where it has one.
STATUS: dict[type[BaseException], tuple[int, str]] = {
    InvalidRequest: (400, "InvalidParameterValue"),
    RequestValidationError: (400, "InvalidParameterValue"),
    NotFound: (404, "NotFound"),
    Conflict: (409, "Conflict"),
    ClientDisconnect: (400, "ClientDisconnected"),
    QueryTimeout: (503, "QueryTimeout"),
    DatabaseBusy: (503, "ServerBusy"),
    DatabaseUnreachable: (503, "DatabaseUnreachable"),
    StoreError: (503, "DatabaseNotReady"),
    ConfigurationError: (500, "ServerError"),
    DefinitionError: (500, "ServerError"),
    UpstreamError: (500, "ServerError"),
    RecordRefused: (500, "ServerError"),
    KakehashiError: (500, "ServerError"),
    Exception: (500, "ServerError"),
}
_HINTS = {
    QueryTimeout: "; ask for less: a shorter time span, a smaller area, fewer collections, a filter on a queryable",
    DatabaseBusy: "; try again in a moment, with fewer requests at once",
    DatabaseUnreachable: "; try again later",
}
_OPAQUE = "something went wrong inside the server; it has been logged"


def error_response(
    status: int, code: str, description: str, headers: dict[str, str] | None = None
) -> Response:
    """Return an error in the form of STAC API and OGC API."""
    body = orjson.dumps({"code": code, "description": description})
    return Response(body, status, headers, media_type="application/json")


def describe(error: BaseException, retry_after_s: float) -> Response:
    """Return the answer that tells a client of an error; log it if it is ours."""
    if isinstance(error, HTTPException):
        code = HTTPStatus(error.status_code).phrase.title().replace(" ", "").replace("-", "")
        return error_response(error.status_code, code, str(error.detail), dict(error.headers or {}))
    kind = next(kind for kind in type(error).__mro__ if kind in STATUS)
    status, code = STATUS[kind]
    if status >= 500:
        # A database that is away is no fault of the code: a line says all there is to say.
        logger.error("%s: %s", code, error, exc_info=error if status == 500 else None)
    if status == 500:
        return error_response(status, code, _OPAQUE)
    headers = {"Retry-After": f"{retry_after_s:.0f}"} if status == 503 else None
    if isinstance(error, RequestValidationError):
        return error_response(status, code, validation_text(error))
    if isinstance(error, StoreError):
        # The driver's words may name hosts and accounts: they are for the log.
        return error_response(status, code, _store_text(error), headers)
    return error_response(status, code, str(error), headers)


def validation_text(error: RequestValidationError) -> str:
    """Return what is wrong with which parameter, in one line."""
    parts = []
    for problem in error.errors():
        location = [str(part) for part in problem["loc"] if part not in ("query", "path", "body")]
        parts.append(f"{'.'.join(location) or 'request'}: {problem['msg']}")
    return "; ".join(parts)


def _store_text(error: StoreError) -> str:
    if isinstance(error, QueryTimeout):
        return "the query took too long and was stopped" + _HINTS[QueryTimeout]
    if isinstance(error, DatabaseBusy):
        return "the server has more to do than it can do at once" + _HINTS[DatabaseBusy]
    if isinstance(error, DatabaseUnreachable):
        return "the database cannot be reached just now" + _HINTS[DatabaseUnreachable]
    return "the database is not ready"


class ErrorBoundaryMiddleware:
    """Catches what no handler caught, inside CORS, so that browsers may read a 500 too."""

    def __init__(self, app: ASGIApp, retry_after_s: float) -> None:
        """Wrap an application.

        Args:
            app: the application.
            retry_after_s: seconds that a 503 asks clients to wait.
        """
        self._app = app
        self._retry_after_s = retry_after_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:
            if started:
                raise
            await describe(error, self._retry_after_s)(scope, receive, send)


def add_error_handlers(app: FastAPI, retry_after_s: float) -> None:
    """Make every error of a route look the same.

    Args:
        app: the application.
        retry_after_s: seconds that a 503 asks clients to wait.
    """

    async def handle(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.status_code == 405:
            allowed = {"Allow": ", ".join(_allowed_methods(request))}
            if request.method == "OPTIONS":
                # Asking what is allowed is no error; browsers' preflights were answered before this.
                return Response(status_code=204, headers=allowed)
            if error.detail == HTTPStatus.METHOD_NOT_ALLOWED.phrase:
                error = HTTPException(405, f"{request.method[:20]} is not allowed here", allowed)
        return describe(error, retry_after_s)

    handler: Callable[[Request, Exception], Awaitable[Response]] = handle
    for kind in STATUS:
        if kind is not Exception and issubclass(kind, Exception):
            app.add_exception_handler(kind, handler)
    app.add_exception_handler(HTTPException, handler)


def _allowed_methods(request: Request) -> list[str]:
    """Return the methods of all routes of this path; the router names those of the first one alone."""
    found = []
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        scope = {**request.scope, "method": method}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.router.routes):
            found += [method, "HEAD"] if method == "GET" else [method]
    return [*found, "OPTIONS"]
