"""Changing items and collections over HTTP: STAC API - Transaction and Collection Transaction, v1.0.0.

There are no such routes unless `KAKEHASHI_TRANSACTIONS` is set. Who asks is known before the body is
read; what is posted to `/collections` may be a search, and of those who may not add collections no more is
read than of a search. `If-Match` is compared weakly: the tags that answers have are weak, and tell any two documents
apart all the same.
"""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.auth.guard import Guard
from app.auth.principal import Right
from app.conditional import entity_tag, matches
from app.editing import JSON_PATCH, MERGE_PATCH, Editing, Json, patched
from app.language import language_of
from app.lifespan import EditorHolder
from app.links import GEOJSON, JSON, Links
from app.routes import transaction_descriptions as descriptions
from app.search_request import read_json
from catalog.errors import InvalidRequest
from catalog.jsontext import loads
from catalog.store.collections import StoredCollection
from catalog.store.hydrate import Document

CONFORMANCE = [
    "https://api.stacspec.org/v1.0.0/ogcapi-features/extensions/transaction",
    "https://api.stacspec.org/v1.0.0/collections/extensions/transaction",
    "http://www.opengis.net/spec/ogcapi-features-4/1.0/conf/create-replace-delete",
    "http://www.opengis.net/spec/ogcapi-features-4/1.0/conf/update",
    "http://www.opengis.net/spec/ogcapi-features-4/1.0/conf/features",
    "http://www.opengis.net/spec/ogcapi-features-4/1.0/conf/optimistic-locking-etags",
]
_ITEMS = "/collections/{collection_id}/items"
_ITEM = _ITEMS + "/{item_id}"
_COLLECTION = "/collections/{collection_id}"
_PATCHES = (JSON, GEOJSON, MERGE_PATCH, JSON_PATCH)
_METHODS = ("insert", "upsert")


def creates_collections(body: Any) -> bool:
    """Whether what is posted to `/collections` are collections, not the search for some."""
    if not isinstance(body, dict):
        return False
    many = body.get("collections")
    return body.get("type") == "Collection" or (
        isinstance(many, list) and any(isinstance(part, dict) for part in many)
    )


class Transactions:
    """The routes. Every one asks the guard first, then reads what was sent, then changes the store."""

    def __init__(self, holder: EditorHolder, guard: Guard) -> None:
        """Answer with the editor that the application holds while it runs.

        Args:
            holder: where the editor is found.
            guard: knows who may do what.
        """
        self._holder = holder
        self._guard = guard
        self._editing = Editing()

    async def create_items(self, collection_id: str, request: Request) -> Response:
        """Add an item, or all items of a FeatureCollection, or none of them."""
        await self._guard.require(request, Right.ITEMS)
        body = await _read(request, (JSON, GEOJSON))
        items = self._editing.items(body, collection_id)
        await self._holder.editor.create_items(collection_id, items)
        if body["type"] == "FeatureCollection":
            return Response(status_code=201)
        address = Links(request).to("collections", collection_id, "items", items[0]["id"])
        return Response(status_code=201, headers={"Location": address})

    async def put_many_items(self, collection_id: str, request: Request) -> Response:
        """Add many items, or with the method `upsert` add or replace them; all of them or none."""
        await self._guard.require(request, Right.ITEMS)
        body = await _read(request, (JSON,))
        named = body.get("items") if isinstance(body, dict) else None
        if not isinstance(named, dict) or not named:
            raise InvalidRequest("items", "is not an object of items by their ids")
        items = [self._editing.item(item, collection_id, name) for name, item in named.items()]
        method = body.get("method", "insert")
        if method not in _METHODS:
            raise InvalidRequest("method", f"is one of {', '.join(_METHODS)}")
        if method == "insert":
            await self._holder.editor.create_items(collection_id, items)
        else:
            await self._holder.editor.put_items(collection_id, items)
        return Response(status_code=204)

    async def replace_item(self, collection_id: str, item_id: str, request: Request) -> Response:
        """Replace an item."""
        await self._guard.require(request, Right.ITEMS)
        item = self._editing.item(await _read(request, (JSON, GEOJSON)), collection_id, item_id)
        return await self._change_item(request, collection_id, item_id, lambda _: item)

    async def patch_item(self, collection_id: str, item_id: str, request: Request) -> Response:
        """Change parts of an item, by a merge patch or a JSON Patch."""
        await self._guard.require(request, Right.ITEMS)
        patch = await _read(request, _PATCHES)
        kind = _media_type(request)

        def change(old: Document) -> Json:
            return self._editing.item(patched(_parsed(old), patch, kind), collection_id, item_id)

        return await self._change_item(request, collection_id, item_id, change)

    async def delete_item(self, collection_id: str, item_id: str, request: Request) -> Response:
        """Delete an item; that there is none is what was asked for."""
        await self._guard.require(request, Right.ITEMS)
        found = await self._holder.editor.delete_item(
            collection_id, item_id, lambda old: _require_match(request, _item_body(request, old))
        )
        return _deleted(request, found=found)

    async def may_create_collections(self, request: Request) -> bool:
        """Whether who asks may add collections; a search is posted to the same address."""
        return await self._guard.permits(request, Right.COLLECTIONS)

    async def create_collections(self, request: Request, body: Any) -> Response:
        """Add a collection, or all of a list, or none of them."""
        await self._guard.require(request, Right.COLLECTIONS)
        many = body.get("collections") if isinstance(body, dict) and "collections" in body else None
        bodies = many if isinstance(many, list) else [body]
        collections = [self._editing.collection(part) for part in bodies]
        await self._holder.editor.create_collections(collections)
        if many is not None:
            return Response(status_code=201)
        address = Links(request).to("collections", collections[0]["id"])
        return Response(status_code=201, headers={"Location": address})

    async def replace_collection(self, collection_id: str, request: Request) -> Response:
        """Replace a collection; its items stay."""
        await self._guard.require(request, Right.COLLECTIONS)
        collection = self._editing.collection(await _read(request, (JSON,)), collection_id)
        return await self._change_collection(request, collection_id, lambda _: collection)

    async def patch_collection(self, collection_id: str, request: Request) -> Response:
        """Change parts of a collection, by a merge patch or a JSON Patch."""
        await self._guard.require(request, Right.COLLECTIONS)
        patch = await _read(request, _PATCHES)
        kind = _media_type(request)

        def change(old: StoredCollection) -> Json:
            return self._editing.collection(patched(_parsed(old.document), patch, kind), collection_id)

        return await self._change_collection(request, collection_id, change)

    async def delete_collection(self, collection_id: str, request: Request) -> Response:
        """Delete a collection that has no items; that there is none is what was asked for."""
        await self._guard.require(request, Right.COLLECTIONS)
        found = await self._holder.editor.delete_collection(
            collection_id, lambda old: _require_match(request, _collection_body(request, old))
        )
        return _deleted(request, found=found)

    async def _change_item(
        self, request: Request, collection: str, name: str, change: Callable[[Document], Json]
    ) -> Response:
        def checked(old: Document) -> Json:
            _require_match(request, _item_body(request, old))
            return change(old)

        document = await self._holder.editor.change_item(collection, name, checked)
        return _changed(request, _item_body(request, document), GEOJSON)

    async def _change_collection(
        self, request: Request, name: str, change: Callable[[StoredCollection], Json]
    ) -> Response:
        def checked(old: StoredCollection) -> Json:
            _require_match(request, _collection_body(request, old))
            return change(old)

        stored = await self._holder.editor.change_collection(name, checked)
        return _changed(request, _collection_body(request, stored), JSON)


