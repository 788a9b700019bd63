"""One spelling for each thing, whoever names it."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.definitions import load_definitions
from catalog.errors import DefinitionError
from catalog.vocabulary import Vocabulary, build_vocabulary, fold

VOCABULARY = load_definitions().vocabulary


@pytest.mark.parametrize(
    ("kind", "native", "canonical"),
    [
        ("platform", "ALOS-2", "alos-2"),
        ("platform", "ALOS2", "alos-2"),
        ("platform", "ＡＬＯＳ－２", "alos-2"),
        ("platform", "だいち2号", "alos-2"),
        ("platform", "だいち２号", "alos-2"),
        ("platform", "GCOM-W1", "gcom-w"),
        ("platform", "しずく", "gcom-w"),
        ("platform", " Sentinel-3B ", "sentinel-3b"),
        ("platform", "MSG3", "meteosat-10"),
        ("platform", "ADEOS-II", "adeos-2"),
        ("instrument", "C-SAR", "sar"),
        ("instruments", "Poseidon-4", "p4"),
        ("instruments", "PALSAR2", "palsar-2"),
        ("processing:level", "AMSR2-L1R", "L1R"),
        ("processing:level", "LEVEL1", "L1"),
        ("processing:level", "S2MSI2A", "L2"),
        ("processing_level", "1.1", "L1.1"),
        ("orbit_state", "Descending", "descending"),
        ("sar:polarizations", "hv", "HV"),
        ("timeliness", "NTC", "NT"),
        ("instrument_mode", "S3", "SM"),
    ],
)
def test_native_spellings(kind: str, native: str, canonical: str) -> None:
    assert VOCABULARY.canonical(kind, native) == canonical


def test_an_unknown_value_passes_in_lower_case_and_is_counted(vocabulary: Vocabulary) -> None:
    assert vocabulary.canonical("platform", " New　Sat 7 ") == "new-sat-7"
    assert vocabulary.canonical("platform", "New　Sat 7") == "new-sat-7"
    assert vocabulary.unknown == Counter({("platform", "New　Sat 7"): 2})


def test_an_empty_value_is_not_counted(vocabulary: Vocabulary) -> None:
    assert vocabulary.canonical("platform", " ") == ""
    assert not vocabulary.unknown


def test_asking_for_facts_counts_nothing(vocabulary: Vocabulary) -> None:
    assert vocabulary.constellation_of("New Sat") is None
    assert vocabulary.frequency_band("New Radar", "New Sat") is None
    assert not vocabulary.unknown


def test_a_kind_that_does_not_exist_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError, match="colour"):
        VOCABULARY.canonical("colour", "red")


@given(kind=st.sampled_from(sorted(VOCABULARY.kinds)), native=st.text(max_size=40))
def test_what_is_canonical_stays(kind: str, native: str) -> None:
    once = VOCABULARY.canonical(kind, native)
    assert VOCABULARY.canonical(kind, once) == once


@pytest.mark.parametrize("kind", sorted(VOCABULARY.kinds))
def test_every_canonical_value_is_its_own_spelling(kind: str) -> None:
    for canonical in set(VOCABULARY.kinds[kind].values()):
        assert VOCABULARY.kinds[kind][fold(canonical)] == canonical


@pytest.mark.parametrize(
    ("native", "instruments"),
    [
        ("OLCI SLSTR", ["olci", "slstr"]),
        ("SYNERGY", ["olci", "slstr"]),
        ("DPR, GMI", ["dpr", "gmi"]),
        ("X-Band SAR", ["x-band-sar"]),
        ("SAR-C SAR", ["sar"]),
        ("SGLI", ["sgli"]),
        ("SGLI SGLI", ["sgli"]),
        ("", []),
    ],
)
def test_one_text_can_name_several_instruments(native: str, instruments: list[str]) -> None:
    assert VOCABULARY.canonical_instruments(native) == instruments


def test_facts_about_platforms() -> None:
    assert VOCABULARY.constellation_of("S2A") == "sentinel-2"
    assert VOCABULARY.constellation_of("だいち2号") == "alos"
    assert VOCABULARY.constellation_of("jers-1") is None


def test_the_band_of_a_radar_depends_on_who_carries_it() -> None:
    bands = {
        carrier: VOCABULARY.frequency_band("SAR", carrier)
        for carrier in ("sentinel-1a", "sentinel-1", "JERS-1", "envisat", None)
    }
    assert [band and (band.name, band.center_frequency) for band in bands.values()] == [
        ("C", 5.405),
        ("C", 5.405),
        ("L", 1.275),
        None,
        None,
    ]


def test_palsar_2_has_no_single_frequency() -> None:
    band = VOCABULARY.frequency_band("PALSAR-2")
    assert band is not None
    assert (band.name, band.center_frequency) == ("L", None)


def test_every_platform_named_by_a_radar_is_known() -> None:
    carriers = {*VOCABULARY.kinds["platform"].values(), *VOCABULARY.kinds["constellation"].values()}
    for radar in VOCABULARY.radars:
        assert radar.instrument in set(VOCABULARY.kinds["instrument"].values())
        assert radar.platform is None or radar.platform in carriers


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"themes": {"sar": {"en": "Radar"}}}, r"vocabulary\.yaml: themes\.sar\.ja: Field required"),
        ({"platforms": {"alos-9": {}}}, r"platforms\.alos-9: not a value of the kind `platform`"),
        ({"platforms": {"alos-2": {"constellation": "x"}}}, r"platforms\.alos-2: unknown constellation x"),
    ],
)
def test_a_wrong_member_is_named(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(DefinitionError, match=complaint):
        build_vocabulary({**minimal(), **change})


def test_one_spelling_of_two_things_is_refused() -> None:
    document = minimal()
    document["kinds"]["platform"]["values"]["alos"] = ["ａｌｏｓ２"]
    with pytest.raises(DefinitionError, match="means both alos-2 and alos"):
        build_vocabulary(document)


def minimal() -> dict[str, Any]:
    return {
        "kinds": {
            "platform": {"property": "platform", "values": {"alos-2": ["ALOS2"]}},
            "constellation": {"property": "constellation", "values": {"alos": []}},
            "instrument": {"property": "instruments", "values": {}},
        },
        "platforms": {},
        "radars": [],
        "combined_instruments": {},
        "themes": {},
    }


@pytest.fixture
def vocabulary() -> Vocabulary:
    return load_definitions().vocabulary
