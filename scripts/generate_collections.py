#!/usr/bin/env python3
"""Write the collections that nobody should have to write by hand: `catalog/collections/generated/`.

G-Portal has some 750 datasets and CDSE more than 100 collections of Sentinel-3, -5P and -6 which differ
only in product, level, grid and timeliness. Their facts are two tables in `catalog/collections/tables/`:

    gportal.csv   dataset id, the collection that we put it in, the upstream's own title
    cdse.csv      collection, its ids at CDSE, start, gsd, product type, timeliness
    jaxa-earth.csv   native id, of which ours is made by rule, start, end, box where it is not the globe

and their words, in English and Japanese, the YAML files beside them. An id is read from the left:
`<sensor>-<level>-<product>-<qualifier>...`, such as `gcom-w-amsr2-l3-sst-10km`; each part is looked up in
the family's file first and in `common.yaml` second, and titles, descriptions and keywords are put
together from what is found. A family may have `products` and `qualifiers` of its own, which go before the
common ones. To add a dataset: a line in a table and, for a new product, an entry with
its words; then run this script. A collection that is worth more words is written by hand in
`catalog/collections/<family>.yaml`, which this script then leaves alone.

One leaf of G-Portal's tree is one collection, even where it holds several dataset ids: those are the same
product by another grid spacing, band or direction of flight, which the titles do not tell apart.

What is written is JSON because it loads fifty times as fast as YAML. `--check` writes nothing and fails
when the files are not what the tables say.
"""

import argparse
import csv
import re
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import yaml

COLLECTIONS = Path(__file__).resolve().parent.parent / "catalog" / "collections"
TABLES = COLLECTIONS / "tables"
LANGUAGES = ("en", "ja")

Words = Mapping[str, Any]


