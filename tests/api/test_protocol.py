"""What uvicorn's parser refuses is told in the form of every other error, and logged no more than they are."""

import json
import socket
from collections.abc import Iterable
from http.client import HTTPConnection

import pytest

from tests.api.conftest import Server

_END = b" HTTP/1.1\r\nHost: x\r\n\r\n"
_POST = b"POST /search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
_ENDLESS = [b"GET /search HTTP/1.1\r\nHost: x\r\nX-Long: ", *[b"a" * 10_000] * 100]


def _say(server: Server, pieces: Iterable[bytes]) -> bytes:
    """Send pieces whatever is answered meanwhile, and return all that comes until the server closes."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as client:
        for piece in pieces:
            client.sendall(piece)
        found = b""
        while some := client.recv(65_536):
            found += some
    return found


def _answers(raw: bytes) -> list[tuple[int, dict[str, str], bytes]]:
    answers = []
    while raw:
        head, raw = raw.split(b"\r\n\r\n", 1)
        first, *lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        length = int(headers["content-length"])
        answers.append((int(first.split()[1]), headers, raw[:length]))
        raw = raw[length:]
    return answers


@pytest.mark.parametrize(
    ("pieces", "status", "words"),
    [
        (["GET /search?q=だいち".encode() + _END], 400, "percent-encoded"),
        (["GET /collections/だいち".encode() + _END], 400, "percent-encoded"),
        ([b"GET /search?q=\xe9" + _END], 400, "percent-encoded"),
        ([b"GET search" + _END], 400, "percent-encoded"),
        ([b"BREW /search" + _END], 400, "no method"),
        ([b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"], 400, "no method"),
        ([b"GET /search HTTP/1.1\r\nA Header: 1\r\n\r\n"], 400, "not HTTP"),
        ([_POST + b"Content-Length: ten\r\n\r\n{}"], 400, "not HTTP"),
        ([_POST + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n"], 400, "not HTTP"),
        ([b"GET /search?ids=" + b"a" * 70_000 + _END], 414, "address is longer"),
        ([b"GET /search?ids=", *[b"a" * 10_000] * 300, _END], 414, "address is longer"),
        ([b"GET /search HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n"], 431, "header fields"),
        (_ENDLESS, 431, "header fields"),
    ],
    ids=lambda value: repr(value[0][:30]) if isinstance(value, list) else str(value),
)
def test_what_is_no_http_is_told_so_as_json(
    server: Server, pieces: list[bytes], status: int, words: str
) -> None:
    logged = server.log.stat().st_size
    [(found, headers, body)] = _answers(_say(server, pieces))
    assert found == status
    assert headers["content-type"] == "application/json"
    assert headers["connection"] == "close"
    error = json.loads(body)
    assert error.keys() == {"code", "description"}
    assert words in error["description"]
    assert server.log.stat().st_size == logged


def test_long_addresses_and_headers_that_are_not_too_long(server: Server) -> None:
    request = (
        b"GET /search?limit=1&ids=" + b"a" * 65_000 + b" HTTP/1.1\r\n"
        b"X: " + b"a" * 65_000 + b"\r\nConnection: close\r\n\r\n"
    )
    for pieces in ([request], [request[at : at + 9_000] for at in range(0, len(request), 9_000)]):
        [(status, _, _)] = _answers(_say(server, pieces))
        assert status == 200


def test_requests_on_one_connection_are_counted_each_for_itself(server: Server) -> None:
    connection = HTTPConnection(server.url.removeprefix("http://"), timeout=20)
    for _ in range(5):
        connection.request("GET", "/_mgmt/ping?x=" + "a" * 60_000)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b'{"message":"PONG"}')
        assert answer.headers["connection"] is None
    connection.close()


@pytest.mark.parametrize("good", [1, 3])
def test_requests_before_one_that_is_refused_are_answered(server: Server, good: int) -> None:
    """All of them, in order and whole; then the connection ends."""
    pipeline = (b"GET /search?limit=10000" + _END) * good + "GET /だいち".encode() + _END
    answers = _answers(_say(server, [pipeline]))
    assert [status for status, _, _ in answers] == [200] * good
    assert all(json.loads(body)["features"] for _, _, body in answers)
