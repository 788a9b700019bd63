"""What is done to every item alike, whatever its source: the rules that all sources share.

A source says what the upstream says, in STAC names. Here values that mean nothing are dropped,
times become UTC, the footprint becomes valid, names get the one spelling of the vocabulary, and
the item says where it came from.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from reprlib import repr as shown
from typing import Any

from catalog.about import STAC_VERSION
from catalog.absent import ABSENT
from catalog.errors import RecordRefused
from catalog.links import is_structural
from catalog.vocabulary import Vocabulary
from ingest import assets, geometry
from ingest.access import settle_access
from ingest.contract import Item
from ingest.names_fill import fill_from_instrument, fill_from_name, with_schemas
from ingest.native import entries, members
from ingest.times import TIME_FIELDS, format_time, parse_time

_VOCABULARY_FIELDS = (
    "platform",
    "constellation",
    "processing:level",
    "product:timeliness_category",
    "sat:orbit_state",
    "sar:frequency_band",
    "sar:instrument_mode",
    "sar:observation_direction",
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
# Values of these types are always kept as they are.
_PLAIN = frozenset({int, bool, type(None)})
_MAX_ID = 512
_MAX_DEPTH = 40


_EO = "https://stac-extensions.github.io/eo/v2.0.0/schema.json"


def normalize(
    item: Item,
    *,
    source: str,
    vocabulary: Vocabulary,
    now: datetime,
    repairs: Counter[str] | None = None,
) -> Item:
    """Return a complete STAC item made of what a source said.

    Args:
        item: id, collection, geometry (or a bbox alone), properties, links, assets and
            stac_extensions as the source made them. It is not changed.
        source: name of the source, for `harvest:source`.
        vocabulary: canonical spellings; values it does not know are counted there.
        now: time of the harvest, with a zone.
        repairs: what is mended by rule is counted here, by what it is.

    Raises:
        RecordRefused: `bad-id`, `bad-datetime`, `reversed-times`, `no-datetime`, one of
            `ingest.geometry.repair`, `bad-structure` or `too-deep`.
    """
    repairs = Counter() if repairs is None else repairs
    item = clean(item)
    identifier, collection = _text(item, "id"), _text(item, "collection")
    footprint = geometry.repair(item.get("geometry"))
    if footprint["coordinates"] != _as_tuples(item["geometry"].get("coordinates")):
        repairs["footprint brought to RFC 7946"] += 1
    properties = dict(members(item, "properties"))
    _harmonise_times(properties)
    _harmonise_names(properties, vocabulary)
    filled = fill_from_name(properties, identifier, vocabulary) + fill_from_instrument(properties, vocabulary)
    instruments = properties.get("instruments")
    files = assets.harmonise(
        members(item, "assets"),
        source,
        instruments if isinstance(instruments, list) else (),
        assets.Notes(repairs, vocabulary.unknown),
    )
    links = _links(item, collection)
    used, unused = settle_access(properties, files, links)
    declared = [schema for schema in _extensions(item) if schema not in unused]
    if any("eo:common_name" in band for band in _bands(files)):
        filled.append(_EO)
    properties["harvest:source"] = source
    properties["harvest:time"] = format_time(now.astimezone(UTC))
    return {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": with_schemas(declared, [*filled, *used]),
        "id": identifier,
        "collection": collection,
        "geometry": footprint,
        "bbox": geometry.bounding_box(footprint),
        "properties": properties,
        "links": links,
        "assets": files,
    }


def _as_tuples(value: Any) -> Any:
    """Return coordinates as the geometry library gives them, for comparison."""
    return tuple(_as_tuples(entry) for entry in value) if isinstance(value, list | tuple) else value


def _bands(files: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for asset in files.values():
        bands = asset.get("bands") if isinstance(asset, Mapping) else None
        yield from (band for band in bands if isinstance(band, Mapping)) if isinstance(bands, list) else ()


def clean(value: Any, depth: int = 0) -> Any:
    """Copy a JSON value without what carries no meaning.

    Left out: members that are `""` or pgstac's marker, and numbers that are not finite. Control
    characters and halves of surrogate pairs, which PostgreSQL and UTF-8 cannot hold, are taken
    out of texts. An explicit `null` has a meaning in STAC and stays.

    Raises:
        RecordRefused: `too-deep`.
    """
    kind = type(value)
    if kind is dict or kind is list:
        # Called for everything of every record: what nearly all values are is told without a call.
        if value and depth >= _MAX_DEPTH:
            raise RecordRefused("too-deep", f"the record is nested more than {_MAX_DEPTH} levels deep")
        return _clean_members(value, depth) if kind is dict else _clean_entries(value, depth)
    if isinstance(value, Mapping):
        return clean(dict(value), depth)
    if isinstance(value, tuple):
        return clean(list(value), depth)
    return _clean_text(value) if isinstance(value, str) else value


def _clean_members(value: dict[Any, Any], depth: int) -> dict[str, Any]:
    members = {}
    for name, member in value.items():
        kind = type(member)
        if kind is str:
            kept = member if member.isprintable() else _clean_text(member)
            if not kept or kept == ABSENT:
                continue
        elif kind in _PLAIN:
            kept = member
        else:
            kept = clean(member, depth + 1)
            if _means_nothing(kept):
                continue
        members[name if type(name) is str and name.isprintable() else _clean_text(str(name))] = kept
    return members


def _clean_entries(value: list[Any], depth: int) -> list[Any]:
    kinds = set(map(type, value))
    if kinds <= _PLAIN or (kinds == {float} and math.isfinite(sum(value))):
        return value.copy()
    entries = [clean(entry, depth + 1) for entry in value]
    return [entry for entry in entries if not _means_nothing(entry)]


def _clean_text(text: str) -> str:
    return text if text.isprintable() else _CONTROL.sub("", text)


def _means_nothing(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    return isinstance(value, str) and (not value or value == ABSENT)


def _text(item: Mapping[str, Any], field: str) -> str:
    value = item.get(field)
    if not isinstance(value, str) or not value.strip() or len(value) > _MAX_ID:
        raise RecordRefused("bad-id", f"{field} is not a text of 1 to {_MAX_ID} characters: {shown(value)}")
    return value


def _extensions(item: Mapping[str, Any]) -> list[str]:
    extensions = entries(item, "stac_extensions")
    if not all(isinstance(extension, str) for extension in extensions):
        raise RecordRefused("bad-structure", f"stac_extensions is no list of texts: {shown(extensions)}")
    return sorted(set(extensions))


def _harmonise_times(properties: dict[str, Any]) -> None:
    """Rewrite all times as UTC, and make sure that there is one and that none is reversed."""
    moments: dict[str, datetime] = {}
    for field in TIME_FIELDS:
        value = properties.get(field)
        if value is not None:
            moments[field] = parse_time(value, field)
            properties[field] = format_time(moments[field])
    start, end = moments.get("start_datetime"), moments.get("end_datetime")
    if (start is None) != (end is None):
        # STAC wants both or neither (common metadata, "Date and Time Range").
        known = "start_datetime" if end is None else "end_datetime"
        if "datetime" not in moments:
            moments["datetime"] = moments[known]
            properties["datetime"] = properties[known]
        properties.pop("start_datetime", None)
        properties.pop("end_datetime", None)
    elif start is not None and end is not None and start > end:
        raise RecordRefused(
            "reversed-times",
            f"start_datetime {properties['start_datetime']} is after end_datetime {properties['end_datetime']}",
        )
    if "datetime" not in moments:
        if start is None or end is None:
            raise RecordRefused("no-datetime", "the record has no time")
        properties["datetime"] = properties["start_datetime"] if start == end else None


def _harmonise_names(properties: dict[str, Any], vocabulary: Vocabulary) -> None:
    for field in _VOCABULARY_FIELDS:
        value = properties.get(field)
        if isinstance(value, str):
            properties[field] = vocabulary.canonical(field, value)
    instruments = properties.get("instruments")
    if isinstance(instruments, list):
        named = [name for value in instruments for name in vocabulary.canonical_instruments(str(value))]
        properties["instruments"] = list(dict.fromkeys(named))
    polarizations = properties.get("sar:polarizations")
    if isinstance(polarizations, list):
        properties["sar:polarizations"] = [
            vocabulary.canonical("sar:polarizations", str(value)) for value in polarizations
        ]
    platform = properties.get("platform")
    if isinstance(platform, str) and "constellation" not in properties:
        constellation = vocabulary.constellation_of(platform)
        if constellation:
            properties["constellation"] = constellation


def _links(item: Mapping[str, Any], collection: str) -> list[dict[str, Any]]:
    """Keep the links that say something of the item; the API makes the structural ones itself.

    The link to the collection is kept, relative, since an item that names a collection is not valid
    without (item-spec, "collection").
    """
    kept = [
        dict(link)
        for link in entries(item, "links")
        if isinstance(link, Mapping)
        and isinstance(link.get("href"), str)
        and isinstance(link.get("rel"), str)
        and not is_structural(link)
    ]
    unique = {(link["rel"], link["href"]): link for link in kept}
    return [
        {"rel": "collection", "href": f"./collections/{collection}", "type": "application/json"},
        *unique.values(),
    ]
