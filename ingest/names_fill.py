"""Filling gaps of an item: what the upstream does not say of a product, its name or its instrument often does.

Only absent fields are added: the catalogue is right where it says something, since names round (orbits
of Sentinel-3 altimetry, for one, are those of the pass and not of the first measurement).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from catalog.names import ProductName, parse_name
from catalog.vocabulary import Vocabulary

_SCHEMAS = "https://stac-extensions.github.io/"
_EXTENSIONS: Mapping[str, str] = MappingProxyType(
    {
        "version": f"{_SCHEMAS}version/v1.2.0/schema.json",
        "grid": f"{_SCHEMAS}grid/v1.1.0/schema.json",
        "processing": f"{_SCHEMAS}processing/v1.2.0/schema.json",
        "product": f"{_SCHEMAS}product/v1.0.0/schema.json",
        "sar": f"{_SCHEMAS}sar/v1.3.0/schema.json",
        "sat": f"{_SCHEMAS}sat/v1.1.0/schema.json",
    }
)
# Only an imaging radar has a `sar:` mode and `sar:` polarisations.
_RADARS = frozenset({"sar", "palsar", "palsar-2", "palsar-3"})


def fill_from_name(properties: dict[str, Any], identifier: str, vocabulary: Vocabulary) -> list[str]:
    """Add to an item's properties what its id says and they do not.

    Args:
        properties: in canonical spelling; changed in place.
        identifier: id of the item; nothing is added unless it is a product name, and one of the
            platform that the properties name.
        vocabulary: canonical spellings.

    Returns:
        The extension schemas that the added fields belong to.
    """
    name = parse_name(identifier)
    if name is None or properties.get("platform", name.platform) not in (name.platform, None):
        return []
    said = _said(name, vocabulary)
    added = {field: value for field, value in said.items() if properties.get(field) is None}
    properties.update(added)
    prefixes = {field.split(":")[0] for field in added}
    return [schema for prefix, schema in _EXTENSIONS.items() if prefix in prefixes]


def fill_from_instrument(properties: dict[str, Any], vocabulary: Vocabulary) -> list[str]:
    """Add the band of an imaging radar to an item's properties, which is a fact of the instrument.

    Args:
        properties: in canonical spelling; changed in place.
        vocabulary: knows the radars.

    Returns:
        The extension schemas that the added fields belong to.
    """
    instruments = properties.get("instruments")
    if "sar:frequency_band" in properties or not isinstance(instruments, list):
        return []
    platform = properties.get("platform")
    for instrument in instruments:
        band = vocabulary.frequency_band(instrument, platform if isinstance(platform, str) else None)
        if band is not None:
            properties["sar:frequency_band"] = band.name
            if band.center_frequency is not None:
                properties.setdefault("sar:center_frequency", band.center_frequency)
            return [_EXTENSIONS["sar"]]
    return []


def with_schemas(declared: list[str], wanted: list[str]) -> list[str]:
    """Add schemas that are wanted to those that an item declares, unless it has another version of one."""
    names = {_extension(schema) for schema in declared}
    return sorted({*declared, *(schema for schema in wanted if _extension(schema) not in names)})


def _said(name: ProductName, vocabulary: Vocabulary) -> dict[str, Any]:
    constellation = vocabulary.constellation_of(name.platform) if name.platform else name.constellation
    fields: dict[str, Any] = {
        "platform": name.platform,
        "constellation": constellation,
        "instruments": list(name.instruments),
        "product:type": name.product_type,
        "processing:level": name.level,
        "processing:version": name.version,
        "sat:absolute_orbit": name.absolute_orbit,
        "sat:relative_orbit": name.relative_orbit,
        "sat:orbit_state": name.orbit_state,
        "grid:code": name.grid,
    }
    if _RADARS.intersection(name.instruments):
        fields["sar:instrument_mode"] = vocabulary.canonical("sar:instrument_mode", name.mode or "")
        fields["sar:polarizations"] = list(name.polarizations)
    if name.version_order:
        # Of a product whose names tell the versions apart.
        fields["version"] = name.version or name.baseline
    return {field: value for field, value in fields.items() if value}


def _extension(schema: str) -> str:
    """Return a schema's address without its version."""
    return schema.rsplit("/", 2)[0]
