"""Finding PostgreSQL's programs, among installations that are made up of scripts."""

from pathlib import Path

import pytest

from catalog.errors import ClusterError
from catalog.store import binaries
from catalog.store.binaries import find_binaries


def install(root: Path, version: str, *, postgis: bool = True, initdb: bool = True) -> Path:
    """Make an installation that answers like one of PostgreSQL."""
    directory, share = root / "bin", root / "share"
    directory.mkdir(parents=True)
    (share / "extension").mkdir(parents=True)
    answers = {"postgres": f"postgres (PostgreSQL) {version}", "pg_config": str(share)}
    for program, answer in answers.items():
        (directory / program).write_text(f"#!/bin/sh\necho '{answer}'\n")
        (directory / program).chmod(0o755)
    if initdb:
        (directory / "initdb").write_text("#!/bin/sh\n")
    if postgis:
        (share / "extension" / "postgis.control").write_text("default_version = '3.3.2'\n")
    return directory


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where installations are looked for, and nowhere else; empty."""
    monkeypatch.setattr(binaries, "_PLACES", (f"{tmp_path}/*/bin",))
    monkeypatch.setenv("PATH", "/nonexistent")
    return tmp_path


def test_the_newest_that_is_supported_and_has_postgis_is_taken(places: Path):
    install(places / "15", "15.18 (Debian 15.18-0+deb12u1)")
    expected = install(places / "17", "17.2")
    install(places / "18", "18.1", postgis=False)
    install(places / "19", "19beta1")
    found = find_binaries()
    assert (found.directory, found.major) == (expected, 17)
    assert found.path("initdb") == str(expected / "initdb")


def test_the_one_that_made_the_cluster_comes_first(places: Path):
    expected = install(places / "15", "15.18")
    install(places / "17", "17.2")
    assert find_binaries(prefer=15).directory == expected
    assert find_binaries(prefer=16).major == 17


def test_the_path_is_looked_through_too(places: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(binaries, "_PLACES", ())
    expected = install(tmp_path / "own", "16.1")
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "postgres").symlink_to(expected / "postgres")
    monkeypatch.setenv("PATH", str(linked))
    assert find_binaries().directory == expected


def test_nothing_installed(places: Path):
    with pytest.raises(
        ClusterError, match=r"no PostgreSQL server found: install PostgreSQL 15 to 18 .*PostGIS 3"
    ):
        find_binaries()


def test_clients_alone_are_no_server(places: Path):
    install(places / "15", "15.18", initdb=False)
    with pytest.raises(ClusterError, match="no PostgreSQL server found"):
        find_binaries()


@pytest.mark.parametrize("version", ["14.9", "19.0"])
def test_a_version_that_is_not_supported(places: Path, version: str):
    install(places / "x", version)
    with pytest.raises(
        ClusterError, match=rf"only PostgreSQL {version[:2]} found, which is not supported: install"
    ):
        find_binaries()


def test_postgis_is_missing(places: Path):
    install(places / "15", "15.18", postgis=False)
    with pytest.raises(ClusterError, match="PostgreSQL 15 found, but without PostGIS: install"):
        find_binaries()


def test_the_directory_that_is_named_is_the_only_one(places: Path, tmp_path: Path):
    install(places / "17", "17.2")
    expected = install(tmp_path / "elsewhere" / "pg", "15.1")
    assert find_binaries(expected).directory == expected


def test_the_directory_that_is_named_is_wrong(places: Path, tmp_path: Path):
    install(places / "17", "17.2")
    with pytest.raises(ClusterError, match=f"KAKEHASHI_PG_BIN: there is no `postgres` program in {tmp_path}"):
        find_binaries(tmp_path)


def test_a_relative_directory_is_made_absolute(places: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The programs are run from `/`."""
    expected = install(tmp_path / "pg", "16.1")
    monkeypatch.chdir(tmp_path)
    assert find_binaries(Path("pg/bin")).directory == expected


@pytest.mark.parametrize("answer", ["", "something else", "postgres (PostgreSQL)"])
def test_a_program_that_says_no_version_is_none(places: Path, answer: str):
    directory = install(places / "x", "15.1")
    (directory / "postgres").write_text(f"#!/bin/sh\necho '{answer}'\n")
    with pytest.raises(ClusterError, match="no PostgreSQL server found"):
        find_binaries()


def test_a_program_that_cannot_be_run_is_none(places: Path):
    directory = install(places / "x", "15.1")
    (directory / "postgres").chmod(0o644)
    with pytest.raises(ClusterError, match="no PostgreSQL server found"):
        find_binaries()
