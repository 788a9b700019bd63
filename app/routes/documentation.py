"""`/api.html`: the OpenAPI definition for people, by Swagger UI, with no need of the internet.

Swagger UI's own files are those of the package fastapi-swagger, which follows its releases; of that package nothing
else is used, since it would have scripts within the page, and addresses that no prefix of a proxy reaches.
"""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.links import Links
from app.static_files import StaticFiles

_PATH = "/api.html"
_OWN = Path(__file__).parent.parent / "static" / "documentation"
_SWAGGER_UI = ("swagger-ui-bundle.js", "swagger-ui.css")


def documentation_router() -> APIRouter:
    """Return the routes of the page."""
    router = APIRouter(include_in_schema=False)
    theirs = files("fastapi_swagger.resources")
    # Swagger UI's style sheet has its drawings within it.
    pages = StaticFiles([*_OWN.iterdir(), *(theirs / name for name in _SWAGGER_UI)], images="data:")

    @router.get(_PATH)
    async def page(request: Request) -> Response:
        if request.scope.get("raw_path", b"").endswith(b"/"):
            # The page names its files from where it lies, so there is one address for it.
            return RedirectResponse(Links(request).to("api.html"), 308)
        return pages.answer("index.html")

    @router.get(_PATH + "/{name}")
    async def file(name: str) -> Response:
        return pages.answer(name)

    return router
