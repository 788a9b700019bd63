"""Assets in one style, whatever hub they come from: keys, roles, media types, bands, sizes, checksums.

The rules are data (`assets.yaml`). The upstream's own key is kept in `harvest:key` where it differs, so
that nothing is lost. What is dropped because it is no size or no checksum is counted.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from catalog.errors import DefinitionError
from ingest.checksums import is_multihash
from ingest.native import integer

NATIVE_KEY = "harvest:key"
"""Member of an asset that has the upstream's key, where that is another."""

_FILE = Path(__file__).with_suffix(".yaml")
# More than any archive holds: a larger number is a slip.
_MOST_BYTES = 10**18
# Where a word begins in `EOPMetadata` and `radianceData`; `B8A` is one word.
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BETWEEN = re.compile(r"[\W_]+")


class Rules(BaseModel):
    """What `assets.yaml` says; each member is explained there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keys: dict[str, dict[str, str]]
    roles: dict[str, tuple[str, ...]]
    roles_of: dict[str, str]
    also: dict[str, tuple[str, ...]]
    media_types: dict[str, str]
    common_names: dict[str, dict[str, str]]


@dataclass
class Notes:
    """What was done to items and met in them, by word, with how often.

    Attributes:
        repairs: what was mended by rule.
        unknown: words that are in no list, by kind and word.
    """

    repairs: Counter[str]
    unknown: Counter[tuple[str, str]]


def harmonise(
    assets: Mapping[str, Any], source: str, instruments: Sequence[str], notes: Notes
) -> dict[str, Any]:
    """Return assets in one style.

    Args:
        assets: of an item as its source made them; what is no object is left as it is, for the schemas to
            refuse.
        source: name of the source, for its own rules.
        instruments: canonical, whose bands have common names.
        notes: what is mended and met is counted here.
    """
    found: dict[str, Any] = {}
    for native, asset in _keyed(assets, source):
        key = _free(_key(source, native), found)
        if not isinstance(asset, Mapping):
            found[key] = asset
            continue
        kept = _described(asset, key, instruments, notes)
        if key != native:
            kept.setdefault(NATIVE_KEY, native)
        found[key] = kept
    return found


def _keyed(assets: Mapping[str, Any], source: str) -> list[tuple[str, Any]]:
    """Return assets so that one whose key is in the style already gets it before one that is brought to it."""
    return sorted(assets.items(), key=lambda entry: _key(source, entry[0]) != entry[0])


def _free(key: str, taken: Mapping[str, Any]) -> str:
    number, free = 1, key
    while free in taken:
        number += 1
        free = f"{key}-{number}"
    return free


@lru_cache(maxsize=16_384)
def _key(source: str, native: str) -> str:
    """Return the key of an asset: words in lower case joined by `-`, then the table's name for it."""
    words = _BETWEEN.sub("-", _WORDS.sub("-", native)).strip("-").lower() or native
    for pattern, key in _patterns(source):
        match = pattern.fullmatch(words)
        if match:
            return match.expand(key)
    return words


def _described(
    asset: Mapping[str, Any], key: str, instruments: Sequence[str], notes: Notes
) -> dict[str, Any]:
    kept = dict(asset)
    roles = _roles(kept.get("roles"), key, notes)
    if roles:
        kept["roles"] = roles
    media_type = kept.get("type")
    if isinstance(media_type, str):
        kept["type"] = rules().media_types.get(media_type.strip().lower(), media_type.strip())
    _check_file(kept, notes)
    bands = kept.get("bands")
    if isinstance(bands, list):
        kept["bands"] = [_named(band, instruments) for band in bands]
    return kept


def _check_file(asset: dict[str, Any], notes: Notes) -> None:
    """Drop a size that is no number of bytes, and a checksum whose digest has not the length it states."""
    if "file:size" in asset:
        size = integer(asset["file:size"])
        if size is None or not 0 <= size <= _MOST_BYTES:
            notes.repairs["file:size that is no number of bytes left out"] += 1
            del asset["file:size"]
        else:
            asset["file:size"] = size
    if "file:checksum" in asset:
        checksum = asset["file:checksum"]
        checksum = checksum.lower() if isinstance(checksum, str) else checksum
        if is_multihash(checksum):
            asset["file:checksum"] = checksum
        else:
            notes.repairs["file:checksum that is no multihash left out"] += 1
            del asset["file:checksum"]


def _roles(native: Any, key: str, notes: Notes) -> list[str]:
    """Return the roles of an asset, each once; those that the table adds come last."""
    listed: Any = [native] if isinstance(native, str) else native
    roles: list[str] = []
    for role in listed if isinstance(listed, list) else ():
        if isinstance(role, str) and role.strip():
            name = _canonical_role(role.strip().lower())
            if name is None:
                name = role.strip().lower()
                notes.unknown["role of an asset", name] += 1
            roles.append(name)
    if not roles:
        roles += _first(key, tuple(rules().roles_of.items()))
    for pattern, more in rules().also.items():
        if _compiled(pattern).fullmatch(key):
            roles += more
    return list(dict.fromkeys(roles))


def _first(key: str, table: tuple[tuple[str, str], ...]) -> list[str]:
    return next(([role] for pattern, role in table if _compiled(pattern).fullmatch(key)), [])


@lru_cache(maxsize=4096)
def _canonical_role(native: str) -> str | None:
    for role, spellings in rules().roles.items():
        if native in spellings:
            return role
        if _compiled(role).fullmatch(native):
            return native
    return None


def _named(band: Any, instruments: Sequence[str]) -> Any:
    """Return a band with its common name, if its instrument's band has one and none is given."""
    if not isinstance(band, Mapping) or "eo:common_name" in band:
        return band
    for instrument in instruments:
        common = rules().common_names.get(instrument, {}).get(str(band.get("name")))
        if common:
            return {**band, "eo:common_name": common}
    return band


@cache
def _patterns(source: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    tables = (rules().keys.get(source, {}), rules().keys.get("all", {}))
    return tuple((_compiled(pattern), key) for table in tables for pattern, key in table.items())


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


@cache
def rules() -> Rules:
    """Read the rules.

    Raises:
        DefinitionError: they are not valid; names the member.
    """
    try:
        found = Rules.model_validate(yaml.load(_FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
        for pattern in (*chain(*found.keys.values()), *found.roles, *found.roles_of, *found.also):
            _compiled(pattern)
    except (ValidationError, yaml.YAMLError, re.error) as error:
        raise DefinitionError(f"{_FILE.name}: {' '.join(str(error).split())}") from None
    return found
