"""Settings: where they come from, and what is no setting."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from app.settings import ApiSettings
from catalog import settings
from catalog.settings import DatabaseSettings
from ingest.settings import IngestSettings


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("KAKEHASHI_")]:
        monkeypatch.delenv(name)


def test_without_variables_there_is_a_private_cluster():
    found = DatabaseSettings()
    assert found.database_url is None
    assert found.pg_bin is None
    assert found.pg_account == "postgres"


@pytest.mark.parametrize("kind", [DatabaseSettings, ApiSettings, IngestSettings])
def test_an_empty_variable_is_an_unset_one(kind: type[BaseSettings], monkeypatch: pytest.MonkeyPatch):
    """A compose file that passes `${KAKEHASHI_PG_BIN:-}` on sets it to nothing."""
    unset = kind()
    for name in kind.model_fields:
        monkeypatch.setenv(f"KAKEHASHI_{name.upper()}", "")
    assert kind() == unset


def test_an_empty_token_is_no_token(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KAKEHASHI_SOURCES__TELLUS__TOKEN", "")
    assert IngestSettings().of("tellus").token is None


@pytest.mark.parametrize("text", ["a,b", "a b", " a , b,", "a\nb"])
def test_lists_are_separated_by_commas_or_white_space(text: str, monkeypatch: pytest.MonkeyPatch):
    """They were by commas in the settings of the API and by spaces in all others."""
    for name in ("SCHEMA_HOSTS", "CORS_ORIGINS"):
        monkeypatch.setenv(f"KAKEHASHI_{name}", text)
    assert ApiSettings().cors_origins == IngestSettings().schema_hosts == ["a", "b"]


@pytest.mark.parametrize("between", [",", " ", ", ", "\n"])
def test_urls_are_separated_alike_and_keep_their_own_commas(between: str, monkeypatch: pytest.MonkeyPatch):
    urls = ["postgresql://a:5432,b:5433/x", "postgres://c/x"]
    monkeypatch.setenv("KAKEHASHI_DATABASE_READ_URLS", between.join(urls))
    assert DatabaseSettings().database_read_urls == urls


def test_a_comma_is_an_empty_list(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KAKEHASHI_CORS_ORIGINS", ",")
    monkeypatch.setenv("KAKEHASHI_TRUSTED_PROXIES", ",")
    assert (ApiSettings().cors_origins, ApiSettings().trusted_proxies) == ([], [])


@pytest.mark.parametrize("value", ["proxy.internal", "10.0.0.0/33", "10.0.0.1, 10.0.0", "**"])
def test_a_proxy_that_is_no_address_is_refused_at_start(value: str, monkeypatch: pytest.MonkeyPatch):
    """It failed when the middleware was built, which the server took for an application without a lifespan."""
    monkeypatch.setenv("KAKEHASHI_TRUSTED_PROXIES", value)
    with pytest.raises(ValidationError, match="is no address"):
        ApiSettings()


def test_variables_are_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KAKEHASHI_DATABASE_URL", "postgresql://db/x")
    monkeypatch.setenv("KAKEHASHI_STATEMENT_TIMEOUT_S", "2.5")
    monkeypatch.setenv("KAKEHASHI_DATA_DIR", "/srv/x")
    found = DatabaseSettings()
    assert (found.database_url, found.statement_timeout_s) == ("postgresql://db/x", 2.5)
    assert found.data_dir == Path("/srv/x")


@pytest.mark.parametrize("value", ["abc", "0", "-1", "0.0001", "nan", "inf", "1e12"])
def test_a_time_limit_that_postgresql_cannot_hold_is_refused(value: str, monkeypatch: pytest.MonkeyPatch):
    """0.0001 s would be rounded to 0 ms, which is no limit at all."""
    monkeypatch.setenv("KAKEHASHI_STATEMENT_TIMEOUT_S", value)
    with pytest.raises(ValidationError):
        DatabaseSettings()


@pytest.mark.parametrize(
    ("name", "value"),
    [("DATABASE_POOL_SIZE", "0"), ("DATABASE_POOL_SIZE", "many"), ("DATABASE_CONNECT_TIMEOUT_S", "inf")],
)
def test_other_wrong_values_are_refused(name: str, value: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(f"KAKEHASHI_{name}", value)
    with pytest.raises(ValidationError):
        DatabaseSettings()


def test_data_lives_where_the_system_keeps_such_things(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(settings.os, "geteuid", lambda: 0)
    assert settings.default_data_dir() == Path("/var/lib/kakehashi")
    monkeypatch.setattr(settings.os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", "/home/u/data")
    assert settings.default_data_dir() == Path("/home/u/data/kakehashi")
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", "/home/u")
    assert settings.default_data_dir().expanduser() == Path("/home/u/.local/share/kakehashi")