def transactions_router(transactions: Transactions) -> APIRouter:
    """Return the routes but `POST /collections`, which is a search too (`app.main`)."""
    router = APIRouter()
    many = "/collections/{collection_id}/bulk_items"
    patch = descriptions.patched
    for method, path, endpoint, name, described in (
        ("POST", _ITEMS, transactions.create_items, "Create Items", descriptions.ITEMS_CREATED),
        ("POST", many, transactions.put_many_items, "Bulk Items", descriptions.ITEMS_PUT),
        ("PUT", _ITEM, transactions.replace_item, "Replace Item", descriptions.replaced("Item")),
        ("PATCH", _ITEM, transactions.patch_item, "Update Item", patch("Item")),
        ("DELETE", _ITEM, transactions.delete_item, "Delete Item", descriptions.DELETED),
        (
            "PUT",
            _COLLECTION,
            transactions.replace_collection,
            "Replace Collection",
            descriptions.replaced("Collection"),
        ),
        ("PATCH", _COLLECTION, transactions.patch_collection, "Update Collection", patch("Collection")),
        ("DELETE", _COLLECTION, transactions.delete_collection, "Delete Collection", descriptions.DELETED),
    ):
        router.add_api_route(
            path,
            endpoint,
            methods=[method],
            name=name,
            response_model=None,
            response_class=Response,
            status_code=201 if endpoint == transactions.create_items else 204,
            openapi_extra=described,
        )
    return router


async def _read(request: Request, media_types: tuple[str, ...]) -> Any:
    """Return the JSON that was sent.

    Raises:
        HTTPException: 415, it comes as something else.
        InvalidRequest: it is not JSON.
    """
    kind = _media_type(request)
    if kind not in media_types:
        raise HTTPException(415, f"the body comes as one of {', '.join(media_types)}, not as {kind[:80]}")
    return read_json(await request.body())


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", JSON).split(";", 1)[0].strip().lower()


def _parsed(document: Document) -> Json:
    members: Json = loads(document.members)
    return {**members, "links": document.links}


def _item_body(request: Request, document: Document) -> bytes:
    """Return an item as `GET` answers with it."""
    return Links(request).item(document)


def _collection_body(request: Request, stored: StoredCollection) -> bytes:
    """Return a collection as `GET` answers with it, in the language of the request."""
    return Links(request).collection(stored.document_in(language_of(request)))


def _require_match(request: Request, body: bytes) -> None:
    wanted = request.headers.get("if-match")
    if wanted is not None and not matches(wanted, entity_tag(body)):
        raise HTTPException(412, "If-Match: it has changed since; read it again")


def _changed(request: Request, body: bytes, media_type: str) -> Response:
    """Answer with nothing but the new tag, or with the whole if the client prefers so (RFC 7240)."""
    headers = {"ETag": entity_tag(body)}
    if "return=representation" in request.headers.get("prefer", "").replace(" ", "").lower():
        return Response(body, media_type=media_type, headers=headers)
    return Response(status_code=204, headers=headers)


def _deleted(request: Request, *, found: bool) -> Response:
    if not found and "if-match" in request.headers:
        raise HTTPException(412, "If-Match: there is nothing of this id")
    return Response(status_code=204)
