"""Assets in one style: keys, roles, bands, sizes, checksums, and what is kept of how files are got."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.access import load_access
from ingest.access import settle_access
from ingest.assets import NATIVE_KEY, Notes, harmonise
from ingest.checksums import is_multihash, multihash


def one_style(
    assets: dict[str, Any], source: str = "cdse", instruments: tuple[str, ...] = ()
) -> tuple[dict[str, Any], Notes]:
    notes = Notes(Counter(), Counter())
    return harmonise(assets, source, instruments, notes), notes


@pytest.mark.parametrize(
    ("source", "native", "key"),
    [
        ("cdse", "Product", "product"),
        ("cdse", "B02_10m", "b02-10m"),
        ("cdse", "B8A", "b8a"),
        ("cdse", "Oa01_radianceData", "oa01-radiance-data"),
        ("cdse", "Oa01_reflectanceData", "oa01-reflectance"),
        ("eumetsat", "Oa01_reflectance", "oa01-reflectance"),
        ("cdse", "chl-Nn", "chl-nn"),
        ("eumetsat", "chl_nn", "chl-nn"),
        ("eumetsat", "EOPMetadata", "eop-metadata"),
        ("cdse", "eop_metadata", "eop-metadata"),
        ("cdse", "netcdf", "data"),
        ("palsar2", "MSK", "data-mask"),
        ("palsar2", "HH_SLP", "hh-slp"),
        ("cmems", "timeChunked", "time-chunked"),
        ("himawari", "b13-s05", "b13-s05"),
        ("tellus", "観測", "観測"),
    ],
)
def test_a_key_has_one_style_and_the_native_one_is_kept(source: str, native: str, key: str) -> None:
    assets, _ = one_style({native: {"href": "h"}}, source)
    assert list(assets) == [key]
    assert assets[key].get(NATIVE_KEY) == (native if native != key else None)


def test_the_same_bands_of_two_hubs_have_the_same_keys() -> None:
    cdse = one_style({f"Oa{band:02}_reflectanceData": {"href": "h"} for band in range(1, 22)})[0]
    eumetsat = one_style({f"Oa{band:02}_reflectance": {"href": "h"} for band in range(1, 22)}, "eumetsat")[0]
    assert cdse.keys() == eumetsat.keys()


def test_keys_that_fall_together_stay_apart() -> None:
    assets, _ = one_style({"Product": {"href": "old"}, "product": {"href": "new"}, "PRODUCT": {"href": "x"}})
    assert assets["product"]["href"] == "new", "who has the key already keeps it"
    assert {asset["href"] for asset in assets.values()} == {"old", "new", "x"}
    assert assets.keys() == {"product", "product-2", "product-3"}


@given(
    st.dictionaries(st.text(min_size=1, max_size=12), st.fixed_dictionaries({"href": st.text()}), max_size=8)
)
def test_no_asset_is_lost_and_doing_it_again_changes_nothing(native: dict[str, Any]) -> None:
    assets, _ = one_style(native)
    assert len(assets) == len(native)
    assert {asset.get(NATIVE_KEY, key): asset["href"] for key, asset in assets.items()} == {
        key: asset["href"] for key, asset in native.items()
    }


def test_roles_are_of_one_vocabulary_and_unknown_ones_are_counted() -> None:
    assets, notes = one_style(
        {
            "a": {"href": "h", "roles": ["Data", "Quick-Look", "data"]},
            "b": {"href": "h", "roles": "mask"},
            "c": {"href": "h", "roles": ["gsd:10m", "iw1", "strange"]},
            "thumbnail": {"href": "h"},
            "SCL_20m": {"href": "h", "roles": ["data"]},
            "d": {"href": "h", "roles": [5, None]},
        }
    )
    assert assets["a"]["roles"] == ["data", "overview"]
    assert assets["b"]["roles"] == ["data-mask"]
    assert assets["c"]["roles"] == ["gsd:10m", "iw1", "strange"]
    assert assets["thumbnail"]["roles"] == ["thumbnail"]
    assert assets["scl-20m"]["roles"] == ["data", "cloud", "cloud-shadow", "snow-ice"]
    assert notes.unknown == {("role of an asset", "strange"): 1}


def test_bands_get_the_common_name_of_their_instrument() -> None:
    assets, _ = one_style(
        {
            "a": {
                "href": "h",
                "bands": [{"name": "Oa08"}, {"name": "Oa08", "eo:common_name": "nir"}, {"name": "Oa01"}, 5],
            }
        },
        instruments=("olci",),
    )
    names = [band.get("eo:common_name") if isinstance(band, dict) else band for band in assets["a"]["bands"]]
    assert names == ["red", "nir", None, 5], "what the upstream says stays"


@pytest.mark.parametrize(
    ("native", "kept"),
    [
        (5, 5),
        ("5", 5),
        (5.0, 5),
        (0, 0),
        (-1, None),
        ("5 MB", None),
        (1.5, None),
        (True, None),
        (10**40, None),
    ],
)
def test_a_size_is_a_number_of_bytes_or_left_out_with_a_count(native: Any, kept: int | None) -> None:
    assets, notes = one_style({"a": {"href": "h", "file:size": native}})
    assert assets["a"].get("file:size") == kept
    assert sum(notes.repairs.values()) == (kept is None)


def test_a_checksum_that_is_none_is_left_out_with_a_count() -> None:
    good = "D50110" + "a" * 32
    assets, notes = one_style(
        {"a": {"href": "h", "file:checksum": good}, "b": {"href": "h", "file:checksum": "d50120" + "a" * 32}}
    )
    assert assets["a"]["file:checksum"] == good.lower()
    assert "file:checksum" not in assets["b"]
    assert notes.repairs == {"file:checksum that is no multihash left out": 1}


@given(st.sampled_from(["MD5", "md5", "SHA-1", "SHA-256", "sha512", "CRC32"]), st.binary(max_size=70))
def test_a_multihash_is_made_of_digests_of_the_right_length_only(algorithm: str, digest: bytes) -> None:
    lengths = {"MD5": 16, "md5": 16, "SHA-1": 20, "SHA-256": 32, "sha512": 64}
    made = multihash(algorithm, digest.hex().upper())
    assert (made is not None) == (lengths.get(algorithm) == len(digest))
    if made is not None:
        assert is_multihash(made)
        assert not is_multihash(made + "0")
        assert made.endswith(digest.hex())


def test_media_types_are_registered_ones() -> None:
    assets, _ = one_style({"a": {"href": "h", "type": "image/jpg"}, "b": {"href": "h", "type": "image/png "}})
    assert (assets["a"]["type"], assets["b"]["type"]) == ("image/jpeg", "image/png")


# -- how files are got ----------------------------------------------------------------------------


def test_an_item_carries_the_schemes_that_its_assets_name_and_no_words() -> None:
    properties = {
        "auth:schemes": {"s3": {"type": "s3", "description": "long"}, "other": {"type": "s3"}},
        "storage:schemes": {"x": {"title": "t", "platform": "https://x.org", "description": "long"}},
    }
    assets = {"a": {"href": "h", "auth:refs": ["s3"], "alternate": {"https": {"auth:refs": ["oidc"]}}}}
    used, unused = settle_access(properties, assets, [])
    assert properties == {"auth:schemes": {"s3": {"type": "s3"}, "oidc": _short("oidc")}}
    assert [url.split("/")[3] for url in used] == ["authentication"]
    assert [url.split("/")[3] for url in unused] == ["storage"]


def test_old_storage_schemes_get_the_type_that_the_extension_asks_for() -> None:
    properties: dict[str, Any] = {"storage:schemes": {"x": {"title": "t", "platform": "https://x.org"}}}
    settle_access(properties, {"a": {"storage:refs": ["x"]}}, [])
    assert properties["storage:schemes"] == {"x": {"platform": "https://x.org", "type": "custom-s3"}}


def test_every_scheme_that_a_hub_needs_is_there_with_words() -> None:
    access = load_access()
    for hub in access.hubs:
        for schemes in access.of([hub]).values():
            assert all(scheme["description"] for scheme in schemes.values())


def _short(name: str) -> dict[str, Any]:
    return {member: value for member, value in load_access().auth[name].items() if member != "description"}
