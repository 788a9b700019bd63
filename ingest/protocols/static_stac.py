"""Static STAC: catalogues made of files that link to one another, without a search.

A document is known by its address, against which every `href` in it is read (RFC 3986 section 5.2), be
it relative or absolute. What a link leads to may be absent: catalogues are written before, or outlive,
what they point to.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from catalog.errors import UpstreamChanged
from ingest.fetch import Fetcher, UpstreamStatus

_ABSENT = frozenset({404, 410})
_MAX_DEPTH = 20

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a document.

    Attributes:
        rel: what it leads to: `child`, `item` ...
        url: absolute address.
        title: its title, if it has one.
        depth: how many links from where a walk began; 0 outside of a walk.
    """

    rel: str
    url: str
    title: str | None = None
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Node:
    """A document and the address that its links are relative to."""

    url: str
    document: Document


@dataclass(frozen=True, slots=True)
class Moved:
    """Where documents are asked for instead of where their catalogue says they are.

    Attributes:
        origins: beginnings of addresses that the catalogue uses.
        base: what takes the place of each, such as a mirror.
    """

    origins: tuple[str, ...] = ()
    base: str = ""

    def __call__(self, url: str) -> str:
        """Return the address to ask for."""
        for origin in sorted(self.origins, key=len, reverse=True):
            if url == origin or url.startswith(origin.rstrip("/") + "/"):
                return self.base.rstrip("/") + url[len(origin.rstrip("/")) :]
        return url


_UNMOVED = Moved()


async def get(http: Fetcher, url: str, moved: Moved = _UNMOVED) -> Node | None:
    """Fetch a document; None where there is none (404, 410).

    Raises:
        UpstreamChanged: it is no JSON object, or is refused.
        UpstreamUnavailable: the server cannot be reached.
    """
    try:
        document = await http.get_json(moved(url))
    except UpstreamStatus as error:
        if error.status in _ABSENT:
            return None
        raise
    if not isinstance(document, dict):
        raise UpstreamChanged(f"{url}: the answer is no STAC document: it is no JSON object")
    return Node(url, document)


async def get_root(http: Fetcher, url: str, moved: Moved = _UNMOVED) -> Node:
    """Fetch the document that a catalogue begins with, which must be there.

    Raises:
        UpstreamChanged: it is absent, no JSON object or without links.
        UpstreamUnavailable: the server cannot be reached.
    """
    node = await get(http, url, moved)
    if node is None:
        raise UpstreamChanged(f"{url}: there is no catalogue here")
    if not isinstance(node.document.get("links"), list):
        raise UpstreamChanged(f"{url}: the answer is no STAC catalogue (it has no `links`)")
    return node


def links(node: Node, *rels: str, depth: int = 0) -> Iterator[Link]:
    """Give the links of some kinds, absolute, each address once, in the order of the document."""
    seen = set()
    entries = node.document.get("links")
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, Mapping) or entry.get("rel") not in rels:
            continue
        href, title = entry.get("href"), entry.get("title")
        if not isinstance(href, str) or not href.strip():
            continue
        url = absolute(href.strip(), node.url)
        if url is not None and url not in seen:
            seen.add(url)
            yield Link(str(entry["rel"]), url, title if isinstance(title, str) else None, depth)


async def follow(
    http: Fetcher,
    node: Node,
    *rels: str,
    wanted: Callable[[Link], bool] = lambda link: True,
    moved: Moved = _UNMOVED,
) -> AsyncIterator[Node]:
    """Fetch what a document links to, one after the other, leaving out what is not wanted or absent."""
    for link in links(node, *rels):
        if wanted(link):
            found = await get(http, link.url, moved)
            if found is not None:
                yield found


async def walk(
    http: Fetcher,
    start: Node,
    *,
    rels: tuple[str, ...] = ("child", "item"),
    wanted: Callable[[Link], bool] = lambda link: True,
    moved: Moved = _UNMOVED,
) -> AsyncIterator[Node]:
    """Fetch everything below a document, depth first, each address once.

    Args:
        http: the client.
        start: where to begin; it is not given again.
        rels: kinds of links to follow.
        wanted: asked of each link before it is followed, so that whole branches are left out.
        moved: where to ask instead.

    Raises:
        UpstreamChanged: an answer is no STAC document.
        UpstreamUnavailable: the server cannot be reached.
    """
    seen = {start.url}
    waiting = [iter(list(links(start, *rels, depth=1)))]
    while waiting:
        link = next(waiting[-1], None)
        if link is None:
            waiting.pop()
            continue
        if link.url in seen or not wanted(link):
            continue
        seen.add(link.url)
        node = await get(http, link.url, moved)
        if node is None:
            continue
        yield node
        if link.depth < _MAX_DEPTH:
            waiting.append(iter(list(links(node, *rels, depth=link.depth + 1))))


def resolved(node: Node) -> Document:
    """Return a copy of a document in which the hrefs of links and assets are absolute."""
    document = dict(node.document)
    if isinstance(document.get("links"), list):
        document["links"] = [_resolved_entry(entry, node.url) for entry in document["links"]]
    if isinstance(document.get("assets"), Mapping):
        document["assets"] = {
            key: _resolved_entry(asset, node.url) for key, asset in document["assets"].items()
        }
    return document


def absolute(href: str, base: str) -> str | None:
    """Return a href as an absolute address, None where none can be made of it."""
    try:
        return urljoin(base, href)
    except ValueError:  # such as an unclosed bracket of an IPv6 address
        return None


def _resolved_entry(entry: Any, base: str) -> Any:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("href"), str):
        return entry
    return {**entry, "href": absolute(entry["href"], base) or entry["href"]}
