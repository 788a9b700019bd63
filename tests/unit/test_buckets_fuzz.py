"""Junk anywhere in a record of JAXA Earth, PALSAR-2 or Himawari costs that record and nothing else."""

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.errors import UpstreamChanged
from tests.unit.documents_buckets import SGLI_SST, SMC, clouds, full_disk, scansar, tile_item, tile_record
from tests.unit.source_checks import take
from tests.unit.test_ingest_fuzz import _JUNK, _places, _with

_TILE = "E130.00-N30.00-E140.00-N40.00"
_DOCUMENTS: dict[str, tuple[str, Any]] = {
    "tile": ("jaxa-earth", tile_record(SGLI_SST, "2026-10/05", 2, (_TILE, tile_item(_TILE)), whole=False)),
    "file": ("jaxa-earth", tile_item("E000.00-S90.00-E180.00-N90.00", "CHLA", collection=SMC)),
    "collections": (
        "jaxa-earth",
        {
            "collections": [
                {"id": "JAXA.X_new_daily", "extent": {"spatial": {"bbox": [[0, 0, 1, 1]]}}, "keywords": [""]}
            ]
        },
    ),
    "catalogue": (
        "jaxa-earth",
        {"type": "Catalog", "links": [{"rel": "child", "href": f"./{SMC}/collection.json"}]},
    ),
    "scene": ("palsar2", scansar()),
    "keys": ("himawari", {"noaa-himawari9": [*full_disk(leave_out=158), *clouds("CMSK")]}),
}


@pytest.mark.parametrize("name", _DOCUMENTS)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(data=st.data())
def test_junk_anywhere_is_refused_or_leaves_valid_items(name: str, data: st.DataObject) -> None:
    source, document = _DOCUMENTS[name]
    changed = copy.deepcopy(document)
    for _ in range(data.draw(st.integers(1, 2))):
        changed = _with(changed, data.draw(st.sampled_from(list(_places(changed))[:400])), data.draw(_JUNK))
    try:
        taken = take(source, changed)
    except UpstreamChanged as error:
        assert "\n" not in str(error)
        assert "test 0" in str(error)
        return
    except AssertionError as error:
        # Junk may name an extension that nobody bundles.
        assert "not bundled" in str(error)
        return
    assert all("\n" not in reason for _, reason in taken.refused)
    assert taken.items or taken.collections or taken.refused or source == "himawari" or name == "catalogue"
