"""From what a client sent to the item or collection that is stored: the rules of the Transaction extension."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.exceptions import HTTPException

from app.patches import json_patch, merge_patch
from catalog.about import STAC_VERSIONS
from catalog.errors import InvalidRequest, RecordRefused
from catalog.links import is_structural
from catalog.validation import Validator

Json = dict[str, Any]

MERGE_PATCH, JSON_PATCH = "application/merge-patch+json", "application/json-patch+json"


class Editing:
    """Checks and completes documents before they are stored.

    A validator is made for each document: it counts schemas that it does not know, which clients name
    as they like. What is compiled is kept elsewhere.
    """

    def item(self, body: Any, collection: str, name: str | None = None) -> Json:
        """Return an item of a collection as it is stored.

        Args:
            body: what was sent.
            collection: that the address names.
            name: of the item, if the address names it.

        Raises:
            InvalidRequest: no item, or its id or collection is not that of the address.
            HTTPException: 422, it does not follow the STAC schemas.
        """
        item = _document(body, "Feature", "item")
        _settle(item, "collection", collection)
        _settle(item, "id", name)
        _check_id(item)
        try:
            Validator(STAC_VERSIONS).check_item(_as_served(item))
        except RecordRefused as refusal:
            raise HTTPException(422, f"item {item['id']}: {refusal.reason}") from refusal
        return item

    def items(self, body: Any, collection: str) -> list[Json]:
        """Return the items of a FeatureCollection, or the one item that a body is.

        Raises:
            InvalidRequest: as `item`; or there are none.
            HTTPException: 422, one does not follow the STAC schemas.
        """
        if not isinstance(body, dict) or body.get("type") != "FeatureCollection":
            return [self.item(body, collection)]
        features = body.get("features")
        if not isinstance(features, list) or not features:
            raise InvalidRequest("features", "is not a list of items")
        return [self.item(feature, collection) for feature in features]

    def collection(self, body: Any, name: str | None = None) -> Json:
        """Return a collection as it is stored.

        Raises:
            InvalidRequest: no collection, or its id is not that of the address.
            HTTPException: 422, it does not follow the STAC schemas.
        """
        collection = _document(body, "Collection", "collection")
        _settle(collection, "id", name)
        _check_id(collection)
        try:
            Validator(STAC_VERSIONS).check_collection(collection)
        except RecordRefused as refusal:
            raise HTTPException(422, f"collection {collection['id']}: {refusal.reason}") from refusal
        return collection


def patched(document: Mapping[str, Any], patch: Any, media_type: str) -> Any:
    """Return a document with a patch applied: JSON Patch by its media type, else a merge patch.

    Raises:
        InvalidRequest: the patch is malformed, or does not fit the document.
    """
    if media_type == JSON_PATCH:
        return json_patch(dict(document), patch)
    if not isinstance(patch, dict):
        raise InvalidRequest("body", "a merge patch is a JSON object")
    return merge_patch(document, patch)


def _document(body: Any, kind: str, what: str) -> Json:
    """Return a copy without the links that are made when it is served."""
    if not isinstance(body, dict):
        raise InvalidRequest("body", f"is not the JSON object of {what}")
    if body.get("type") != kind:
        raise InvalidRequest("type", f"of {what} is {kind}")
    document = dict(body)
    links = document.get("links", [])
    if isinstance(links, list):
        document["links"] = [link for link in links if not is_structural(link)]
    return document


def _as_served(item: Json) -> Json:
    """Return an item with the link that the schema asks for beside `collection`."""
    links = item["links"]
    if not isinstance(links, list):
        return item
    address = f"/collections/{quote(item['collection'], safe='')}"
    return {**item, "links": [*links, {"rel": "collection", "href": address}]}


def _settle(document: Json, member: str, wanted: str | None) -> None:
    """Set a member to what the address says; one that says something else is an error."""
    if wanted is not None and document.setdefault(member, wanted) != wanted:
        raise InvalidRequest(member, f"is not {wanted}, as the address says")


def _check_id(document: Json) -> None:
    """An id stands in addresses, as one part of a path."""
    name = document.get("id")
    if not isinstance(name, str) or not name.strip():
        raise InvalidRequest("id", "is missing, or not a text")
    if "/" in name or name in (".", ".."):
        raise InvalidRequest("id", "cannot hold a slash, nor be a dot or two")
