"""Taking secrets out of texts that are shown to others, such as the last error of an upstream."""

import re

_HIDDEN = "***"
# `user:password@` of any URL; a password may hold anything but blanks, up to the last @. A port is none.
_CREDENTIALS = re.compile(
    r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)[^\s/@?#:]*(?::(?!\d{1,5}[/?#])[^\s]*)?@", re.IGNORECASE
)
_NAMES = (
    r"[\w.-]*(?:token|secret|passw(?:or)?d|pwd|api[_-]?key|access[_-]?key|credential|signature|\bsig)[\w.-]*"
)
# `token=...` in queries and connection strings, `"password": "..."` in JSON.
_PAIRS = re.compile(
    rf"""(?P<name>{_NAMES})(?P<sign>["']?\s*[=:]\s*)(?P<value>"[^"]*"|'[^']*'|[^\s&;,"'}}\])]+)""",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(?P<kind>bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)


def without_secrets(text: str) -> str:
    """Return a text with passwords, tokens and keys replaced by `***`.

    Hides what stands where secrets stand: user and password of URLs, values of parameters with telling
    names, bearer and basic authorisation. Where in doubt, more is hidden than need be.
    """
    text = _CREDENTIALS.sub(rf"\g<scheme>{_HIDDEN}@", text)
    text = _BEARER.sub(rf"\g<kind> {_HIDDEN}", text)
    return _PAIRS.sub(rf"\g<name>\g<sign>{_HIDDEN}", text)
