"""The definition file of a source: what is data about an upstream and not code."""

from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from catalog.errors import DefinitionError
from ingest.habits import Habits


class Definition(BaseModel):
    """What every source's YAML file says; a source with more to say makes a subclass.

    Attributes:
        title: name of the upstream, for people.
        operator: who runs it.
        endpoint: base address, without a slash at the end; an operator may set another.
        documentation: where the upstream describes itself.
        page_size: records asked for at once.
        min_interval_s: least time in seconds between two requests.
        needs_token: whether metadata are closed to anonymous clients.
        data_account: what is needed to download data, for people.
        collections_only: whether it describes data sets and lists no items.
        describes_more: whether it has collections beside those that we define, which it describes itself.
        harvest: how the standing job treats it, unless a plan says otherwise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    operator: str
    endpoint: str = Field(pattern=r"^https?://\S+[^/]$")
    documentation: str
    page_size: PositiveInt
    min_interval_s: float = Field(ge=0)
    needs_token: bool = False
    data_account: str
    collections_only: bool = False
    describes_more: bool = False
    harvest: Habits = Field(default_factory=Habits)

    @property
    def min_interval(self) -> timedelta:
        """Least time between two requests."""
        return timedelta(seconds=self.min_interval_s)


D = TypeVar("D", bound=BaseModel)


def load_definition(kind: type[D], file: Path) -> D:
    """Read a source's definition file.

    Raises:
        DefinitionError: it is not valid; names the file and the field.
    """
    try:
        return kind.model_validate(yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
    except (ValidationError, yaml.YAMLError) as error:
        raise DefinitionError(f"{file.name}: {error}") from error
