"""Japanese for collections that upstreams describe in English."""

from typing import Any

import pytest

from catalog.errors import DefinitionError
from catalog.glossary import build_glossary
from tests.unit.documents import definitions


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Global Ocean Physics", ["全球海洋", "物理"]),
        ("sea-surface-height-above-geoid", ["ジオイド上海面高度"]),
        ("Sea ice concentration and sea ice drift", ["海氷密接度", "海氷漂流"]),
        ("Seasonal forecasts of rivers", ["季節予報"]),
        ("SST, SST and sst", ["海面水温"]),
        ("nothing that is known", []),
        ("", []),
    ],
)
def test_the_longest_terms_are_found_once(text: str, terms: list[str]):
    assert definitions().glossary.found(text) == terms


def test_a_translation_names_what_the_title_names_and_keeps_it():
    said = {"id": "x", "title": "Sea ice thickness", "description": "Text.", "keywords": ["arctic", "海氷厚"]}
    translation = definitions().glossary.translation(said)
    assert translation["title"] == "海氷厚（Sea ice thickness）"
    assert translation["description"].endswith("\n\nText.")
    assert translation["keywords"] == ["海氷厚", "北極", "arctic"]


def test_a_title_that_is_japanese_stays():
    said = {"id": "x", "title": "海氷 sea ice", "description": "d"}
    assert definitions().glossary.translation(said)["title"] == "海氷 sea ice"


def test_a_second_time_changes_nothing():
    said = {"id": "x", "title": "Sea ice", "description": "d", "keywords": ["a"]}
    once = definitions().bilingual(said)
    assert definitions().bilingual(once) == once
    assert once["keywords"] == ["a", "海氷"]
    assert once["languages"][0]["code"] == "ja"


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ({"terms": {"a": "b", "A": "c"}, "quiet": [], "lead": ""}, "there twice"),
        ({"terms": {"-": "b"}, "quiet": [], "lead": ""}, "empty"),
        ({"terms": {}, "quiet": ["x"], "lead": ""}, "no term"),
        ({"terms": {}}, "quiet"),
        (None, "glossary.yaml"),
    ],
)
def test_a_wrong_glossary_is_named(document: Any, complaint: str):
    with pytest.raises(DefinitionError, match=complaint):
        build_glossary(document)
