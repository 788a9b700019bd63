"""Files that pages for people are made of: read once, and sent under a policy that lets nothing in from elsewhere."""

from collections.abc import Iterable
from importlib.resources.abc import Traversable

from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.links import HTML

_TYPES = {".html": HTML, ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' {images}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class StaticFiles:
    """A few files in memory, by their names."""

    def __init__(self, files: Iterable[Traversable], images: str) -> None:
        """Read the files.

        Args:
            files: each a page, style sheet, script or drawing, as its name's ending says.
            images: from where else a page may show images, as sources of a Content-Security-Policy.
        """
        self._files = {
            file.name: (file.read_bytes(), _TYPES[f".{file.name.rsplit('.', 1)[-1]}"]) for file in files
        }
        self._headers = {
            "Content-Security-Policy": _POLICY.format(images=images),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }

    def answer(self, name: str) -> Response:
        """Return the answer that is a file.

        Raises:
            HTTPException: 404, there is none of this name.
        """
        if name not in self._files:
            raise HTTPException(404, f"the page has no file {name}")
        content, media_type = self._files[name]
        return Response(content, media_type=media_type, headers=self._headers)
