"""How the files of a hub are got: its schemes of authentication and storage, as data (`access.yaml`)."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from catalog.errors import DefinitionError

Schemes = dict[str, dict[str, Any]]

KINDS = ("auth", "storage")
"""Prefixes of the extensions, each with a member `<kind>:schemes` and `<kind>:refs`."""
EXTENSIONS = {
    "auth": "https://stac-extensions.github.io/authentication/v1.1.0/schema.json",
    "storage": "https://stac-extensions.github.io/storage/v2.0.0/schema.json",
}

_FILE = Path(__file__).with_suffix(".yaml")


class Needs(BaseModel):
    """Names of the schemes that the files of a hub need."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    auth: tuple[str, ...] = ()
    storage: tuple[str, ...] = ()


class Access(BaseModel):
    """The table, as `access.yaml` explains it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    auth: dict[str, dict[str, Any]]
    storage: dict[str, dict[str, Any]]
    hubs: dict[str, Needs]

    def schemes(self, kind: str) -> Mapping[str, dict[str, Any]]:
        """Return all schemes of a kind by name."""
        return self.auth if kind == "auth" else self.storage

    def of(self, hubs: Iterable[str]) -> dict[str, Schemes]:
        """Return what the files of some hubs need: whole schemes, by kind; a kind without any is left out."""
        found: dict[str, Schemes] = {}
        for hub in hubs:
            needs = self.hubs.get(hub, Needs())
            for kind in KINDS:
                for name in getattr(needs, kind):
                    found.setdefault(kind, {})[name] = dict(self.schemes(kind)[name])
        return found


@cache
def load_access() -> Access:
    """Read the table.

    Raises:
        DefinitionError: it is not valid, or a hub needs a scheme that there is not.
    """
    try:
        access = Access.model_validate(yaml.load(_FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
        access.of(access.hubs)
    except (ValidationError, yaml.YAMLError) as error:
        raise DefinitionError(f"{_FILE.name}: {' '.join(str(error).split())}") from None
    except KeyError as error:
        raise DefinitionError(f"{_FILE.name}: hubs: there is no scheme {error}") from None
    return access
