"""Product names: every grammar reads what it writes, whatever the pieces, and no text makes it stumble."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.names import families, format_name, parse_name, product_key, version_chains
from catalog.names.grammar import PLACE
from catalog.names.reading import _CLOCK

_FAMILIES = sorted(families())
# 1988 to 2086, where two digits of a year tell the century.
_MOMENTS = st.integers(567993600, 3692131200).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
_SOME = datetime(2011, 11, 11, 11, 11, 11, tzinfo=UTC)


def _written(moment: datetime, form: str) -> str:
    """Write a time in a form of the grammars, by other means than they read it."""
    pieces = {
        "YYYY": f"{moment.year:04}", "YY": f"{moment.year % 100:02}", "MM": f"{moment.month:02}",
        "DD": f"{moment.day:02}", "hh": f"{moment.hour:02}", "mm": f"{moment.minute:02}",
        "ss": f"{moment.second:02}", "Q": str((moment.month + 2) // 3),
    }  # fmt: skip
    return _CLOCK.sub(lambda token: pieces.get(token.group(), token.group()), form)


def _fits(way: str, pieces: list[str], patterns: Any) -> bool:
    """Whether a form of a time can stand where its piece is, or its pieces are."""
    return len(pieces) > 1 or re.fullmatch(patterns[pieces[0]], _written(_SOME, way)) is not None


@st.composite
def _parts(draw: st.DrawFn, family: str) -> tuple[str, dict[str, str], dict[str, datetime]]:
    """Pieces for one form of a family: any that fit their patterns, with real times in those of a time."""
    grammar = families()[family]
    form = draw(st.sampled_from(grammar.forms))
    names = [place.group(1) for place in PLACE.finditer(form)]
    parts = {
        name: draw(st.from_regex(re.compile(grammar.parts[name], re.ASCII), fullmatch=True)) for name in names
    }
    times = {}
    for field, time in grammar.times.items():
        template = next(
            (one for one in time.of if all(place.group(1) in parts for place in PLACE.finditer(one))), ""
        )
        pieces = [place.group(1) for place in PLACE.finditer(template)]
        if time.after_start or not pieces:
            continue
        way = draw(st.sampled_from([one for one in time.forms if _fits(one, pieces, grammar.parts)]))
        moment = draw(_MOMENTS)
        text = _written(moment, way)
        for piece in pieces:
            width = len(parts[piece]) if len(pieces) > 1 else len(text)
            parts[piece], text = text[:width], text[width:]
        times[field] = (moment, way)
    for time in grammar.times.values():
        if time.after_start:
            parts["end"] = _written(draw(_MOMENTS), "hhmm")
    return form, parts, times


@pytest.mark.parametrize("family", _FAMILIES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_a_grammar_writes_it_reads_back(family: str, data: st.DataObject) -> None:
    _, parts, times = data.draw(_parts(family))
    name = format_name(family, parts)
    parsed = parse_name(name)
    assert parsed is not None, name
    assert parsed.family == family
    assert dict(parsed.parts) == parts
    assert parsed.name == name
    for field, (moment, way) in times.items():
        read = getattr(parsed, field)
        assert _written(read, way) == _written(moment, way)
        assert read.tzinfo is UTC


@pytest.mark.parametrize("family", _FAMILIES)
def test_a_grammar_reads_its_own_example(family: str) -> None:
    parsed = parse_name(families()[family].example)
    assert parsed is not None
    assert parsed.family == family


@settings(max_examples=400, deadline=None)
@given(st.text() | st.from_regex(r"\A(S[1-6][A-D]|GC1SG1|GW1AM2|ALOS2|GPM|ECA)_?[A-Z0-9_T.]*\Z"))
def test_no_text_raises(text: str) -> None:
    parse_name(text)
    product_key(text)
    version_chains([text])


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_damaged_name_raises_nothing(data: st.DataObject) -> None:
    example = families()[data.draw(st.sampled_from(_FAMILIES))].example
    place = data.draw(st.integers(0, len(example)))
    junk = data.draw(st.text(max_size=3) | st.sampled_from(["٣", "9999", "\x00", "\ud800", "_", "Ａ"]))
    parse_name(example[:place] + junk + example[place + len(junk) :])


def test_digits_of_other_scripts_are_no_digits() -> None:
    assert parse_name("ALPSRP11104113٠") is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "S1A_IW_GRDH_1SDV_20210809T173953_20210809T174018_039156_049F13_6FF8.SAFE",
            {
                "platform": "sentinel-1a", "instruments": ("sar",), "mode": "IW", "level": "L1",
                "polarizations": ("VV", "VH"), "product_type": "IW_GRDH_1S", "absolute_orbit": 39156,
                "relative_orbit": 59, "start": datetime(2021, 8, 9, 17, 39, 53, tzinfo=UTC),
                "end": datetime(2021, 8, 9, 17, 40, 18, tzinfo=UTC), "is_auxiliary": False,
            },
        ),
        (
            "S1B_EW_SLC__1SSH_20161121T010910_20161121T010939_003050_0052FC_EC22",
            {"platform": "sentinel-1b", "polarizations": ("HH",), "relative_orbit": 49},
        ),
        # Of Sentinel-1C only the metadata tell the relative orbit.
        (
            "S1C_S4_GRDH_1SDH_20250118T171404_20250118T171421_000638_000538_4B8B_COG",
            {"platform": "sentinel-1c", "mode": "S4", "absolute_orbit": 638, "relative_orbit": None},
        ),
        (
            "S1A_IW_ETA__AXDV_20231007T080232_20231007T080259_050656_061A69_2C59",
            {"product_type": "IW_ETA__AX", "level": None},
        ),
        (
            "S2A_MSIL2A_20240116T000741_N0511_R130_T51CVP_20240116T010505.SAFE",
            {
                "platform": "sentinel-2a", "grid": "MGRS-51CVP", "product_type": "S2MSI2A", "level": "L2",
                "relative_orbit": 130, "version": "05.11", "start": datetime(2024, 1, 16, 0, 7, 41, tzinfo=UTC),
            },
        ),
        (
            "S3A_SY_2_V10____20230501T000000_20230510T235959_20230512T231023_AFRICA____________PS1_O_NT_002.SEN3",
            {
                "tile": "AFRICA", "instruments": ("olci", "slstr"), "product_type": "SY_2_V10___",
                "timeliness": "NT", "relative_orbit": None, "baseline": "002",
            },
        ),
        (
            "S3A_OL_1_ERR____20160425T113314_20160425T121722_20180201T173915_2648_003_237______LR2_R_NT_002.SEN3",
            {"cycle": 3, "relative_orbit": 237, "frame": None, "created": datetime(2018, 2, 1, 17, 39, 15, tzinfo=UTC)},
        ),
        (
            "S5P_OFFL_L2__NO2____20200303T013547_20200303T031717_12367_01_010302_20200306T053815.nc",
            {"product_type": "L2__NO2___", "timeliness": "OFFL", "version": "01.03.02", "absolute_orbit": 12367},
        ),
        (
            "S6A_P4_2__LR______20250220T090208_20250220T095821_20250312T230313_3373_157_228_114_EUM__OPE_NT_F09.SEN6",
            {"pass_number": 228, "relative_orbit": 114, "cycle": 157, "instruments": ("p4",), "level": "L2"},
        ),
        ("Sentinel-2_mosaic_2024_Q3_17RLM_0_0", {"start": datetime(2024, 7, 1, tzinfo=UTC), "platform": None}),
        ("Copernicus_DSM_COG_10_N35_00_E139_00_DEM", {"grid": "CDEM-N35E139", "product_type": "DGE_30-COG"}),
        (
            "GC1SG1_20240409D01D_T0528_L2SG_RSRFQ_3002",
            {"platform": "gcom-c", "grid": "SGLI-T0528", "version": "3.002", "orbit_state": "descending"},
        ),
        ("GC1SG1_20180902D01D_X0000_3BSG_EVI_F_2000", {"grid": None, "product_type": "EVI", "level": "L3"}),
        ("GC1SG1_201912050159F05712_1BSG_VNRDQ_1007", {"relative_orbit": 57, "level": "L1B", "frame": 12}),
        (
            "GW1AM2_202001010047_189D_L1SGRTBR_2220220",
            {"level": "L1R", "relative_orbit": 189, "version": "220.220", "product_type": "RTB"},
        ),
        ("GW1AM2_201303011809_184D_L2SGSSTLC3300300", {"level": "L2", "product_type": "SST"}),
        ("GW1AM2_20120700_01M_EQMA_L3SGT06HA2220220", {"level": "L3", "product_type": "T06", "start": datetime(2012, 7, 1, tzinfo=UTC)}),
        # The end is on the day after the start.
        (
            "GPMCOR_DPR_1501312330_0102_004769_L2S_DD2_05A.h5",
            {
                "platform": "gpm", "absolute_orbit": 4769, "start": datetime(2015, 1, 31, 23, 30, tzinfo=UTC),
                "end": datetime(2015, 2, 1, 1, 2, tzinfo=UTC), "timeliness": None,
            },
        ),
        ("GPMCOR_KUR_2401010000_0132_1BR_DUB_07A", {"timeliness": "NRT", "absolute_orbit": None}),
        ("GPMMRG_MAP_1601_M_L3S_MCM_03F", {"platform": None, "version": "03F", "start": datetime(2016, 1, 1, tzinfo=UTC)}),
        ("GPMMRG_MAP_9903010100_H_L3S_MCH_03F", {"start": datetime(1999, 3, 1, 1, tzinfo=UTC)}),
        (
            "ALOS2010632250-140804_WBDR2.2GUD",
            {"mode": "WBD", "level": "L2.2", "absolute_orbit": 1063, "frame": 2250, "orbit_state": "descending"},
        ),
        ("ALOS2478123150-230331-WBDR1.1__D.zip", {"mode": "WBD", "level": "L1.1", "absolute_orbit": 47812}),
        ("ALOS2014410740-140829", {"mode": None, "start": datetime(2014, 8, 29, tzinfo=UTC)}),
        ("ALPSRS279162650-L1.5", {"instruments": ("palsar",), "level": "L1.5", "start": None}),
        ("ALPSMLC30_N041W106_DSM", {"instruments": ("prism",), "tile": "N041W106"}),
        ("N23W161_20_sl_HH_F02DAR.tif", {"polarizations": ("HH",), "platform": None}),
        (
            "AST_L1T_00305032000040446_20150409135350_78838",
            {"platform": "terra", "start": datetime(2000, 5, 3, 4, 4, 46, tzinfo=UTC), "level": "L1T"},
        ),
        (
            "HS_H09_20260622_1100_B13_FLDK_R20_S0510.DAT.bz2",
            {"platform": "himawari-9", "start": datetime(2026, 6, 22, 11, tzinfo=UTC), "mode": "FLDK"},
        ),
        ("HSHL1G_N329E1299_20230523072720_20240308144532", {"platform": "iss", "level": "L1G"}),
        (
            "ECA_J_CPR_CLP_2AS_20240811T1548_20240811T1559_01162E_vBb.h5",
            {"platform": "earthcare", "level": "L2A", "instruments": ("cpr",), "version": "Bb", "absolute_orbit": 1162},
        ),
        ("S1A_OPER_AUX_POEORB_OPOD_20210301T130653_V20140406T225944_20140408T005944.EOF", {"is_auxiliary": True}),
        ("S1__AUX_SCS_V20140406T133000_G20240612T132402.SAFE", {"is_auxiliary": True, "platform": None}),
    ],
)  # fmt: skip
def test_a_name_says(name: str, expected: dict[str, Any]) -> None:
    parsed = parse_name(name)
    assert parsed is not None
    assert {field: getattr(parsed, field) for field in expected} == expected


@pytest.mark.parametrize(
    "name",
    [
        "S2A_MSIL2A_20241316T000741_N0511_R130_T51CVP_20240116T010505",  # a 13th month
        "S2A_MSIL2A_20230229T000741_N0511_R130_T51CVP_20240116T010505",  # no leap year
        "S2A_MSIL2A_20240116T000741_N0511_R130_T51IVP_20240116T010505"[:-1],
        "S1A_IW_GRDH_1SDV_20210809T173953_20210809T174018_039156_049F13",  # without check sum
        "GC1SG1_20240409D01D_T05_L2SG_RSRFQ_3002",
        "ALOS2014410740-141329",
        "",
        ".SAFE",
        "A" * 10_000,
    ],
)
def test_what_is_no_product_name(name: str) -> None:
    assert parse_name(name) is None


def test_one_product_has_one_key_at_all_hubs() -> None:
    name = "S3A_OL_2_WFR____20210604T001016_20210604T001316_20210604T021918_0179_072_273_1440_MAR_O_NR_003"
    spellings = [name, f"{name}.SEN3", f"{name}.SEN3.zip", name.lower(), f" {name}.SEN3\n"]
    assert {product_key(spelling) for spelling in spellings} == {name}
    # Where case tells products apart, it stays.
    assert product_key("DEM1_SAR_DGE_30_20101212T230244_20140329T113710_ADS_000000_eAmG.DEM").endswith("eAmG")
    assert product_key("some-thing.else.nc") == "some-thing.else"


def test_versions_are_chained_oldest_first() -> None:
    old = "S2A_MSIL2A_20200101T100319_N0213_R122_T33TXN_20200101T114002"
    middle = "S2A_MSIL2A_20200101T100319_N0500_R122_T33TXN_20230502T031555"
    latest = "S2A_MSIL2A_20200101T100319_N0500_R122_T33TXN_20230618T201545"
    on_demand = "S2A_MSIL2A_20200101T100319_N9999_R122_T33TXN_20240618T201545"
    neighbour = "S2A_MSIL2A_20200101T100319_N0500_R122_T33TXM_20230618T201545"
    chains = version_chains(
        [latest, on_demand, f"{old}.SAFE", neighbour, middle, latest + ".SAFE", "no product"]
    )
    assert sorted([version.name for version in chain] for chain in chains.values()) == sorted(
        [[old, middle, latest], [on_demand], [neighbour]]
    )


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("GC1SG1_20200701D01D_T0520_L2SG_VGI_Q_2000", "GC1SG1_20200701D01D_T0520_L2SG_VGI_Q_3001"),
        ("GW1AM2_20230101_01D_EQMA_L3SGSNDHG1100100", "GW1AM2_20230101_01D_EQMA_L3SGSNDHG2210210"),
        ("GPMCOR_DPR_1501010000_0132_004769_L2S_DD2_05A", "GPMCOR_DPR_1501010000_0132_004769_L2S_DD2_07A"),
        (
            "S5P_OFFL_L2__NO2____20200303T013547_20200303T031717_12367_01_010302_20200306T053815",
            "S5P_OFFL_L2__NO2____20200303T013547_20200303T031717_12367_03_020400_20221106T094213",
        ),
        (
            "S3A_OL_1_EFR____20160501T023119_20160501T023419_20180207T115114_0179_003_317_2520_LR2_R_NT_002",
            "S3A_OL_1_EFR____20160501T023119_20160501T023419_20241003T093342_0179_003_317_2520_MAR_R_NT_004",
        ),
    ],
)
def test_a_reprocessed_product_follows_its_predecessor(older: str, newer: str) -> None:
    (chain,) = version_chains([newer, older]).values()
    assert [version.name for version in chain] == [older, newer]


def test_two_slices_that_differ_in_the_check_sum_are_in_no_chain() -> None:
    # The same times and orbit, two check sums: versions of one slice, or two slices of one second.
    slices = [
        f"S1A_IW_SLC__1SDV_20220621T043617_20220621T043635_043756_053954_{check}"
        for check in ("0A1B", "FF00")
    ]
    assert version_chains(slices) == {}
    assert len({parsed.version_key for parsed in map(parse_name, slices) if parsed}) == 1


def test_no_two_grammars_read_one_example() -> None:
    """The order in which grammars are tried must not matter for what they were made for."""
    for grammar in families().values():
        readers = [
            other.id
            for other in families().values()
            for form in other.forms
            if re.fullmatch(
                PLACE.sub(
                    lambda place, other=other: f"(?:{other.parts[place.group(1)]})",
                    re.escape(form).replace("\\{", "{").replace("\\}", "}"),
                ),
                grammar.example,
            )
        ]
        assert readers == [grammar.id]
