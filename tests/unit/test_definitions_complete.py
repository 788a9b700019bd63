"""The definitions against the upstreams' own lists and the STAC schemas, which lie beside the repository.

These need the folder `shared/` next to the checkout (or next to one of its parents); without it they are
skipped, and say so.
"""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from catalog.definitions import Definitions, load_definitions
from catalog.languages import LANGUAGES

CORE = "https://schemas.stacspec.org/v1.1.0/collection-spec/json-schema/collection.json"
LEFT_OUT = ("28", "29")  # NASA's MODIS, which G-Portal only passes on


def test_every_collection_validates_in_both_languages(definitions: Definitions, schemas: Path) -> None:
    def retrieve(uri: str) -> Any:
        file = schemas / uri.partition("://")[2].partition("#")[0]
        # What Storage says of single platforms is in no set of schemas that there is.
        return True if "/platforms/" in uri else json.loads(file.read_text())

    validators = {}
    for identifier in definitions.collections:
        for language in LANGUAGES:
            document = definitions.render(identifier, language)
            for uri in (CORE, *document["stac_extensions"]):
                if uri not in validators:
                    validators[uri] = jsonschema_rs.validator_for(retrieve(uri), retriever=retrieve)
                errors = [
                    f"{'/'.join(map(str, e.instance_path))}: {e.message}"
                    for e in validators[uri].iter_errors(document)
                ]
                assert not errors, f"{identifier} ({language}) by {uri}: {errors[0]}"


def test_every_prefix_in_use_is_declared(definitions: Definitions) -> None:
    for identifier in definitions.collections:
        document = definitions.render(identifier)
        prefixes = {
            name.partition(":")[0] for name in [*document, *document.get("summaries", {})] if ":" in name
        }
        declared = {uri.split("/")[3] for uri in document["stac_extensions"]}
        assert {
            {"sci": "scientific", "auth": "authentication"}.get(prefix, prefix) for prefix in prefixes
        } <= declared, identifier


def test_every_dataset_of_gportal_has_a_collection(definitions: Definitions, samples: Path) -> None:
    listed = json.loads((samples / "japan/gportal/dataset_ids_titles_mid-2026.json").read_text())
    wanted = {entry["datasetId"] for entry in listed["datasets"]} | set(listed["ids_without_title"])
    wanted = {one for one in wanted if not one.startswith(LEFT_OUT)}
    assert len(wanted) > 700
    assert wanted == set(definitions.by_native("gportal"))


def test_every_collection_of_cdse_has_a_definition(definitions: Definitions, samples: Path) -> None:
    listed = json.loads((samples / "copernicus/cdse-stac/collections_list.json").read_text())["collections"]
    wanted = {entry["id"] for entry in listed if not entry["id"].startswith("ccm-")}
    native = definitions.by_native("cdse")
    assert wanted <= set(native)
    assert all(native[one].id == one for one in wanted)


def test_start_of_a_cdse_collection_is_what_cdse_says(definitions: Definitions, samples: Path) -> None:
    listed = json.loads((samples / "copernicus/cdse-stac/collections_list.json").read_text())["collections"]
    for entry in listed:
        said = entry["extent"]["temporal"]["interval"][0][0][:19]
        assert definitions.collections[entry["id"]].extent.start[:19] == said, entry["id"]


def test_values_of_recorded_cdse_items_are_known(definitions: Definitions, samples: Path) -> None:
    vocabulary = load_definitions().vocabulary
    for path in sorted((samples / "copernicus/cdse-stac/items").rglob("*.json")):
        item = json.loads(path.read_text())
        if item.get("collection", "").startswith("ccm-") or path.parent.name == "ccm":
            continue
        properties = item["properties"]
        for kind in (
            "platform",
            "constellation",
            "processing:level",
            "product:timeliness_category",
            "sat:orbit_state",
        ):
            if value := properties.get(kind):
                assert vocabulary.canonical(kind, value) == value, f"{path.name}: {kind}"
        for value in properties.get("instruments", []):
            assert vocabulary.canonical("instruments", value) == value, path.name
        for value in properties.get("sar:polarizations", []):
            assert vocabulary.canonical("sar:polarizations", value) == value, path.name
    assert not vocabulary.unknown


@pytest.fixture(scope="module")
def samples(shared: Path) -> Path:
    return shared / "samples"


@pytest.fixture(scope="module")
def schemas(shared: Path) -> Path:
    return shared / "schemas"


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return load_definitions()
