"""One product, one item: what two hubs say of the same product becomes one item.

One hub's record *leads*: the item is that record. Of every other hub the item keeps that it has the
product too: a link `via` to its record, and where to get the product there, as `alternate` of the
leading record's product asset (STAC Alternate Assets 1.2) or as an asset of its own. Which hub leads
is a priority of the collection's definition. The result is the same in whatever order hubs are
harvested, and however often.
"""

from collections.abc import Container, Mapping, Sequence
from typing import Any

from catalog.homes import load_homes
from ingest.access import settle_access
from ingest.contract import Item

ALTERNATE = "https://stac-extensions.github.io/alternate-assets/v1.2.0/schema.json"
# The asset that is the whole product, by the names that hubs give it.
_PRODUCT_KEYS = ("product", "Product", "data", "download")
# Links of a product that are the same whichever hub leads.
_LINKS_OF_ALL = ("collection", "license")
_ASSET_MEMBERS = ("href", "title", "description", "auth:refs", "storage:refs")


# Where an item may carry the name of its product, beside its id.
_NAMES = ("tellus:name",)


def settle(item: Item, defined: Container[str]) -> Item:
    """Return an item under the collection and id that its product has at every hub.

    Args:
        item: complete.
        defined: ids of the collections that there are; a home that is not defined is none.
    """
    names = [item["id"], *(item["properties"].get(field) for field in _NAMES)]
    for name in names:
        home = load_homes().home_of(name) if isinstance(name, str) else None
        if home is not None and home.collection in defined:
            if (home.collection, home.id) == (item["collection"], item["id"]):
                return item
            links = [
                {**link, "href": f"./collections/{home.collection}"}
                if link.get("rel") == "collection"
                else link
                for link in item["links"]
            ]
            return {**item, "collection": home.collection, "id": home.id, "links": links}
    return item


def join(held: Item, new: Item, priority: Sequence[str]) -> Item:
    """Return the one item that two items of the same product make.

    Args:
        held: the item that is in the catalogue, perhaps of several hubs already.
        new: the item that one hub's record makes.
        priority: names of the sources, the leading one first; others come after them, by name.
    """
    sayings = {**_sayings(held), **_sayings(new)}
    if _source(held) == _source(new):
        leader = new
    else:
        leader = min(held, new, key=lambda item: _rank(_source(item), priority))
    others = sorted(
        (name for name in sayings if name != _source(leader)), key=lambda name: _rank(name, priority)
    )
    return _with_access(_with_others(_alone(leader), {name: sayings[name] for name in others}))


def parted(held: Item, source: str, priority: Sequence[str]) -> Item | None:
    """Return what is left of an item when the hub that leads it has its product no more.

    Another hub that has the product leads then, with what is known of its record: where that is, and where
    to get the product. The rest follows when its record comes again.

    Args:
        held: the item that is in the catalogue.
        source: the hub; the item is its record.
        priority: names of the sources, the leading one first.

    Returns:
        The item; None if no other hub has the product.
    """
    sayings = _sayings(held)
    others = sorted(
        (name for name, saying in sayings.items() if name != source and saying["link"]),
        key=lambda name: _rank(name, priority),
    )
    if not others:
        return None
    heir, *rest = others
    asset = sayings[heir]["asset"]
    left = {
        **held,
        "properties": {**held["properties"], "harvest:source": heir},
        "links": [
            *(link for link in held["links"] if link.get("rel") in _LINKS_OF_ALL),
            sayings[heir]["link"],
        ],
        "assets": {_PRODUCT_KEYS[0]: {**asset, "roles": ["data"]}} if asset else {},
        "stac_extensions": [name for name in held["stac_extensions"] if name != ALTERNATE],
    }
    return _with_access(_with_others(left, {name: sayings[name] for name in rest}))


def _with_access(item: Item) -> Item:
    """Return an item with the schemes that its assets name now, of whichever hub."""
    properties = dict(item["properties"])
    used, unused = settle_access(properties, item["assets"], item["links"])
    extensions = sorted({*item["stac_extensions"], *used} - set(unused))
    return {**item, "properties": properties, "stac_extensions": extensions}


def _rank(source: str, priority: Sequence[str]) -> tuple[int, str]:
    return (priority.index(source) if source in priority else len(priority), source)


def _source(item: Mapping[str, Any]) -> str:
    return str(item["properties"].get("harvest:source", ""))


def _sayings(item: Item) -> dict[str, dict[str, Any]]:
    """Return what an item says of each hub: its record's link, and its product."""
    own = _source(item)
    sayings: dict[str, dict[str, Any]] = {own: {"link": None, "asset": None}}
    for link in item["links"]:
        if link.get("rel") == "via":
            hub = str(link.get("harvest:source", own))
            sayings.setdefault(hub, {"link": None, "asset": None})["link"] = {**link, "harvest:source": hub}
    key = product_asset_key(item["assets"])
    product = item["assets"].get(key) if key else None
    if product:
        sayings[own]["asset"] = {name: product[name] for name in _ASSET_MEMBERS if name in product}
        for hub, way in (product.get("alternate") or {}).items():
            if hub in sayings and hub != own:
                sayings[hub]["asset"] = {name: value for name, value in way.items() if name in _ASSET_MEMBERS}
    for hub, saying in sayings.items():
        separate = item["assets"].get(f"product-{hub}")
        if separate:
            saying["asset"] = {name: separate[name] for name in _ASSET_MEMBERS if name in separate}
    return sayings


def product_asset_key(assets: Mapping[str, Any]) -> str | None:
    """Return the key of the asset that is the whole product, None if there is none."""
    return next((key for key in _PRODUCT_KEYS if key in assets), None)


def _alone(item: Item) -> Item:
    """Return an item without what it says of other hubs."""
    own = _source(item)
    hubs = set(_sayings(item)) - {own}
    assets = {
        key: asset for key, asset in item["assets"].items() if key not in {f"product-{hub}" for hub in hubs}
    }
    key = product_asset_key(assets)
    if key and hubs & set(assets[key].get("alternate") or {}):
        product = dict(assets[key])
        product["alternate"] = {name: way for name, way in product["alternate"].items() if name not in hubs}
        if not product["alternate"]:
            del product["alternate"]
        assets[key] = product
    links = [link for link in item["links"] if link.get("harvest:source", own) == own]
    return {**item, "assets": assets, "links": links}


def _with_others(leader: Item, sayings: Mapping[str, Mapping[str, Any]]) -> Item:
    if not sayings:
        return leader
    own = _source(leader)
    links = [
        {**link, "harvest:source": own} if link.get("rel") == "via" else dict(link)
        for link in leader["links"]
    ]
    links += [saying["link"] for saying in sayings.values() if saying["link"]]
    assets = dict(leader["assets"])
    key = product_asset_key(assets)
    for hub, saying in sayings.items():
        if not saying["asset"]:
            continue
        if key:
            alternate = {**(assets[key].get("alternate") or {}), hub: saying["asset"]}
            assets[key] = {**assets[key], "alternate": alternate}
        else:
            assets[f"product-{hub}"] = {**saying["asset"], "roles": ["data"]}
    extensions = set(leader["stac_extensions"])
    if key and any(saying["asset"] for saying in sayings.values()):
        extensions.add(ALTERNATE)
    return {**leader, "links": links, "assets": assets, "stac_extensions": sorted(extensions)}
