"""Every exception has its status, and says no more than it should."""

import inspect
import logging

import asyncpg
import orjson
import pytest
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from app.errors import STATUS, describe
from catalog import errors
from catalog.errors import (
    DatabaseBusy,
    DatabaseUnreachable,
    InvalidRequest,
    NotFound,
    QueryTimeout,
    RecordRefused,
    StoreError,
)
from catalog.store.pool import database_errors

OURS = [
    kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.KakehashiError)
]


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_every_error_of_ours_has_a_status_by_more_than_chance(kind: type[Exception]) -> None:
    assert any(ancestor in STATUS for ancestor in kind.__mro__ if ancestor is not Exception)


@pytest.mark.parametrize(
    ("error", "status", "code", "said"),
    [
        (InvalidRequest("bbox", "is odd"), 400, "InvalidParameterValue", "bbox: is odd"),
        (NotFound("there is no collection x"), 404, "NotFound", "there is no collection x"),
        (QueryTimeout("secret"), 503, "QueryTimeout", "took too long"),
        (DatabaseUnreachable("secret"), 503, "DatabaseUnreachable", "cannot be reached"),
        (DatabaseBusy("secret"), 503, "ServerBusy", "more to do than it can do at once"),
        (StoreError("secret"), 503, "DatabaseNotReady", "not ready"),
        (RecordRefused("a", "secret"), 500, "ServerError", "has been logged"),
        (ZeroDivisionError("secret"), 500, "ServerError", "has been logged"),
        (HTTPException(413, "too long"), 413, "RequestEntityTooLarge", "too long"),
        (HTTPException(404), 404, "NotFound", "Not Found"),
        (
            RequestValidationError([{"loc": ("query", "limit"), "msg": "not a number", "type": "x"}]),
            400,
            "InvalidParameterValue",
            "limit: not a number",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_table(error: Exception, status: int, code: str, said: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = describe(error, 5)
    body = orjson.loads(answer.body)
    assert answer.status_code == status
    assert body["code"] in (code, "ContentTooLarge")
    assert said in body["description"]
    assert "secret" not in body["description"]
    assert (answer.headers.get("retry-after") == "5") == (status == 503)
    assert len(caplog.records) == (1 if status >= 500 else 0)


DRIVER = [
    kind
    for _, kind in inspect.getmembers(asyncpg.exceptions, inspect.isclass)
    if issubclass(
        kind, asyncpg.PostgresConnectionError | asyncpg.OperatorInterventionError | asyncpg.InterfaceError
    )
]


@pytest.mark.parametrize(
    "kind", [*DRIVER, ConnectionResetError, ConnectionRefusedError, TimeoutError], ids=lambda k: k.__name__
)
def test_every_way_to_lose_a_database_is_one_of_ours(kind: type[Exception]) -> None:
    with pytest.raises(StoreError) as caught, database_errors():
        raise kind("x")
    wanted = QueryTimeout if issubclass(kind, asyncpg.QueryCanceledError) else DatabaseUnreachable
    assert type(caught.value) is wanted
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("kind", [BrokenPipeError, FileNotFoundError, OSError])
def test_an_error_of_what_is_done_beside_is_none_of_the_database(kind: type[Exception]) -> None:
    """A file that is not there, or a reader of standard output that left, was told as a lost connection."""
    with pytest.raises(kind), database_errors():
        raise kind("x")


@pytest.mark.parametrize("kind", [asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError])
def test_missing_schema(kind: type[Exception]) -> None:
    with pytest.raises(StoreError, match="kakehashi db migrate"), database_errors():
        raise kind("x")


def test_a_bug_stays_a_bug() -> None:
    with pytest.raises(asyncpg.PostgresSyntaxError), database_errors():
        raise asyncpg.PostgresSyntaxError("x")
