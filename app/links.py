"""Links: where things are, seen from the client, spliced into stored JSON text."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import orjson
from starlette.requests import Request

from app.language import asked_language
from catalog.languages import LANGUAGES
from catalog.links import QUERYABLES, VERSIONS, absolute
from catalog.store.hydrate import Document

JSON = "application/json"
GEOJSON = "application/geo+json"
SCHEMA = "application/schema+json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
HTML = "text/html"

Link = dict[str, Any]
# What needs no escape in a segment of a path (RFC 3986, section 3.3).
_SAFE = "~:@!$'()*,;"


class Links:
    """Addresses of one request: absolute, with the host, scheme and prefix that its client used."""

    def __init__(self, request: Request) -> None:
        """See `app.proxy` for what has been made of the request's headers before."""
        self.root = str(request.base_url).rstrip("/")
        self._request = request
        # Who names a language in the address stays in it; a header comes along by itself.
        language = asked_language(request)
        self._suffix = f"?language={language}" if language else ""
        self._item_frames: dict[str, tuple[str, str]] = {}

    def to(self, *parts: str) -> str:
        """Return the address of a path below the landing page; each part is escaped."""
        return "/".join([self.root, *(quote(part, safe=_SAFE) for part in parts)])

    def text(self, *parts: str) -> str:
        """Return the address of a document with titles and descriptions, in the language of this one."""
        return (self.to(*parts) if parts else self.root + "/") + self._suffix

    @property
    def here(self) -> str:
        """The address that was asked for, with its query."""
        path, prefix = self._request.scope["path"], self._request.scope.get("root_path", "")
        if prefix and (path == prefix or path.startswith(f"{prefix}/")):
            path = path.removeprefix(prefix)
        address = self.root + quote(path, safe="/~:@!$'()*,;+")
        query = self._request.scope["query_string"].decode("ascii", "replace")
        return f"{address}?{query}" if query else address

    def here_with(self, token: str) -> str:
        """Return the address that was asked for with another page token."""
        return self._here_with(token=token)

    def _here_with(self, **values: str) -> str:
        """Return the address that was asked for with other values of some parameters."""
        query = self._request.scope["query_string"].decode("ascii", "replace")
        pairs = [
            (name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name not in values
        ]
        return f"{self.here.split('?', 1)[0]}?{urlencode([*pairs, *values.items()])}"

    def landing(self) -> str:
        """Return the address of the landing page."""
        return self.text()

    def item(self, document: Document) -> bytes:
        """Return an item as JSON with its links."""
        frame = self._item_frames.get(document.collection)
        if frame is None:
            frame = self._item_frames[document.collection] = self._item_frame(document.collection)
        # An escaped id has nothing in it that JSON would escape.
        own = f"{frame[0]}{quote(document.id, safe=_SAFE)}{frame[1]}"
        return splice(document, own, self.root)

    def _item_frame(self, collection: str) -> tuple[str, str]:
        """Return the JSON of the links of a collection's items, cut where the item's id goes."""
        address = self.text("collections", collection)
        items = self.to("collections", collection, "items")
        same: list[Link] = [
            {"rel": "parent", "type": JSON, "href": address},
            {"rel": "collection", "type": JSON, "href": address},
            {"rel": "root", "type": JSON, "href": self.landing()},
        ]
        own = orjson.dumps({"rel": "self", "type": GEOJSON, "href": f"{items}/"}).decode()
        return own.removesuffix('"}'), f'"}},{orjson.dumps(same).decode()[1:-1]}'

    def collection(self, document: Document) -> bytes:
        """Return a collection as JSON with its links."""
        address = self.to("collections", document.id)
        own: list[Link] = [
            {
                "rel": "self",
                "type": JSON,
                "title": "This document",
                "href": self.text("collections", document.id),
            },
            {"rel": "parent", "type": JSON, "title": "Landing page", "href": self.landing()},
            {"rel": "root", "type": JSON, "title": "Landing page", "href": self.landing()},
            {
                "rel": "items",
                "type": GEOJSON,
                "title": "Items",
                "href": self.to("collections", document.id, "items"),
            },
            {
                "rel": QUERYABLES,
                "type": SCHEMA,
                "title": "Queryables",
                "href": self.text("collections", document.id, "queryables"),
            },
            {
                "rel": "queryables",
                "type": SCHEMA,
                "title": "Queryables",
                "href": self.text("collections", document.id, "queryables"),
            },
            {"rel": "aggregations", "type": JSON, "title": "Aggregations", "href": f"{address}/aggregations"},
            {"rel": "aggregate", "type": JSON, "title": "Aggregate items", "href": f"{address}/aggregate"},
            *(
                _alternate(f"{address}?language={code}", code)
                for code in document.languages[1:]
                if code in LANGUAGES
            ),
        ]
        return splice(document, orjson.dumps(own)[1:-1].decode(), self.root)

    def languages(self, language: str) -> list[Link]:
        """Return links to this document in the other languages."""
        return [_alternate(self._here_with(language=code), code) for code in LANGUAGES if code != language]

    def pages(
        self, following: str | None, previous: str | None, body: Mapping[str, Any] | None, media_type: str
    ) -> list[Link]:
        """Return the links to the pages around this one.

        Args:
            following: token of the next page.
            previous: token of the page before.
            body: of the POST that asked; None for GET. A link carries the whole body that asks for
                its page, so that nothing has to be merged.
            media_type: of a page.
        """
        links: list[Link] = []
        for rel, token in (("next", following), ("prev", previous)):
            if token is None:
                continue
            if body is None:
                links.append({"rel": rel, "type": media_type, "method": "GET", "href": self.here_with(token)})
            else:
                links.append(
                    {
                        "rel": rel,
                        "type": media_type,
                        "method": "POST",
                        "href": self.here,
                        "body": {**body, "token": token},
                    }
                )
        return links


def _alternate(href: str, language: str) -> Link:
    """Return a link to the same document in another language."""
    title = LANGUAGES[language]["name"]
    return {"rel": "alternate", "type": JSON, "title": title, "href": href, "hreflang": language}


def splice(document: Document, own: str, root: str) -> bytes:
    """Return a document's JSON with our links and then its stored ones.

    Stored links to other versions of a product are relative to the root of this catalogue.

    Args:
        document: what is served.
        own: our links as JSON, separated by commas.
        root: address of this catalogue.
    """
    stored = [absolute(link, root) if link.get("rel") in VERSIONS else link for link in document.links]
    more = f",{orjson.dumps(stored)[1:-1].decode()}" if stored else ""
    # All but the closing brace, without copying what may be long.
    members = memoryview(document.members.encode())[:-1]
    return b"".join((members, f',"links":[{own}{more}]}}'.encode()))
