"""Homes: to which collection and id a product belongs, at whichever hub it is found.

Several hubs distribute the same Sentinel products. Their home is the collection that the Copernicus
Data Space has for them, under the product's name without the suffix of its package, so that the same
product is one item (see `ingest.identity`).
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from catalog.errors import DefinitionError
from catalog.names import parse_name, product_key

_FILE = Path(__file__).with_suffix(".yaml")


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    type: re.Pattern[str]
    collection: str


class Homes(BaseModel):
    """The table of homes, as `homes.yaml` explains it.

    Attributes:
        priority: sources, the one first whose record leads when several have a product.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    collections: tuple[_Rule, ...]
    timeliness: dict[str, str]
    priority: tuple[str, ...]

    def knows(self, timeliness: str | None) -> bool:
        """Whether a timeliness category is one that collections are told apart by."""
        return timeliness in self.timeliness

    def collection_of(self, product_type: str, timeliness: str | None) -> str | None:
        """Return the collection of a product type, None if it belongs to none.

        Args:
            product_type: as the mission writes it, with `-COG` where that is its package.
            timeliness: category, where collections are told apart by it.
        """
        for rule in self.collections:
            match = rule.type.fullmatch(product_type)
            if match is not None:
                words = {group: _slug(value) for group, value in match.groupdict().items()}
                return rule.collection.format(**words, timeliness=self.timeliness.get(timeliness or "", ""))
        return None

    def home_of(self, name: str) -> "Home | None":
        """Return the home of the product of this name, None if it has none or the name tells nothing."""
        said = parse_name(name)
        if said is None or said.product_type is None or said.is_auxiliary:
            return None
        package = "-COG" if said.parts.get("cog") else ""
        collection = self.collection_of(said.product_type + package, said.timeliness)
        return Home(collection, product_key(name)) if collection else None


@dataclass(frozen=True, slots=True)
class Home:
    """Where a product belongs."""

    collection: str
    id: str


@cache
def load_homes() -> Homes:
    """Read the table.

    Raises:
        DefinitionError: it is not valid.
    """
    try:
        return Homes.model_validate(yaml.load(_FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
    except (ValidationError, yaml.YAMLError) as error:
        raise DefinitionError(f"{_FILE.name}: {error}") from error


def _slug(value: str) -> str:
    return re.sub("_+", "-", value.strip("_")).lower()
