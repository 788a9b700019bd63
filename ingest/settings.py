"""Settings of the ingest job, read once from the environment at start."""

from pathlib import Path

from pydantic import BaseModel, Field, PositiveInt, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from catalog.settings import Texts


class SourceSettings(BaseModel):
    """What an operator may set per upstream: `KAKEHASHI_SOURCES__<NAME>__<SETTING>`."""

    url: str | None = Field(default=None, description="Base address instead of the upstream's own.")
    token: SecretStr | None = Field(
        default=None, description="Access token, where the upstream asks for one."
    )


class IngestSettings(BaseSettings):
    """How the ingest job behaves towards upstreams and the database."""

    model_config = SettingsConfigDict(
        env_prefix="KAKEHASHI_", env_nested_delimiter="__", env_ignore_empty=True, extra="ignore"
    )

    sources: dict[str, SourceSettings] = Field(
        default_factory=dict, description="Per upstream: address and token."
    )
    http_timeout_s: float = Field(
        default=120.0, gt=0, description="Longest time in seconds to wait for an upstream's answer."
    )
    http_attempts: PositiveInt = Field(
        default=5, description="How often one request is tried before the upstream counts as unavailable."
    )
    http_max_wait_s: float = Field(
        default=60.0, ge=0, description="Longest pause in seconds between two tries, `Retry-After` included."
    )
    http_max_bytes: PositiveInt = Field(
        default=100_000_000, description="Largest answer in bytes that is accepted from an upstream."
    )
    schemas_from_network: bool = Field(
        default=True,
        description=(
            "Whether extension schemas that are not bundled are asked for where they are published, and kept. "
            "Otherwise items are not checked against them, and the run says so."
        ),
    )
    schema_hosts: Texts = Field(
        default=["stac-extensions.github.io", "schemas.stacspec.org", "cs-si.github.io"],
        description="Hosts that may be asked for schemas.",
    )
    schema_dir: Path | None = Field(
        default=None,
        description="Directory in which such schemas are kept. Unset: `schemas` in the data directory.",
    )
    batch_size: PositiveInt = Field(default=500, description="Items written per transaction.")
    harvest_silent_s: float = Field(
        default=30.0,
        ge=1,
        description="A worker of the harvest that gave no sign of life for so many seconds counts as gone.",
    )
    harvest_first_wait_s: float = Field(
        default=60.0,
        gt=0,
        description="Seconds until a failed window is tried again the first time; doubles up to six hours.",
    )

    @field_validator("sources", mode="before")
    @classmethod
    def _names_as_on_the_command_line(cls, value: object) -> object:
        """`KAKEHASHI_SOURCES__JAXA_EARTH__URL` means the source `jaxa-earth`."""
        if isinstance(value, dict):
            return {str(name).lower().replace("_", "-"): settings for name, settings in value.items()}
        return value

    def of(self, source: str) -> SourceSettings:
        """Return what is set for a source; nothing by default."""
        return self.sources.get(source, SourceSettings())
