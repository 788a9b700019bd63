"""Settings of the store, read once from the environment at start.

Every setting is an environment variable `KAKEHASHI_<NAME>`; `docs/reference/settings.md` lists
them all. Those of the API (`app.settings`) and of the ingest job (`ingest.settings`) are read alike: an empty
variable is an unset one, and lists are separated by commas or white space.
"""

import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, NonNegativeInt, PositiveInt
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

# A URL of PostgreSQL may name several hosts, with commas between them.
_BETWEEN_URLS = re.compile(r"\s+|,(?=postgres(?:ql)?://)")


def separated(value: object) -> object:
    """Split the text of a list at commas and white space; what is no text stays as it is."""
    return [part for part in re.split(r"[\s,]+", value) if part] if isinstance(value, str) else value


def separated_urls(value: object) -> object:
    """Do the same with PostgreSQL URLs, each of which may have commas of its own."""
    if not isinstance(value, str):
        return value
    return [url for part in _BETWEEN_URLS.split(value) if (url := part.strip(","))]


Texts = Annotated[list[str], NoDecode, BeforeValidator(separated)]


def default_data_dir() -> Path:
    """Where the private cluster lives when nobody says otherwise.

    `/var/lib/kakehashi` for root, since PostgreSQL then runs under another account that cannot
    enter root's home; else the XDG data directory of the user.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/kakehashi")
    base = os.environ.get("XDG_DATA_HOME") or Path("~/.local/share")
    return Path(base) / "kakehashi"


class DatabaseSettings(BaseSettings):
    """Which database is used, and how."""

    model_config = SettingsConfigDict(env_prefix="KAKEHASHI_", env_ignore_empty=True, extra="ignore")

    database_url: str | None = Field(
        default=None,
        description="PostgreSQL URL of an existing database. Unset: a private cluster in the data directory.",
    )
    database_read_urls: Annotated[list[str], NoDecode, BeforeValidator(separated_urls)] = Field(
        default=[],
        description=(
            "PostgreSQL URLs of servers that the API reads from, such as streaming replicas. "
            "Reads go round those that work; when none does, to KAKEHASHI_DATABASE_URL."
        ),
    )
    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Directory of the private PostgreSQL cluster.",
    )
    pg_bin: Path | None = Field(
        default=None,
        description="Directory of the PostgreSQL server binaries. Unset: the newest supported one found.",
    )
    pg_account: str = Field(
        default="postgres",
        description="Account that runs PostgreSQL when Kakehashi is started as root.",
    )
    database_pool_size: PositiveInt = Field(
        default=10, description="Most database connections one API worker holds."
    )
    statement_timeout_s: float = Field(
        # PostgreSQL counts in whole milliseconds, in 31 bits; 0 would be no limit at all.
        default=30.0,
        ge=0.001,
        le=2_000_000,
        description="Longest time in seconds that one query may take.",
    )
    database_connect_timeout_s: float = Field(
        default=10.0,
        gt=0,
        allow_inf_nan=False,
        description="Longest time in seconds to wait for a connection.",
    )
    database_wait_s: float = Field(
        default=5.0,
        gt=0,
        allow_inf_nan=False,
        description="Longest time in seconds that a request waits while all connections are in use.",
    )
    database_most_waiting: NonNegativeInt = Field(
        default=300,
        description="Requests of one API worker that may wait for a connection; more get 503 at once.",
    )

    activity_days: PositiveInt = Field(
        default=90,
        le=36_500,
        description="Days for which it is remembered what each source did to each collection on each day.",
    )
