"""Which links are stored, and which follow from where a document is served."""

from typing import Any

from app.editing import Editing
from catalog.links import STRUCTURAL, foreign_links
from ingest.foreign import bring_in_collection, made_collection

KEPT = [
    {"rel": "license", "href": "https://example.org/licence"},
    {"rel": "via", "href": "https://example.org/collection"},
    {"rel": ["self"], "href": "https://example.org/a-relation-that-is-no-text"},
]


def collection() -> dict[str, Any]:
    """Return a collection as another API serves it."""
    theirs = [
        {"rel": rel, "href": f"https://theirs.example/{number}"} for number, rel in enumerate(STRUCTURAL)
    ]
    return made_collection("theirs") | {"links": [*theirs, *KEPT]}


def test_a_collection_of_another_api_leads_to_ours() -> None:
    """There were three lists: queryables, children and pages of the other server stayed beside our own."""
    assert foreign_links(collection()["links"]) == KEPT
    assert bring_in_collection(collection(), None)["links"] == KEPT


def test_what_is_edited_and_what_is_loaded_keep_the_same_links() -> None:
    valid = collection() | {"links": collection()["links"][:-1]}
    assert Editing().collection(valid)["links"] == KEPT[:-1] == bring_in_collection(valid, None)["links"]
