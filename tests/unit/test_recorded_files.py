"""Files of recorded answers, in every form in which people keep them."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from catalog.errors import ConfigurationError, UpstreamChanged
from ingest.recorded import read_pages
from ingest.sources import make_source
from tests.unit.documents import definitions, item_collection, record_collection, sentinel_2, sgli
from tests.unit.documents_japan import asf_palsar, avnir_2

PAGE = item_collection([sentinel_2(), sentinel_2("second")])


def _records(tmp_path: Path, content: bytes, source: str = "cdse") -> list[str | None]:
    file = tmp_path / "answer"
    file.write_bytes(content)
    made = make_source(source, definitions())
    return [record.native_id for page in read_pages(made, [file]) for record in made.records(page)]


def _plain(document: Any) -> bytes:
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "form",
    [
        lambda text: text,
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: b"\r\n  " + text + b"\r\n\r\n",
        gzip.compress,
        lambda text: gzip.compress(b"\xef\xbb\xbf" + text),
        lambda text: gzip.compress(gzip.compress(text)),
    ],
)
def test_a_page_is_read_in_any_packing(tmp_path: Path, form: Any) -> None:
    assert _records(tmp_path, form(_plain(PAGE))) == [PAGE["features"][0]["id"], "second"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n"])
def test_one_answer_per_line(tmp_path: Path, end: bytes) -> None:
    lines = end.join([_plain(PAGE), _plain(sentinel_2("third"))]) + end
    assert _records(tmp_path, gzip.compress(lines)) == [PAGE["features"][0]["id"], "second", "third"]


@pytest.mark.parametrize(
    ("source", "answers"),
    [
        ("cdse", [PAGE, sentinel_2("third")]),
        ("gportal", [sgli(), record_collection([sgli(), sgli()])]),
        ("tellus", [avnir_2(), avnir_2()]),
        ("cmr", [asf_palsar(), asf_palsar()]),
    ],
)
def test_several_answers_in_a_list(tmp_path: Path, source: str, answers: list[Any]) -> None:
    expected = [name for answer in answers for name in _records(tmp_path, _plain(answer), source)]
    assert _records(tmp_path, _plain(answers), source) == expected


def test_a_list_with_something_else_in_it_says_which_entry(tmp_path: Path) -> None:
    with pytest.raises(UpstreamChanged, match=r"is a list, and .*answer\[1\] is no STAC document of CDSE"):
        _records(tmp_path, _plain([PAGE, {"something": "else"}]))


@pytest.mark.parametrize(
    "content",
    [b"", b"\x1f\x8b rubbish", gzip.compress(_plain(PAGE))[:-20], b"{", b"{}\n{"],
)
def test_what_is_no_json_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"is no JSON|cannot be read") as error:
        _records(tmp_path, content)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", [[], {}, [{}], {"a": []}])
@pytest.mark.parametrize("source", ["gportal", "cdse", "cmems", "palsar2", "tellus", "eumetsat"])
def test_a_type_that_is_no_text_is_no_answer(tmp_path: Path, source: str, kind: Any) -> None:
    """Once a `TypeError` in gportal: a list cannot be looked up in a set."""
    with pytest.raises(UpstreamChanged):
        _records(tmp_path, _plain({"type": kind, "features": []}), source)
