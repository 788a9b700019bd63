"""The address that clients use, when proxies stand between them and this server.

Links must lead back to where the client came from. `Forwarded` (RFC 7239) is preferred; without
it `X-Forwarded-Proto`, `-Host`, `-Port` count. Of several proxies the first named is the one the
client spoke to. `X-Forwarded-Prefix` is the path that a proxy took off. Values that are not what
they should be are ignored. stac-fastapi's own middleware knows neither quoted values, IPv6,
lists nor prefixes.
"""

import ipaddress
import re
from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

_HOST = re.compile(r"(?P<name>[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?")
_PREFIX = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*/?")
# One `name=value` of a Forwarded element; the value is a token or a quoted string.
_PAIR = re.compile(
    r"\s*(?P<name>[A-Za-z0-9!#$%&'*+.^_`|~-]+)=(?:\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|(?P<token>[^\s;,\"]*))\s*"
)
_FORWARDING = frozenset(
    {b"forwarded", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port", b"x-forwarded-prefix"}
)
_DEFAULT_PORTS = {"http": "80", "https": "443"}

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ProxyMiddleware:
    """Sets scheme, Host header and root path of a request to what the client sees; tidies the path."""

    def __init__(self, app: ASGIApp, root_path: str, trusted: Iterable[str]) -> None:
        """Wrap an application.

        Args:
            app: the application.
            root_path: path that the API is served under if no proxy says otherwise.
            trusted: addresses and networks of proxies; `*` for all.
        """
        self._app = app
        self._root_path = root_path
        names = list(trusted)
        self._trust_all = "*" in names
        self._networks = networks(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http":
            scope = dict(scope)
            if self._root_path:
                scope["root_path"] = self._root_path
            if any(name in _FORWARDING for name, _ in scope["headers"]) and self._trusts(scope):
                _apply(scope)
            scope["path"] = _tidy(scope["path"], scope.get("root_path", ""))
        await self._app(scope, receive, send)

    def _trusts(self, scope: Scope) -> bool:
        if self._trust_all:
            return True
        client = scope.get("client")
        if not client:
            return True  # a Unix socket: whoever is behind it is on this machine
        try:
            address = ipaddress.ip_address(client[0])
        except ValueError:
            return False
        return any(address in network for network in self._networks)


def networks(names: Iterable[str]) -> list[Network]:
    """Return the networks that names of proxies stand for; `*` stands for none of them.

    Raises:
        ValueError: one is neither an address nor a network in CIDR notation.
    """
    found: list[Network] = []
    for name in names:
        try:
            found += [] if name == "*" else [ipaddress.ip_network(name, strict=False)]
        except ValueError:
            raise ValueError(f"{name!r} is no address, no network such as 10.0.0.0/8, and not *") from None
    return found


def _apply(scope: Scope) -> None:
    headers = _headers(scope)
    if b"forwarded" in headers:
        said = parse_forwarded(headers[b"forwarded"])
        proto, host, port = said.get("proto"), said.get("host"), None
    else:
        proto, host, port = (
            _first(headers.get(name))
            for name in (b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port")
        )
    proto = proto.lower() if proto else None
    if proto in _DEFAULT_PORTS:
        scope["scheme"] = proto
    authority = _authority(host, port, headers.get(b"host"), scope["scheme"])
    if authority:
        kept = [(name, value) for name, value in scope["headers"] if name != b"host"]
        scope["headers"] = [*kept, (b"host", authority.encode("ascii"))]
    prefix = _first(headers.get(b"x-forwarded-prefix"))
    if prefix and _PREFIX.fullmatch(prefix):
        scope["root_path"] = prefix.rstrip("/")


def _tidy(path: str, root_path: str) -> str:
    """Return a path without a slash at its end, but the landing page with one: both are often typed."""
    bare = path.rstrip("/")
    return f"{bare}/" if bare in ("", root_path) else bare


def parse_forwarded(header: str) -> dict[str, str]:
    """Return the parameters of the first element of a `Forwarded` header, names in lower case.

    An element that breaks RFC 7239 gives what stood before the break.
    """
    found: dict[str, str] = {}
    position = 0
    while match := _PAIR.match(header, position):
        quoted = match.group("quoted")
        value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else match.group("token")
        found.setdefault(match.group("name").lower(), value)
        position = match.end()
        if header[position : position + 1] != ";":
            break
        position += 1
    return found


def _authority(host: str | None, port: str | None, own: str | None, scheme: str) -> str | None:
    """Return host and port as they belong in a URL, or None to leave the Host header alone."""
    match = _HOST.fullmatch(host) if host else None
    if match is None:
        if not port or not port.isdecimal():
            return None
        match = _HOST.fullmatch(own or "")
        if match is None:
            return None
        said = port
    else:
        said = match.group("port") or (port if port and port.isdecimal() else "")
    name = match.group("name")
    if not said or said == _DEFAULT_PORTS[scheme] or int(said) > 65535:
        return name
    return f"{name}:{said}"


def _headers(scope: Scope) -> dict[bytes, str]:
    """Return the headers by name; of one that comes several times, all values with commas between."""
    found: dict[bytes, str] = {}
    for name, value in scope["headers"]:
        text = value.decode("latin-1")
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found


def _first(header: str | None) -> str | None:
    return header.split(",", 1)[0].strip() or None if header else None
