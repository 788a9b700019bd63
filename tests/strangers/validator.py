"""stac-api-validator without the network: `python tests/strangers/validator.py --root-url ... [its options]`.

The validator and the libraries under it (stac-check, stac-validator, pystac) ask the web for the
schemas that items declare. Here an `https` request is answered from the schemas that Kakehashi
bundles, and with 404 where there is none, so a schema that is not bundled is an error in the
report, not a silent pass. Everything else is the validator's own.
"""

import io
import sys
import urllib.request
from http.client import HTTPMessage
from pathlib import Path
from typing import Any
from urllib.response import addinfourl

import requests
from pystac.stac_io import DefaultStacIO, StacIO
from requests.adapters import BaseAdapter
from stac_api_validator.__main__ import main

_SCHEMAS = next(Path(__file__).resolve().parents[2].glob("*/schemas"))


def _schema(url: str) -> bytes | None:
    file = _SCHEMAS / url.split("://", 1)[-1].split("#", 1)[0]
    return file.read_bytes() if file.is_file() else None


class _UrllibSchemas(urllib.request.HTTPSHandler):
    def https_open(self, request: urllib.request.Request) -> Any:
        found = _schema(request.full_url)
        headers = HTTPMessage()
        headers["Content-Type"] = "application/json"
        answer = addinfourl(io.BytesIO(found or b""), headers, request.full_url, 200 if found else 404)
        answer.msg = "OK" if found else "Not Found"  # type: ignore[attr-defined] # urllib looks for it
        return answer


class _RequestsSchemas(BaseAdapter):
    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        found = _schema(request.url or "")
        answer = requests.Response()
        answer.status_code = 200 if found else 404
        answer.url, answer.request = request.url or "", request
        answer.headers["Content-Type"] = "application/json"
        answer.raw = io.BytesIO(found or b"")
        return answer

    def close(self) -> None:
        pass


class _PystacSchemas(DefaultStacIO):
    def read_text_from_href(self, href: str) -> str:
        if not href.startswith("https://"):
            return super().read_text_from_href(href)
        found = _schema(href)
        if found is None:
            raise OSError(f"{href} is not bundled")
        return found.decode()


def _answer_https_from_files() -> None:
    StacIO.set_default(_PystacSchemas)
    urllib.request.install_opener(urllib.request.build_opener(_UrllibSchemas()))
    begin = requests.Session.__init__

    def begin_offline(self: requests.Session) -> None:
        begin(self)
        self.mount("https://", _RequestsSchemas())

    requests.Session.__init__ = begin_offline  # type: ignore[method-assign]


if __name__ == "__main__":
    _answer_https_from_files()
    sys.exit(main())
