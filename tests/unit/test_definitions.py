"""The definition files themselves: valid, complete, bilingual and in step with their tables."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from catalog.definitions import Definitions, load_definitions
from catalog.errors import DefinitionError, NotFound
from catalog.languages import LANGUAGES

ROOT = Path(__file__).resolve().parents[2]
JAPANESE = re.compile(r"[぀-ヿ一-鿿]")

MINIMAL = {
    "vocabulary.yaml": {
        "kinds": {
            "platform": {"property": "platform", "values": {"alos-2": ["ALOS2"]}},
            "constellation": {"property": "constellation", "values": {"alos": []}},
            "instrument": {"property": "instruments", "values": {"palsar-2": []}},
        },
        "platforms": {"alos-2": {"constellation": "alos"}},
        "radars": [],
        "combined_instruments": {},
        "themes": {"sar": {"en": "Radar", "ja": "レーダー"}},
    },
    "queryables.yaml": {"gsd": {"title": "GSD", "type": "number"}},
}


def collection(**changes: object) -> dict[str, object]:
    return {
        "id": "one",
        "title": {"en": "One", "ja": "ひとつ"},
        "description": {"en": "One.", "ja": "ひとつです。"},
        "keywords": {"en": ["one"], "ja": ["ひとつ"]},
        "license": "other",
        "links": [{"rel": "license", "href": "https://example.com/"}],
        "providers": [{"name": "JAXA", "roles": ["producer"]}],
        "extent": {"start": "2014-01-01T00:00:00Z"},
        **changes,
    }


def write(directory: Path, *collections: object, **files: object) -> Path:
    (directory / "collections").mkdir()
    for name, content in {**MINIMAL, **files}.items():
        (directory / name).write_text(yaml.safe_dump(content, allow_unicode=True))
    document = {"defaults": {}, "collections": list(collections)}
    (directory / "collections" / "family.yaml").write_text(yaml.safe_dump(document, allow_unicode=True))
    return directory


def test_ids_of_sources_lead_to_collections(definitions: Definitions) -> None:
    assert definitions.by_native("cdse")["sentinel-2-l2a"].id == "sentinel-2-l2a"
    assert definitions.by_native("gportal")["10002015"].id == "gcom-c-sgli-l2-rsrf"
    assert definitions.by_native("gportal")["10002004"] is definitions.by_native("gportal")["10002005"]
    assert not definitions.by_native("no-such-source")


def test_both_spellings_of_sentinel_6_lead_to_one_collection(definitions: Definitions) -> None:
    native = definitions.by_native("cdse")
    assert native["sentinel-6-amr-ntc"] is native["sentinel-6-amr-c-ntc"]


def test_every_text_is_there_in_both_languages(definitions: Definitions) -> None:
    for one in definitions.collections.values():
        for text in (one.title, one.description):
            assert JAPANESE.search(text.ja), f"{one.id}: {text.ja}"
            assert not JAPANESE.search(text.en), f"{one.id}: {text.en}"
        assert any(JAPANESE.search(word) for word in one.keywords.ja), one.id
        assert one.description.en.endswith("."), one.id
        assert one.description.ja.endswith("。"), one.id


def test_no_text_has_stray_blanks(definitions: Definitions) -> None:
    for one in definitions.collections.values():
        texts = [getattr(part, code) for part in (one.title, one.description) for code in LANGUAGES]
        for text in [*texts, *one.keywords.en, *one.keywords.ja]:
            assert text == " ".join(text.split()), f"{one.id}: {text!r}"


def test_titles_are_unique_within_a_language(definitions: Definitions) -> None:
    for code in LANGUAGES:
        seen: dict[str, str] = {}
        for one in definitions.collections.values():
            other = seen.setdefault(getattr(one.title, code), one.id)
            assert other == one.id, f"{one.id} and {other} have one title: {getattr(one.title, code)}"


def test_summaries_use_canonical_values(definitions: Definitions) -> None:
    vocabulary = definitions.vocabulary
    for one in definitions.collections.values():
        for kind in ("platform", "constellation", "instruments", "processing:level", "sar:instrument_mode"):
            for value in one.summaries.get(kind, []):
                assert value in set(vocabulary.kinds[kind].values()), f"{one.id}: {kind}: {value}"


def test_platforms_agree_with_their_constellation(definitions: Definitions) -> None:
    for one in definitions.collections.values():
        platforms = one.summaries.get("platform", [])
        known = {definitions.vocabulary.constellation_of(platform) for platform in platforms} - {None}
        if platforms and one.id not in {"cop-dem-glo-30-dged-cog", "cop-dem-glo-90-dged-cog"}:
            assert known == set(one.summaries.get("constellation", [])), one.id


def test_keywords_of_both_languages_are_in_each_rendering(definitions: Definitions) -> None:
    english = definitions.translation("gcom-w-amsr2-l3-sst-10km", "en")
    japanese = definitions.translation("gcom-w-amsr2-l3-sst-10km", "ja")
    assert {"sea surface temperature", "海面水温", "しずく"} <= set(english["keywords"])
    assert set(english["keywords"]) == set(japanese["keywords"])
    assert english["keywords"][0] == "GCOM-W"
    assert japanese["keywords"][0] == "しずく"


def test_language_is_not_among_the_other_languages(definitions: Definitions) -> None:
    rendered = definitions.render("alos-2-palsar-2-fbd", "ja")
    assert rendered["language"]["code"] == "ja"
    assert [other["code"] for other in rendered["languages"]] == ["en"]
    assert rendered["title"].startswith("だいち2号")


def test_rendering_gives_a_new_document_each_time(definitions: Definitions) -> None:
    definitions.render("sentinel-1-grd")["summaries"]["platform"].append("spoilt")
    assert "spoilt" not in definitions.render("sentinel-1-grd")["summaries"]["platform"]


def test_a_collection_that_is_not_defined_is_not_found(definitions: Definitions) -> None:
    with pytest.raises(NotFound, match="no-such"):
        definitions.render("no-such")


def test_loading_takes_a_moment() -> None:
    best = min(_seconds_to_load() for _ in range(3))
    assert best < 1.0, f"{best:.3f} s; 0.1 s when this was written"


def test_generated_files_are_what_the_tables_say() -> None:
    script = ROOT / "scripts" / "generate_collections.py"
    result = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"title": {"en": "One"}}, r"family\.yaml: collections\[0\] \(one\): title\.ja: Field required"),
        ({"title": {"en": "One ", "ja": "ひとつ"}}, r"title\.en: String should match pattern"),
        ({"colour": "red"}, r"colour: Extra inputs are not permitted"),
        ({"id": "One"}, r"\(One\): id: String should match pattern"),
        ({"links": []}, r"no link with rel `license`"),
        ({"providers": []}, r"providers: "),
        ({"themes": ["sonar"]}, r"themes: 'sonar' is not in vocabulary\.yaml"),
        ({"extent": {"start": "2014"}}, r"extent\.start: String should match pattern"),
        (
            {"extent": {"start": "2014-01-01T00:00:00Z", "end": "2013-01-01T00:00:00Z"}},
            r"end is before start",
        ),
        (
            {"extent": {"start": "2014-01-01T00:00:00Z", "bbox": [170, -10, -170, 10]}},
            r"bbox must be west < east",
        ),
    ],
)
def test_a_wrong_member_is_named(tmp_path: Path, changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(DefinitionError, match=complaint):
        load_definitions(write(tmp_path, collection(**changes)))


def test_an_id_defined_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"collections\[1\] \(one\): id: defined twice"):
        load_definitions(write(tmp_path, collection(), collection()))


def test_a_native_id_in_two_collections_is_refused(tmp_path: Path) -> None:
    both = [collection(id=name, sources={"gportal": ["10002015"]}) for name in ("one", "two")]
    with pytest.raises(DefinitionError, match=r"\(two\): sources\.gportal: 10002015 is also in one"):
        load_definitions(write(tmp_path, *both))


def test_a_file_that_is_not_yaml_is_named(tmp_path: Path) -> None:
    write(tmp_path, collection())
    (tmp_path / "collections" / "broken.yaml").write_text("a: [")
    with pytest.raises(DefinitionError, match=r"broken\.yaml: cannot be read"):
        load_definitions(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    write(tmp_path, collection())
    (tmp_path / "queryables.yaml").unlink()
    with pytest.raises(DefinitionError, match=r"queryables\.yaml: No such file"):
        load_definitions(tmp_path)


def test_members_of_a_collection_are_laid_over_the_defaults(tmp_path: Path) -> None:
    own = collection(keywords={"en": ["own"], "ja": ["独自"]}, summaries={"gsd": [3]}, themes=["sar"])
    write(tmp_path)
    document = {
        "defaults": {
            "keywords": {"en": ["shared"], "ja": ["共有"]},
            "summaries": {"gsd": [10], "platform": ["alos-2"]},
        },
        "collections": [own],
    }
    (tmp_path / "collections" / "family.yaml").write_text(yaml.safe_dump(document, allow_unicode=True))
    one = load_definitions(tmp_path).collections["one"]
    assert one.keywords.en == ("shared", "own")
    assert one.summaries == {"gsd": [3], "platform": ["alos-2"]}


def _seconds_to_load() -> float:
    # Time of the processor, which a busy machine does not stretch.
    started = time.process_time()
    load_definitions()
    return time.process_time() - started


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return load_definitions()
