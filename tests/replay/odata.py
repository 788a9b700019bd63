"""A catalogue that pages as CDSE's OData service does, over real HTTP, with records that a test gives it."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from ingest.times import parse_time

_MAX_TOP, _MAX_SKIP, _WINDOW = 1000, 10_000, 10_000


class Catalogue:
    """The service and what it was asked.

    Attributes:
        products: by entity set (`Products`, `DeletedProducts`) and collection name.
        asked: the queries, in order, decoded.
        trouble: answers (status, headers) to give before the next ordinary ones.
        bend: changes each page before it is sent; for servers that misbehave.
    """

    def __init__(self) -> None:
        self.products: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.asked: list[dict[str, list[str]]] = []
        self.trouble: list[tuple[int, dict[str, str]]] = []
        self.bend: Callable[[dict[str, Any]], Any] = lambda page: page
        self.ignores_order = False
        self.base = ""

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        self.asked.append(query)
        entities = path.rsplit("/", 1)[-1]
        condition = query.get("$filter", [""])[0]
        name = re.search(r"Collection/Name eq '([^']+)'", condition)
        top = int(query.get("$top", ["20"])[0])
        skip = int(query.get("$skip", ["0"])[0])
        if name is None or not 0 <= top <= _MAX_TOP or skip > _MAX_SKIP:
            return 422, {"detail": "Unprocessable"}
        cursor = "DeletionDate" if entities == "DeletedProducts" else "ModificationDate"
        found = [
            record
            for record in self.products.get((entities, name.group(1)), [])
            if _within(record[cursor], cursor, condition)
        ]
        if "$orderby" in query and not self.ignores_order:
            found.sort(key=lambda record: (parse_time(record[cursor]), record["Id"]))
        elif not self.ignores_order:
            found = found[::-1] + found[:3]  # unordered, with repeats
        page: dict[str, Any] = {
            "@odata.context": f"$metadata#{entities}(Attributes())",
            "value": found[skip : skip + top],
        }
        # It vanishes where the next page would pass the window, though there is more.
        if skip + 2 * top <= _WINDOW and skip + top < len(found):
            following = {
                "$filter": [condition.replace("000Z", "000000Z")],  # one literal changes its precision
                "$top": [str(top)],
                "$skip": [str(skip + top)],
                **{option: query[option] for option in ("$orderby", "$expand") if option in query},
            }
            page["@odata.nextLink"] = f"{self.base}{path}?{urlencode(following, doseq=True)}"
        return 200, self.bend(page)


def _within(date: str, cursor: str, condition: str) -> bool:
    moment = parse_time(date)
    after = re.search(rf"{cursor} ge (\S+)", condition)
    before = re.search(rf"{cursor} lt (\S+)", condition)
    return not (after and moment < parse_time(after.group(1))) and not (
        before and moment >= parse_time(before.group(1))
    )


@contextmanager
def serving(catalogue: Catalogue) -> Iterator[str]:
    """Serve a catalogue on a free port; give its base address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if catalogue.trouble:
                status, headers = catalogue.trouble.pop(0)
                body: Any = {"detail": "trouble"}
            else:
                headers = {}
                status, body = catalogue.answer(parts.path, parse_qs(parts.query))
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {
                **headers,
                "content-type": "application/json",
                "content-length": str(len(content)),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    catalogue.base = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield catalogue.base
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
