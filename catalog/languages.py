"""The languages that collections are described in."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

DEFAULT = "en"
NO_LANGUAGE = "zxx"
"""The tag (RFC 5646) of what is no language: names and numbers that are searched for, never shown."""

LANGUAGES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "en": MappingProxyType({"code": "en", "name": "English", "alternate": "English"}),
        "ja": MappingProxyType({"code": "ja", "name": "日本語", "alternate": "Japanese"}),
    }
)
"""The languages of the catalogue by tag (RFC 5646), as the STAC Language extension describes them."""

LANGUAGE_EXTENSION = "https://stac-extensions.github.io/language/v1.0.0/schema.json"


def own_language(content: Mapping[str, Any]) -> str:
    """Return the tag of the language that a collection says its texts are in; the default if it says nothing."""
    stored = content.get("language")
    code = stored.get("code") if isinstance(stored, Mapping) else None
    return code if isinstance(code, str) else DEFAULT


def in_language(
    content: Mapping[str, Any], translations: Mapping[str, Mapping[str, Any]], language: str
) -> dict[str, Any]:
    """Return a collection in a language, as it is if it has no translation to it.

    Args:
        content: the collection as it is stored.
        translations: members that differ in other languages, by tag.
        language: the tag wanted.
    """
    own = own_language(content)
    if language == own or language not in translations:
        return dict(content)
    others = [own, *(code for code in translations if code not in (own, language))]
    translated = {name: value for name, value in translations[language].items() if name != "link_titles"}
    extensions = [*(content.get("stac_extensions") or ()), LANGUAGE_EXTENSION]
    return {
        **content,
        **translated,
        "stac_extensions": list(dict.fromkeys(extensions)),
        "language": dict(LANGUAGES[language]),
        "languages": [dict(LANGUAGES[code]) for code in others if code in LANGUAGES],
    }
