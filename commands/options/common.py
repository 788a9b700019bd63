"""What several commands have: the directory of the database, and settings with errors that name a variable."""

import re
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsError

from catalog.errors import ConfigurationError
from catalog.settings import DatabaseSettings

Settings = TypeVar("Settings", bound=BaseSettings)
DataDir = Annotated[
    Path | None, typer.Option(help="Directory of the private PostgreSQL cluster (KAKEHASHI_DATA_DIR).")
]


def database_settings(data_dir: Path | None) -> DatabaseSettings:
    """Return the settings of the database; a directory that is given on the command line holds."""
    settings = read_settings(DatabaseSettings)
    return settings.model_copy(update={"data_dir": data_dir}) if data_dir else settings


def private_settings(data_dir: Path | None) -> DatabaseSettings:
    """Return the same where the private cluster is meant.

    Raises:
        ConfigurationError: another database is set.
    """
    settings = database_settings(data_dir)
    if settings.database_url:
        raise ConfigurationError("KAKEHASHI_DATABASE_URL names a database that is not ours to start or stop")
    return settings


def read_settings(kind: type[Settings]) -> Settings:
    """Read settings from the environment, with a message that names the variable at fault."""
    try:
        return kind()
    except ValidationError as error:
        first = error.errors()[0]
        reason = first["msg"].removeprefix("Value error, ")
        variable = "__".join(str(part) for part in first["loc"]).upper()
        raise ConfigurationError(f"KAKEHASHI_{variable}: {reason}" if variable else reason) from error
    except SettingsError as error:
        # A variable whose value is JSON; pydantic's text names the field alone: `field "sources"`.
        named = re.search(r'field "(\w+)"', str(error))
        variable = f"KAKEHASHI_{named[1].upper()}" if named else "a setting"
        raise ConfigurationError(f"{variable}: its value is not valid JSON") from error
