"""Anonymous listing of an S3 bucket: ListObjectsV2 of the S3 REST API, at any address that speaks it.

Answers are XML of at most 1,000 keys; the next page is asked for by a continuation token. They are parsed
without entities, document types and anything outside of the answer.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from catalog.errors import UpstreamChanged
from ingest.fetch import Fetcher, UpstreamStatus

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

PAGE_SIZE = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One object.

    Attributes:
        key: its name in the bucket.
        size: in bytes, None if the listing does not say.
        modified: when it was written, as the listing has it (RFC 3339, UTC).
    """

    key: str
    size: int | None = None
    modified: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """One answer.

    Attributes:
        entries: objects, in the order of their names.
        prefixes: what is below the next delimiter, if one was asked for.
        bucket: name of the bucket, if the answer has it.
        prefix: what was asked for.
        token: for the next page; None on the last.
    """

    entries: tuple[Entry, ...]
    prefixes: tuple[str, ...] = ()
    bucket: str | None = None
    prefix: str | None = None
    token: str | None = None


async def list_objects(
    http: Fetcher,
    base: str,
    prefix: str,
    *,
    delimiter: str | None = None,
    start_after: str | None = None,
    page_size: int = PAGE_SIZE,
) -> AsyncIterator[Listing]:
    """List what begins with a prefix, page by page.

    Args:
        http: the client.
        base: address of the bucket.
        prefix: beginning of the keys.
        delimiter: keys that hold it after the prefix are rolled up into prefixes.
        start_after: only keys after this one.
        page_size: keys per page; the service gives no more than 1,000.

    Raises:
        UpstreamChanged: the service refuses, with what it says; an answer is no listing; or the token
            does not move on.
        UpstreamUnavailable: the service cannot be reached.
    """
    parameters = {"list-type": "2", "prefix": prefix, "max-keys": str(min(page_size, PAGE_SIZE))}
    if delimiter:
        parameters["delimiter"] = delimiter
    if start_after:
        parameters["start-after"] = start_after
    tokens: set[str] = set()
    while True:
        try:
            content = await http.get_bytes(base, parameters)
        except UpstreamStatus as error:
            raise _explained(error, base) from error
        listing = parse(content, f"{base} prefix={prefix}")
        yield listing
        if listing.token is None:
            return
        if listing.token in tokens:
            raise UpstreamChanged(f"{base}: the continuation token of prefix {prefix} comes again")
        tokens.add(listing.token)
        parameters["continuation-token"] = listing.token


def parse(content: bytes, origin: str) -> Listing:
    """Parse an answer of ListObjects or ListObjectsV2.

    Raises:
        UpstreamChanged: it is no XML, an error of the service, or another document.
    """
    root = _root(content, origin)
    kind = _name(root)
    if kind == "Error":
        raise UpstreamChanged(f"{origin}: the service answers {_complaint(root)}")
    if kind != "ListBucketResult":
        raise UpstreamChanged(f"{origin} is no listing of a bucket: it is <{kind}>")
    truncated = (_text(root, "IsTruncated") or "false").lower() == "true"
    token = _text(root, "NextContinuationToken")
    if truncated and token is None:
        raise UpstreamChanged(f"{origin}: the listing is cut off, but has no continuation token")
    return Listing(
        entries=tuple(entry for part in root if _name(part) == "Contents" and (entry := _entry(part))),
        prefixes=tuple(
            prefix
            for part in root
            if _name(part) == "CommonPrefixes" and (prefix := _text(part, "Prefix")) is not None
        ),
        bucket=_text(root, "Name"),
        prefix=_text(root, "Prefix"),
        token=token if truncated else None,
    )


def looks_like_xml(content: bytes) -> bool:
    """Whether a document may be an answer of the service, and not JSON."""
    return content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"


def _root(content: bytes, origin: str) -> "Element":
    try:
        root: Element = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise UpstreamChanged(
            f"{origin} is no XML that can be read: {str(error) or type(error).__name__}"
        ) from error
    return root


def _entry(part: "Element") -> Entry | None:
    key = _text(part, "Key")
    if key is None:
        return None
    size = _text(part, "Size")
    return Entry(
        key, int(size) if size and size.isascii() and size.isdigit() else None, _text(part, "LastModified")
    )


def _explained(error: UpstreamStatus, base: str) -> UpstreamChanged:
    """Return the refusal with the service's own words, where it has any."""
    try:
        root = _root(error.body, base)
    except UpstreamChanged:
        return error
    return UpstreamChanged(f"{error}: {_complaint(root)}") if _name(root) == "Error" else error


def _complaint(root: "Element") -> str:
    said = [_text(root, "Code"), _text(root, "Message")]
    return " ".join(": ".join(part for part in said if part).split()) or "an error without a reason"


def _name(element: "Element") -> str:
    """Return the local name: S3 uses a namespace, some of its imitations use none."""
    return str(element.tag).rpartition("}")[2]


def _text(element: "Element", name: str) -> str | None:
    for child in element:
        if _name(child) == name:
            return (child.text or "").strip() or None
    return None
