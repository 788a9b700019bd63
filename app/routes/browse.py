"""`/browse`: the catalogue for people. A few static files, which ask the API as any client does.

Nothing comes from elsewhere but the previews of items, which lie where their upstreams have them.
"""

from pathlib import Path

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.links import HTML, JSON, Links
from app.negotiation import read_accept
from app.static_files import StaticFiles

_FILES = Path(__file__).parent.parent / "static" / "browse"


def browse_router() -> APIRouter:
    """Return the routes of the page; its files are read once."""
    router = APIRouter(include_in_schema=False)
    files = StaticFiles(_FILES.iterdir(), images="https: http: data:")

    @router.get("/browse")
    async def page(request: Request) -> Response:
        if request.scope.get("raw_path", b"").endswith(b"/"):
            # The page names its files from where it lies, so there is one address for it.
            return RedirectResponse(Links(request).to("browse"), 308)
        return files.answer("index.html")

    @router.get("/browse/{name}")
    async def file(name: str) -> Response:
        return files.answer(name)

    return router


def to_people(request: Request) -> Response | None:
    """Return the way to the page for who prefers HTML to JSON and says so, as browsers do; else None."""
    accept = read_accept(request.headers.get("accept"))
    prefers_html = any(name == HTML for name, _ in accept.ranges) and accept.weight(HTML) > accept.weight(
        JSON
    )
    if not prefers_html or request.query_params:
        return None
    return RedirectResponse(Links(request).to("browse"), 303, {"Vary": "Accept-Language, Accept"})