def main(arguments: list[str] | None = None) -> int:
    """Write or check the generated files; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is out of date")
    check = parser.parse_args(arguments).check
    stale = []
    for path, content in generate().items():
        if path.exists() and path.read_bytes() == content:
            continue
        stale.append(path.name)
        if not check:
            path.write_bytes(content)
    sys.stdout.write(f"{'out of date' if check else 'written'}: {', '.join(stale) or 'none'}\n")
    return 1 if check and stale else 0


def generate() -> dict[Path, bytes]:
    """Return the content of every generated file, by path."""
    for path in TABLES.glob("*.yaml"):
        _check_texts(_read(path), path.name)
    common = _read(TABLES / "common.yaml")
    families = {path.stem: _read(path) for path in sorted(TABLES.glob("*.yaml")) if path.stem != "common"}
    sensors = {
        name: (family, words)
        for family, document in families.items()
        for name, words in document["sensors"].items()
    }
    entries = defaultdict(list)
    for identifier, facts in _rows(_by_hand()).items():
        name = max(
            (name for name in sensors if f"{identifier}-".startswith(f"{name}-")), key=len, default=None
        )
        if name is None:
            raise SystemExit(f"{identifier}: no family has a sensor that its id begins with")
        family, sensor = sensors[name]
        entries[family].append(
            _collection(
                identifier, identifier[len(name) + 1 :], sensor, _own(families[family], common), facts
            )
        )
    return {
        COLLECTIONS / "generated" / f"{family}.json": _render(document, family, entries[family])
        for family, document in families.items()
    }


def _own(document: Words, common: Words) -> Words:
    """Return the common words with those of a family laid over them."""
    return {
        **common,
        **{part: {**common[part], **document.get(part, {})} for part in ("products", "qualifiers")},
    }


def _rows(skip: set[str]) -> dict[str, dict[str, Any]]:
    """Return the facts of every collection to write: sources, and where known start and summaries."""
    rows: dict[str, dict[str, Any]] = {}
    for row in _table("gportal.csv"):
        if row["collection"] not in skip:
            rows.setdefault(row["collection"], {"sources": {"gportal": []}})["sources"]["gportal"].append(
                row["dataset_id"]
            )
    for row in _table("cdse.csv"):
        summaries: dict[str, list[Any]] = {"gsd": [int(row["gsd"])], "product:type": [row["product_type"]]}
        for column in ("timeliness", "timeliness_category"):
            if row[column]:
                summaries[f"product:{column}"] = [row[column]]
        rows[row["collection"]] = {
            "extent": {"start": row["start"]},
            "summaries": summaries,
            "sources": {"cdse": row["native"].split()},
        }
    for row in _table("jaxa-earth.csv"):
        identifier = jaxa_earth_id(row["native"])
        if identifier not in skip:
            extent: dict[str, Any] = {"start": row["start"]}
            if row["end"]:
                extent["end"] = row["end"]
            if row["bbox"]:
                extent["bbox"] = [float(edge) for edge in row["bbox"].split()]
            rows[identifier] = {"extent": extent, "sources": {"jaxa-earth": [row["native"]]}}
    return rows


def jaxa_earth_id(native: str) -> str:
    """Return the id of a collection of JAXA Earth, by the rule of `ingest.jaxa_earth.collection_id`."""
    return "jaxa-earth-" + re.sub(r"[^a-z0-9]+", "-", native.removeprefix("JAXA.").lower()).strip("-")


def _collection(identifier: str, rest: str, sensor: Words, common: Words, facts: Words) -> dict[str, Any]:
    """Put one collection together from the words for the parts of its id."""
    level_id, _, after = rest.partition("-")
    if level_id not in common["levels"]:
        level_id, after = "", rest
    level = common["levels"].get(level_id, {"label": "", "value": None})
    product, qualifier_ids = _product(identifier, level_id, after, sensor, common)
    qualifiers = [common["qualifiers"][name] for name in qualifier_ids]
    of_level = sensor.get("levels", {}).get(level_id, {})
    merged: dict[str, Any] = {"id": identifier}
    merged["title"] = {
        "en": " ".join(
            filter(None, [sensor["name"]["en"], level["label"], _named(product, qualifiers, "en")])
        ),
        "ja": " ".join(
            filter(
                None,
                [sensor["name"]["ja"], level.get("ja", level["label"]), _named(product, qualifiers, "ja")],
            )
        ),
    }
    parts = [product, *qualifiers, of_level]
    merged["description"] = {
        "en": " ".join(part["text"]["en"] for part in parts if "text" in part),
        "ja": "".join(part["text"]["ja"] for part in parts if "text" in part),
    }
    merged["keywords"] = {
        code: list(
            dict.fromkeys(word for part in (sensor, *parts) for word in part.get("words", {}).get(code, []))
        )
        for code in LANGUAGES
    }
    merged["themes"] = product["themes"]
    summaries = {"processing:level": [level["value"]]} if level["value"] else {}
    for part in (sensor.get("members", {}), of_level.get("members", {}), product.get("members", {}), facts):
        summaries |= part.get("summaries", {})
        merged |= {name: value for name, value in part.items() if name != "summaries"}
    for part in (product, *qualifiers):
        summaries |= part.get("summaries", {})
    if summaries:
        merged["summaries"] = summaries
    return merged


def _product(identifier: str, level: str, text: str, sensor: Words, common: Words) -> tuple[Words, list[str]]:
    """Read `text` as the longest known product and the qualifiers after it."""
    parts = text.split("-") if text else []
    for count in range(len(parts), -1, -1):
        name, rest = "-".join(parts[:count]), parts[count:]
        own = sensor.get("products", {})
        product = own.get(f"{level}/{name}") or own.get(name) or common["products"].get(name)
        if product and (qualifiers := _qualifiers(rest, common["qualifiers"])) is not None:
            return product, qualifiers
    raise SystemExit(f"{identifier}: no words for {text!r} of level {level!r}")


def _qualifiers(parts: list[str], known: Words) -> list[str] | None:
    """Split `parts` into known qualifiers, the longest first; None if that cannot be done."""
    if not parts:
        return []
    for count in range(len(parts), 0, -1):
        name = "-".join(parts[:count])
        if name in known and (rest := _qualifiers(parts[count:], known)) is not None:
            return [name, *rest]
    return None


def _named(product: Words, qualifiers: list[Words], language: str) -> str:
    """Return `Name, qualifier` or `名前（限定語）`; brackets at the end of a name take the qualifiers in."""
    names = [qualifier["name"][language] for qualifier in qualifiers if "name" in qualifier]
    name: str = product["name"][language]
    if language == "en" or not names:
        return ", ".join([name, *names])
    return f"{name[:-1]}、{'・'.join(names)}）" if name.endswith("）") else f"{name}（{'・'.join(names)}）"


def _check_texts(node: Any, where: str) -> None:
    """Refuse a text that lacks a language, or that an unquoted comma has cut in two."""
    if isinstance(node, dict):
        if "en" in node and node.keys() != set(LANGUAGES):
            raise SystemExit(f"{where}: must have en and ja only (quote a text with a comma): {node}")
        for name, child in node.items():
            _check_texts(child, f"{where}: {name}")


def _by_hand() -> set[str]:
    return {entry["id"] for path in COLLECTIONS.glob("*.yaml") for entry in _read(path)["collections"]}


def _render(document: Words, family: str, entries: list[dict[str, Any]]) -> bytes:
    about = (
        f"Written by scripts/generate_collections.py; edit tables/{family}.yaml instead. {document['about']}"
    )
    content = {"about": about, "defaults": document["defaults"], "collections": entries}
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _table(name: str) -> list[dict[str, str]]:
    with (TABLES / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    raise SystemExit(main())
