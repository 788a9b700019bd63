"""Which route a path belongs to, by its template: few names, however many items clients ask for."""

import re
from collections.abc import Iterable, Iterator

from fastapi import FastAPI
from starlette.routing import BaseRoute

UNMATCHED = "(none)"


class RouteNames:
    """Finds the template of a path, such as `/collections/{collection_id}/items`."""

    def __init__(self, app: FastAPI) -> None:
        """Read the routes of an application that is complete."""
        self._fixed: set[str] = set()
        self._patterns: list[tuple[re.Pattern[str], str]] = []
        for template in _templates(app.routes):
            if "{" in template:
                pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(template))
                self._patterns.append((re.compile(pattern), template))
            else:
                self._fixed.add(template)

    def of(self, path: str) -> str:
        """Return the template of a path without prefix; `(none)` where there is no such route."""
        if path in self._fixed:
            return path
        for pattern, template in self._patterns:
            if pattern.fullmatch(path):
                return template
        return UNMATCHED


def _templates(routes: Iterable[BaseRoute], prefix: str = "") -> Iterator[str]:
    """Return the templates of routes, those of routers within routers among them."""
    for route in routes:
        router = getattr(route, "original_router", None)
        if router is not None:
            inner = getattr(getattr(route, "include_context", None), "prefix", "") or ""
            yield from _templates(router.routes, prefix + inner)
        elif (path := getattr(route, "path", None)) is not None:
            yield prefix + path
