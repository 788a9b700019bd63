"""Extension schemas that are not bundled come from where they are published, once."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import orjson
import pytest

from catalog.errors import RecordRefused
from catalog.validation import Validator
from commands.ingest import schemas_of
from ingest.schema_fallback import SchemaFallback
from ingest.settings import IngestSettings
from tests.unit.documents import sentinel_2
from tests.unit.harvested import harvested

SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "properties": {"properties": {"required": ["new:field"]}},
}


class Server:
    """Answers on this machine: status, headers and content by path; what was asked is kept."""

    def __init__(self) -> None:
        answers = self.answers = dict[str, tuple[int, dict[str, str], bytes]]()
        asked = self.asked = list[str]()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                status, headers, content = answers.get(self.path, (404, {}, b""))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


def _fallback(folder: Path, **options: Any) -> SchemaFallback:
    return SchemaFallback(folder, ["127.0.0.1"], timeout_s=5, **options)


async def test_a_schema_is_asked_for_once_and_kept(server: Server, tmp_path: Path) -> None:
    server.answers["/new/v1.0.0/schema.json"] = 200, {}, json.dumps(SCHEMA).encode()
    url = server.url("/new/v1.0.0/schema.json")
    first = _fallback(tmp_path / "schemas")
    assert await first(url) == await first(url + "#") == SCHEMA
    assert await _fallback(tmp_path / "schemas")(url) == SCHEMA
    assert len(server.asked) == 1, "the second time from the folder"


@pytest.mark.parametrize("content", ["[]", "no JSON", "x" * 2000])
async def test_what_is_no_schema_is_not_taken(server: Server, tmp_path: Path, content: str) -> None:
    server.answers["/schema.json"] = 200, {}, content.encode()
    fallback = _fallback(tmp_path, max_bytes=1000)
    assert await fallback(server.url("/schema.json")) is None
    server.answers["/schema.json"] = 200, {}, json.dumps(SCHEMA).encode()
    assert await _fallback(tmp_path, max_bytes=1000)(server.url("/schema.json")) == SCHEMA, "nothing was kept"


async def test_an_absent_schema_is_asked_for_once(server: Server, tmp_path: Path) -> None:
    fallback = _fallback(tmp_path)
    assert [await fallback(server.url("/schema.json")) for _ in range(3)] == [None] * 3
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "url",
    ["http://192.0.2.1/schema.json", "file:///etc/passwd", "ftp://127.0.0.1/s.json", "x", "", "http://[::/s"],
)
async def test_nobody_else_is_asked(tmp_path: Path, url: str) -> None:
    assert await _fallback(tmp_path)(url) is None


async def test_a_redirect_is_not_followed(server: Server, tmp_path: Path) -> None:
    server.answers["/schema.json"] = 302, {"Location": "/other.json"}, b""
    server.answers["/other.json"] = 200, {}, json.dumps(SCHEMA).encode()
    assert await _fallback(tmp_path)(server.url("/schema.json")) is None


def test_a_learned_schema_judges_items() -> None:
    (item,) = harvested("cdse", {"type": "FeatureCollection", "features": [sentinel_2()]})
    url = "https://example.org/new/v1.0.0/schema.json"
    item["stac_extensions"].append(url)
    validator = Validator()
    validator.check_item(item)
    assert validator.unlearned() == [url]
    validator.learn(url, SCHEMA)
    assert validator.unlearned() == []
    with pytest.raises(RecordRefused, match="new:field"):
        validator.check_item(item)
    validator.learn(url, {"type": "no such type"})
    validator.check_item(item)
    assert json.dumps(validator.unknown)


@pytest.mark.parametrize("chosen", ["KAKEHASHI_SCHEMA_DIR", "the data directory"])
async def test_a_folder_in_the_home_directory_is_not_made_where_the_command_is_run(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: str
) -> None:
    """A folder named `~` was made."""
    here, home = tmp_path / "here", tmp_path / "home"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(home))
    server.answers["/new.json"] = (200, {}, orjson.dumps(SCHEMA))
    settings = IngestSettings(
        schema_hosts=["127.0.0.1"], schema_dir=Path("~/kept") if chosen.startswith("KAKE") else None
    )
    schemas = schemas_of(settings, Path("~/data"))
    assert schemas is not None
    assert await schemas(server.url("/new.json")) == SCHEMA
    assert not list(here.iterdir())
    assert len(list((home / ("kept" if settings.schema_dir else "data/schemas")).iterdir())) == 1
