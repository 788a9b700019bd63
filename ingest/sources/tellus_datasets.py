"""The data sets of Tellus: how open each is, and what it says of itself as a collection."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from catalog.about import STAC_VERSION
from catalog.errors import RecordRefused
from catalog.languages import LANGUAGES
from ingest.contract import Collection
from ingest.native import entries, lookup, members, text

PREFIX = "tellus-"
"""A data set that is not defined here is the collection `tellus-<its UUID>`."""

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LANGUAGE_EXTENSION = "https://stac-extensions.github.io/language/v1.0.0/schema.json"


def is_dataset(entry: Any) -> bool:
    """Whether something is a data set as Tellus describes them."""
    return isinstance(entry, Mapping) and {"id", "name", "permission", "is_order_required"} <= entry.keys()


def facts_of(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """Return how open a data set is, as far as it says so, in fields that a client can filter on.

    `tellus:network` is `global`, or `tellus` where files are given within Tellus only; `tellus:free` is
    whether it has a price. Its name says nothing of either.
    """
    facts: dict[str, Any] = {}
    network = text(lookup(dataset, "permission.allow_network_type"))
    if network:
        facts["tellus:network"] = network
    if isinstance(dataset.get("is_order_required"), bool):
        facts["tellus:order_required"] = dataset["is_order_required"]
    prices = dataset.get("prices")
    if isinstance(prices, list):
        facts["tellus:free"] = not prices and not dataset.get("square_kilometer_per_price")
    holder = text(dataset.get("copyright"))
    if holder:
        facts["tellus:copyright"] = holder
    return facts


def described(
    dataset: Mapping[str, Any], endpoint: str, link: Callable[[str, str, str], dict[str, Any]]
) -> Collection:
    """Return a data set as a collection, in Japanese as Tellus has it.

    Where and when its scenes lie is not said, so the extent is open.

    Raises:
        RecordRefused: `bad-id` or `no-title`.
    """
    identifier, title = text(dataset.get("id")), text(dataset.get("name"))
    if identifier is None or not UUID.fullmatch(identifier):
        raise RecordRefused("bad-id", f"the data set has no id: {identifier!r:.60}")
    if title is None:
        raise RecordRefused("no-title", "the data set has no name")
    address = f"{endpoint}/datasets/{identifier}"
    links = [
        link("via", f"{address}/", "Data set in Tellus (needs a token)"),
        link("license", f"{address}/terms-of-use-url/", "利用規約 (needs a token of Tellus)"),
    ]
    site = text(dataset.get("related_site"))
    if site and site.startswith(("http://", "https://")):
        links.append({"rel": "about", "href": site})
    provider = text(members(dataset, "provider").get("name")) or "Tellus"
    return {
        "type": "Collection",
        "stac_version": STAC_VERSION,
        "stac_extensions": [_LANGUAGE_EXTENSION],
        "id": PREFIX + identifier,
        "title": title,
        "description": text(dataset.get("description")) or title,
        "language": dict(LANGUAGES["ja"]),
        "keywords": ["Tellus", *(tag for tag in map(text, entries(dataset, "tags")) if tag)],
        "license": "other",
        "providers": [{"name": provider, "roles": ["host"], "url": "https://www.tellusxdp.com/"}],
        "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}},
        "links": links,
        **facts_of(dataset),
        "tellus:dataset_id": identifier,
    }
