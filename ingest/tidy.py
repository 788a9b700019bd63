"""Collections that an upstream describes: what of them is mended before they are checked.

Upstreams write their descriptions by hand, in several versions of STAC; what is no description of anything
(an extension that is no text, a provider without a name) is left out, and times get their one form.
"""

from collections.abc import Mapping
from typing import Any

from catalog.about import STAC_VERSION
from catalog.errors import RecordRefused
from ingest.access import settle_access
from ingest.times import format_time, parse_time

_LISTS_OF_TEXT = ("stac_extensions", "keywords")
_VERSION_1_0 = "1.0."
# What version 1.1 says instead of licence names of 1.0.
_LICENSES = {"proprietary": "other", "various": "other"}


def tidy(collection: Mapping[str, Any]) -> dict[str, Any]:
    """Return a description of a collection with what can be mended mended; the schemas judge the rest."""
    made = dict(collection)
    version = made.get("stac_version")
    if isinstance(version, str) and version.startswith(_VERSION_1_0):
        made["stac_version"] = STAC_VERSION
        made["license"] = _LICENSES.get(str(made.get("license")), made.get("license"))
    for name in _LISTS_OF_TEXT:
        if name in made:
            made[name] = _texts(made[name])
    providers = made.get("providers")
    if isinstance(providers, list):
        made["providers"] = [
            one for one in providers if isinstance(one, Mapping) and isinstance(one.get("name"), str)
        ]
    extent = made.get("extent")
    temporal = extent.get("temporal") if isinstance(extent, Mapping) else None
    intervals = temporal.get("interval") if isinstance(temporal, Mapping) else None
    if isinstance(extent, Mapping) and isinstance(temporal, Mapping) and isinstance(intervals, list):
        spans = [_span(one) for one in intervals]
        made["extent"] = {**extent, "temporal": {**temporal, "interval": spans}}
    _add_schemes(made)
    return made


def _add_schemes(collection: dict[str, Any]) -> None:
    """Add schemes that assets name and the collection does not give, where we know them."""
    assets = {
        f"{member} {key}": asset
        for member in ("assets", "item_assets")
        for key, asset in (collection[member].items() if isinstance(collection.get(member), Mapping) else ())
    }
    named: dict[str, Any] = {}
    settle_access(named, assets, collection.get("links"))
    for member, schemes in named.items():
        collection.setdefault(member, schemes)


def _texts(value: Any) -> list[str]:
    words = [word.strip() for word in value if isinstance(word, str)] if isinstance(value, list) else []
    return list(dict.fromkeys(word for word in words if word))


def _span(value: Any) -> Any:
    return [_moment(edge) for edge in value] if isinstance(value, list) else value


def _moment(value: Any) -> Any:
    """Return a time in its one form; what is none is left as it is, for the schema to refuse."""
    try:
        return format_time(parse_time(value)) if isinstance(value, str) else value
    except RecordRefused:
        return value
