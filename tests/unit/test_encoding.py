"""Which content coding a client gets, and that it gets back what was sent."""

import gzip

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from app.encoding import CODINGS, accepted, choose_coding

DECODERS = {
    "zstd": lambda body: zstandard.ZstdDecompressor().decompress(body),
    "br": brotli.decompress,
    "gzip": gzip.decompress,
}


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("GZip", "gzip"),
        ("br", "br"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "br"),
        ("gzip;q=1.0, br;q=0.5, zstd;q=0", "gzip"),
        ("br;q=0.9,gzip;q=0.8", "br"),
        ("gzip ; q=0.2 , br ; Q=0.1", "gzip"),
        ("*", None),
        ("*;q=0.5, gzip", "gzip"),
        ("zstd;q=0, *", None),
        ("gzip;q=0", None),
        ("identity", None),
        ("identity, gzip;q=0.5", None),
        ("gzip;q=0.5, identity;q=0.4", "gzip"),
        ("identity;q=0, gzip;q=0.001", "gzip"),
        # Nothing is acceptable: better as it is than not at all (RFC 9110, section 12.5.3).
        ("identity;q=0", None),
        ("*;q=0", None),
        ("", None),
        ("deflate, compress", None),
        # Broken elements are passed over, the others count.
        ("gzip;q=2, br", "br"),
        ("gzip;q=x, br;q=0.1", "br"),
        (";;;, ,gzip", "gzip"),
    ],
)
def test_choice(header: str, chosen: str | None) -> None:
    assert choose_coding(header) == chosen


def test_several_headers_are_one_list() -> None:
    headers = [(b"accept-encoding", b"gzip;q=0.5"), (b"host", b"x"), (b"accept-encoding", b"br")]
    assert accepted(headers) == "br"
    assert accepted([(b"host", b"x")]) is None


@given(st.text())
def test_no_header_breaks_it(header: str) -> None:
    assert choose_coding(header) in (None, *CODINGS)


@given(st.dictionaries(st.sampled_from(["zstd", "br", "gzip", "identity"]), st.integers(0, 1000), min_size=1))
def test_never_what_the_client_likes_less(weights: dict[str, int]) -> None:
    chosen = choose_coding(", ".join(f"{name};q={weight / 1000:.3f}" for name, weight in weights.items()))
    offered = {name: weight for name, weight in weights.items() if weight}
    if chosen is None:
        best = max((weight for name, weight in offered.items() if name != "identity"), default=0)
        assert best == 0 or offered.get("identity", 0) > best
    else:
        assert offered[chosen] == max(offered.values())


@pytest.mark.parametrize("coding", CODINGS)
@given(body=st.binary(max_size=5000))
def test_round_trip(coding: str, body: bytes) -> None:
    assert DECODERS[coding](CODINGS[coding](body)) == body
