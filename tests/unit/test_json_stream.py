"""Cutting a stream of JSON into documents, wherever the pieces that are read end."""

import io
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import json_stream
from ingest.json_stream import NotJson, split

TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('{}[]",:\\'), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.just("features"), inner, max_size=3)
    ),
    max_leaves=8,
)
DOCUMENTS = st.lists(
    st.dictionaries(TEXTS.filter(lambda name: name not in {"features", "collections"}), VALUES, max_size=4),
    max_size=4,
)


def texts(documents: list[Any], form: str, option: int) -> bytes:
    if form == "lines":
        return b"\n".join(orjson.dumps(document, option=option) for document in documents)
    if form == "list":
        return orjson.dumps(documents, option=option)
    wrapper = {"about": ["features", {"features": [{}]}], form: documents, "links": [{"a": [{}]}]}
    return orjson.dumps(wrapper, option=option)


@settings(max_examples=60, deadline=None)
@given(
    DOCUMENTS,
    st.integers(1, 50),
    st.sampled_from(["lines", "list", "features", "collections"]),
    st.sampled_from([0, orjson.OPT_INDENT_2]),
)
def test_documents_come_out_as_they_went_in_however_the_stream_is_read(
    documents: list[Any], chunk: int, form: str, option: int
):
    text = texts(documents, form, option)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "_CHUNK", chunk)
        pieces = list(split(io.BytesIO(text)))
    assert [orjson.loads(piece.text) for piece in pieces] == documents
    for piece in pieces:
        line = text.split(b"\n")[piece.line - 1]
        assert piece.text.split(b"\n")[0] in line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"junk", 1),
        (b'{"a": 1}\n\nx', 3),
        (b'{"a":\n{"b": 1}', 2),
        (b'{"a": 1}]', 1),
        (b'{"a": 1]', 1),
        (b"[1, 2]", 1),
        (b"[[{}]]", 1),
        (b'"text"', 1),
        (b'{"a": "b', 1),
    ],
)
def test_what_is_no_json_is_told_with_its_line(text: bytes, line: int):
    with pytest.raises(NotJson) as caught:
        list(split(io.BytesIO(text)))
    assert caught.value.line == line


def test_a_byte_order_mark_is_no_part_of_it():
    assert [piece.text for piece in split(io.BytesIO(b'\xef\xbb\xbf{"a": 1}'))] == [b'{"a": 1}']


def test_memory_holds_one_document_of_a_long_list():
    """The stream is read no further than the document that is asked for."""

    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            self.given += 1
            return b'{"features": [' if self.given == 1 else b'{"a": 1}, ' * 1000

    stream: Any = Endless()
    pieces = split(stream)
    assert [next(pieces).text for _ in range(2500)] == [b'{"a": 1}'] * 2500
    assert stream.given <= 4
