"""Every product name of the recorded documents is read, or is on the list of what is no product name."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from catalog.names import format_name, parse_name

# What looks like a name and is none of a family that we read; each with its reason.
_NO_PRODUCT = {
    r"[0-9a-f]{8}-[0-9a-f-]{27}": "a UUID",
    r"URN:FEATURE:DATA:gdh:.*": "an identifier of the GEODES catalogue",
    r"title\.SAFE": "a placeholder in a client's test",
    r"(CS|DM|PH|SP)\d[0-9A-Z]_.*": "a contributing mission, which is left out",
    r"ESA_WorldCover_.*": "ESA WorldCover: no mission of the arrangement",
    r"LC08_.*": "Landsat: no mission of the arrangement",
    r"MSG\d-SEVI-.*": "Meteosat, which the source eumetsat reads by its fields",
    r"[NS]\d\d[EW]\d{3}_\d{4}_\d\d_\d\d_[0-9A-F]{6}": "Sentinel-1 RTC: made by others, in no collection",
    r"S1A_.._(GRD.|SL1_)_1.S[HV]_.*_[0-9A-F]{6}": "a converter's id: the check sum is cut off",
    r"S1A_.._(GRD.|SL1_)_1.D[HV]_.*_[0-9A-F]{6}": "a converter's id: the check sum is cut off",
    r"S2[AB]_OPER_MSI_L.._TL_.*": "the id of a granule inside of a product",
    r"S2[AB]_T\w{5}_\d{8}T\d{6}_L..": "a converter's id",
    r"S2[AB]_\w{5}_\d{8}_\d_L..": "an id of Element 84's archive",
    r"S3[AB]_.{8}_\d{8}T\d{6}_\d{8}T\d{6}_(\d{4}_\d{3}_\d{3}(_\d{4})?|EUROPE)": "a converter's id",
    r"cmems_.*|daily.mean .*": "a data set of the marine service",
}


def _names(value: Any) -> Iterator[str]:
    """Product ids in STAC, OData and OpenSearch documents."""
    if isinstance(value, dict):
        if value.get("type") == "Feature" and isinstance(value.get("id"), str):
            yield value["id"]
            properties = value.get("properties")
            for member in ("title", "productIdentifier", "identifier"):
                text = properties.get(member) if isinstance(properties, dict) else None
                if isinstance(text, str):
                    yield text.rstrip("/").rsplit("/", 1)[-1]
        if isinstance(value.get("Name"), str) and "ContentDate" in value:
            yield value["Name"]
        for member in value.values():
            yield from _names(member)
    elif isinstance(value, list):
        for member in value:
            yield from _names(member)


def _documents(folder: Path) -> Iterator[Any]:
    for file in sorted(folder.rglob("*.json")):
        yield json.loads(file.read_bytes())


def test_every_name_of_the_copernicus_documents(shared: Path) -> None:
    names = {name for document in _documents(shared / "samples" / "copernicus") for name in _names(document)}
    families: Counter[str] = Counter()
    unread = []
    used = set()
    for name in sorted(names):
        reasons = [pattern for pattern in _NO_PRODUCT if re.fullmatch(pattern, name)]
        used.update(reasons)
        parsed = parse_name(name)
        if parsed is None:
            if not reasons:
                unread.append(name)
            continue
        assert not reasons, f"{name} is read although it is on the list"
        assert format_name(parsed.family, parsed.parts) == parsed.name
        families[parsed.family] += 1
    assert unread == []
    assert used == set(_NO_PRODUCT), "an entry of the list fits no name any more"
    assert families == {
        "sentinel-1": 171,
        "sentinel-1-calibration": 24,
        "sentinel-orbit": 34,
        "sentinel-1-mosaic": 9,
        "sentinel-2": 80,
        "sentinel-2-mosaic": 7,
        "sentinel-3": 160,
        "sentinel-3-auxiliary": 15,
        "sentinel-5p": 151,
        "sentinel-6": 12,
        "copernicus-dem-cog": 2,
        "copernicus-dem-dged": 6,
    }


def test_every_name_of_the_japanese_list(shared: Path) -> None:
    recorded = json.loads((shared / "samples" / "japan" / "product_names.json").read_bytes())["names"]
    assert [entry["name"] for entry in recorded if parse_name(entry["name"]) is None] == []
    assert len(recorded) == 25


def test_names_say_what_cdse_says_of_the_same_products(shared: Path) -> None:
    """Where a name and the catalogue both speak, they agree; but for differences that are known."""
    compared: Counter[str] = Counter()
    differing: Counter[str] = Counter()
    for document in _documents(shared / "samples" / "copernicus" / "cdse-stac" / "items"):
        parsed = parse_name(document.get("id", ""))
        if parsed is None:
            continue
        said = {
            "platform": parsed.platform,
            "constellation": parsed.constellation,
            "instruments": list(parsed.instruments) or None,
            "product:type": parsed.product_type,
            "processing:level": parsed.level,
            "sat:absolute_orbit": parsed.absolute_orbit,
            "sat:relative_orbit": parsed.relative_orbit,
            "sat:orbit_cycle": parsed.cycle,
            "grid:code": parsed.grid,
            "sar:polarizations": list(parsed.polarizations) or None,
            "product:timeliness_category": parsed.timeliness,
        }
        for field, value in said.items():
            known = document["properties"].get(field)
            if value is not None and known is not None:
                compared[field] += 1
                if value != known:
                    differing[f"{parsed.family} {field}"] += 1
    assert compared["platform"] > 100
    assert compared["sat:relative_orbit"] > 50
    # Names of altimetry have the orbit of the pass, the catalogue that of the first measurement; one item
    # of Sentinel-1C has the package (`_C`) in its type.
    assert differing == {"sentinel-3 sat:relative_orbit": 5, "sentinel-1 product:type": 1}
