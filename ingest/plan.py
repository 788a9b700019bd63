"""The plan of the standing job: which collections of which sources, how often, how far back."""

from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from catalog.errors import ConfigurationError
from ingest.contract import BoundingBox, Window

DEFAULT_PLAN = Path(__file__).parent / "harvest.yaml"


class Entry(BaseModel):
    """What one entry of the plan asks for; the numbers are hours."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    collections: tuple[str, ...] = Field(min_length=1)
    bbox: BoundingBox | None = None
    every: float = Field(gt=0)
    look_back: float = Field(gt=0)
    overlap: float = Field(ge=0)

    def window(self, watermark: datetime | None, now: datetime) -> Window:
        """Return the time to ask for: from before the watermark, or from `look_back` ago, until now."""
        if watermark is None:
            return Window(now - timedelta(hours=self.look_back), now)
        return Window(watermark - timedelta(hours=self.overlap), now)


def read_plan(file: Path, sources: Collection[str]) -> tuple[Entry, ...]:
    """Read a plan.

    Args:
        file: YAML, as `harvest.yaml` explains it.
        sources: names of the sources there are.

    Raises:
        ConfigurationError: it cannot be read or is not valid; names the file, the entry and the field.
    """
    try:
        plan = TypeAdapter(tuple[Entry, ...]).validate_python(
            yaml.safe_load(file.read_text(encoding="utf-8"))
        )
    except OSError as error:
        raise ConfigurationError(f"plan {file} cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"plan {file} is no YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigurationError(f"plan {file}: {place}: {first['msg']}") from error
    for index, entry in enumerate(plan):
        if entry.source not in sources:
            raise ConfigurationError(f"plan {file}: {index}.source: there is no source {entry.source!r}")
    return plan
