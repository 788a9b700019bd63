"""The Language extension: in which language a client is answered.

The parameter `language` has the form of the header `Accept-Language` (RFC 9110, section 12.5.4) and comes
before it, since people cannot set their browser's header. A language that we have not is no error.

Source: STAC API Language extension, v1.0.0-rc.2.
"""

import re

from starlette.requests import Request

from catalog.errors import InvalidRequest
from catalog.languages import DEFAULT, LANGUAGES

PARAMETERS = ("language", "lang")
_RANGE = re.compile(
    r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?", re.ASCII
)
_MAX_LENGTH = 500


def language_of(request: Request) -> str:
    """Return the tag of the language to answer in.

    Raises:
        InvalidRequest: `language` is not a list of language tags (RFC 5646).
    """
    asked = asked_language(request)
    if asked is not None:
        return asked
    header = request.headers.get("accept-language", "")[:_MAX_LENGTH]
    try:
        return _best(header)
    except ValueError:
        # Whatever a browser sends, it gets an answer.
        return DEFAULT


def asked_language(request: Request) -> str | None:
    """Return the language that the address itself asks for, None if it asks for none.

    Raises:
        InvalidRequest: names the parameter.
    """
    for name in PARAMETERS:
        value = request.query_params.get(name)
        if value is not None:
            try:
                return _best(value[:_MAX_LENGTH])
            except ValueError as error:
                raise InvalidRequest(name, str(error)) from error
    return None


def _best(text: str) -> str:
    """Return the language of ours that a priority list likes best; of two equals the first."""
    weights: dict[str, float] = {}
    if not text.strip():
        raise ValueError("is empty")
    for part in text.split(","):
        match = _RANGE.fullmatch(part)
        if not match:
            raise ValueError(f"{part[:40]!r} is not a language tag such as ja or en-GB")
        code, weight = match.group(1).split("-")[0].lower(), float(match.group(2) or 1)
        for language in LANGUAGES if code == "*" else [code]:
            if code != "*" or language not in weights:
                weights[language] = max(weight, weights.get(language, 0.0) if code != "*" else 0.0)
    ours = [language for language in weights if language in LANGUAGES and weights[language] > 0]
    return max(ours, key=lambda language: weights[language], default=DEFAULT)
