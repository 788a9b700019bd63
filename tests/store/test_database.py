"""Which database is used."""

import asyncio
from pathlib import Path

import pytest

from catalog.settings import DatabaseSettings
from catalog.store.cluster import PrivateCluster
from catalog.store.database import open_database
from tests.store.clusters import ask, settings_for


def test_a_database_that_is_given_is_taken_as_it_is(tmp_path: Path):
    settings = DatabaseSettings(database_url="postgresql://db/x", data_dir=tmp_path / "none")
    with open_database(settings) as database:
        assert (database.url, database.is_private) == ("postgresql://db/x", False)
    assert not (tmp_path / "none").exists()


def test_without_one_the_private_cluster_runs_for_as_long_as_it_is_open(data_dir: Path):
    cluster = PrivateCluster(settings_for(data_dir))
    with open_database(settings_for(data_dir)) as database:
        assert database.is_private
        assert asyncio.run(ask(database.url, "SELECT 1")) == 1
    assert not cluster.is_running()


def test_it_is_stopped_when_something_goes_wrong_inside(data_dir: Path):
    with pytest.raises(RuntimeError, match="inside"), open_database(settings_for(data_dir)):
        raise RuntimeError("inside")
    assert not PrivateCluster(settings_for(data_dir)).is_running()
