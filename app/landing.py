"""The landing page: where everything else is found."""

from typing import Any

from app.links import GEOJSON, HTML, JSON, OPENAPI, SCHEMA, Link, Links
from app.settings import ApiSettings
from catalog.languages import LANGUAGE_EXTENSION, LANGUAGES
from catalog.links import QUERYABLES


def landing_page(
    settings: ApiSettings,
    links: Links,
    conformance: list[str],
    collections: list[tuple[str, str | None]],
    stac_version: str,
    language: str,
) -> dict[str, Any]:
    """Return the STAC Catalog that the API begins with.

    Args:
        settings: title, id and description.
        links: addresses as the client sees them.
        conformance: classes that are promised.
        collections: id and title of each, for the child links.
        stac_version: of the catalogue.
        language: to describe it in.
    """
    is_japanese = language == "ja"
    return {
        "type": "Catalog",
        "id": settings.landing_id,
        "title": settings.title_ja if is_japanese else settings.title,
        "description": settings.description_ja if is_japanese else settings.description,
        "stac_version": stac_version,
        "stac_extensions": [LANGUAGE_EXTENSION],
        "language": dict(LANGUAGES[language]),
        "languages": [dict(other) for code, other in LANGUAGES.items() if code != language],
        "conformsTo": conformance,
        "links": [
            *_fixed_links(links),
            *links.languages(language),
            *(_child(links, name, title) for name, title in collections),
        ],
    }


def _fixed_links(links: Links) -> list[Link]:
    search = links.to("search")
    return [
        _link("self", JSON, "This document", links.landing()),
        _link("root", JSON, "Landing page", links.landing()),
        _link("data", JSON, "Collections", links.text("collections")),
        _link("children", JSON, "Collections, as children", links.text("children")),
        _link("conformance", JSON, "Conformance classes", links.to("conformance")),
        {**_link("search", GEOJSON, "Search items", search), "method": "GET"},
        {**_link("search", GEOJSON, "Search items", search), "method": "POST"},
        _link(QUERYABLES, SCHEMA, "Queryables", links.text("queryables")),
        # STAC API's own word for the same, which some clients look for.
        _link("queryables", SCHEMA, "Queryables", links.text("queryables")),
        _link("aggregations", JSON, "Aggregations", links.to("aggregations")),
        {**_link("aggregate", JSON, "Aggregate items", links.to("aggregate")), "method": "GET"},
        {**_link("aggregate", JSON, "Aggregate items", links.to("aggregate")), "method": "POST"},
        _link("service-desc", OPENAPI, "OpenAPI definition", links.to("api")),
        _link("alternate", HTML, "The catalogue for people", links.to("browse")),
        _link("service-doc", HTML, "API documentation", links.to("api.html")),
    ]


def _child(links: Links, name: str, title: str | None) -> Link:
    return _link("child", JSON, title or name, links.text("collections", name))


def _link(rel: str, media_type: str, title: str, href: str) -> Link:
    return {"rel": rel, "type": media_type, "title": title, "href": href}
