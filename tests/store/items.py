"""Collections and items that are made up."""

from typing import Any


def collection(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": name,
        "title": name,
        "description": "Made up",
        "license": "other",
        "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}},
        "links": [],
        **changes,
    }


def item(
    collection: str, name: str, datetime: str = "2024-05-01T00:00:00Z", **properties: Any
) -> dict[str, Any]:
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [],
        "id": name,
        "collection": collection,
        "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]},
        "bbox": [0, 0, 1, 1],
        "properties": {"datetime": datetime, **properties},
        "assets": {"data": {"href": f"https://example.org/{name}.tif", "roles": ["data"]}},
        "links": [{"rel": "via", "href": f"https://example.org/{name}.json"}],
    }
