"""Serving the API: what happens when it cannot start."""

import socket
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.middleware import Middleware

import app.main
from commands.serve import run_api


class _Unfit:
    def __init__(self, _: Any) -> None:
        raise ValueError("a setting is wrong")


def test_an_application_that_cannot_start_ends_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Middleware is built when the lifespan begins: uvicorn went on without one, and every request got 500."""
    monkeypatch.setattr(app.main, "create_app", lambda: FastAPI(middleware=[Middleware(_Unfit)]))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(SystemExit) as ended:
        run_api("127.0.0.1", port)
    assert ended.value.code
