"""Cutting JSON text of PostgreSQL's `jsonb` without parsing what stays.

`jsonb` writes the members of an object by the length of their names, then by their bytes, each as
`"name": value`, separated by `, `. So an item's `links` follow its `bbox`, and pgstac's own number of
the base item comes last. Where a text is not as expected, its members are found one by one.
"""

import json
import re
from typing import Any

_DECODER = json.JSONDecoder()
_BEFORE_LINKS = re.compile(r'\{(?:"bbox": \[[^\]"]*\], )?"links": ')
_BASE_ITEM_LAST = re.compile(r', "pgstac:base_item": (?:\d+|"\d+")\}\Z')
_PROPERTIES = '"properties": {'


def take_links(text: str) -> tuple[str, Any]:
    """Return an object's text without its member `links`, and the value of that member (None: it has none)."""
    match = _BEFORE_LINKS.match(text)
    if not match:
        return take_member(text, "links")
    links, end = _DECODER.raw_decode(text, match.end())
    start = match.end() - len('"links": ')
    if text.startswith(", ", end):
        return text[:start] + text[end + 2 :], links
    # The last member: the comma before it goes, too.
    return text[:start].removesuffix(", ") + text[end:], links


def drop_base_item(text: str) -> str:
    """Return an item's text without pgstac's number of its base item."""
    match = _BASE_ITEM_LAST.search(text, max(0, len(text) - 60))
    return text[: match.start()] + "}" if match else take_member(text, "pgstac:base_item")[0]


def add_null_datetime(text: str) -> str:
    """Return an item's text with `"datetime": null` as the first of its properties."""
    if text.count(_PROPERTIES) == 1:
        place = text.index(_PROPERTIES) + len(_PROPERTIES)
    else:
        found = member(text, "properties")
        if found is None:
            return text
        place = found[1] + 1
    comma = "" if text[place] == "}" else ", "
    return f'{text[:place]}"datetime": null{comma}{text[place:]}'


def put_member(text: str, name: str, value: str) -> str:
    """Return an object's text with one member more, the text of whose value is given, at its end."""
    comma = "" if text == "{}" else ", "
    return f"{text[:-1]}{comma}{json.dumps(name)}: {value}}}"


def take_member(text: str, name: str) -> tuple[str, Any]:
    """Return an object's text without a member, and the value of that member (None: it has none)."""
    found = member(text, name)
    if found is None:
        return text, None
    start, _, end, value = found
    if text.startswith(", ", end):
        return text[:start] + text[end + 2 :], value
    return text[:start].removesuffix(", ") + text[end:], value


def member(text: str, name: str) -> tuple[int, int, int, Any] | None:
    """Return where a member of an object begins, where its value does and ends, and the value."""
    place = 1
    while text[place] != "}":
        start = place
        key, place = _DECODER.raw_decode(text, start)
        value_start = place + len(": ")
        value, place = _DECODER.raw_decode(text, value_start)
        if key == name:
            return start, value_start, place, value
        if text.startswith(", ", place):
            place += len(", ")
    return None
