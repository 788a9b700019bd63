"""Whose a data directory is, and what is refused."""

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.errors import ClusterError
from catalog.store.account import Account
from catalog.store.data_directory import DataDirectory, write_atomically
from tests.e2e.program import PlainUser, refusal, run

ME = Account("me", os.geteuid(), os.getegid())
MAJOR = 15


def listing(directory: Path) -> dict[str, object]:
    """Everything in a directory, with its content."""
    return {
        str(path.relative_to(directory)): path.read_bytes() if path.is_file() else path.stat().st_mode
        for path in directory.rglob("*")
    }


def ours(path: Path) -> DataDirectory:
    directory = DataDirectory(path)
    directory.prepare(ME, MAJOR)
    return directory


def test_a_new_directory_becomes_ours_and_closed_to_others(tmp_path: Path):
    directory = ours(tmp_path / "a" / "b")
    assert directory.path.stat().st_mode & 0o777 == 0o700
    assert json.loads((directory.path / "kakehashi.json").read_text()) == {"format": 1, "postgresql": MAJOR}
    assert directory.made_by() == MAJOR
    before = listing(tmp_path)
    ours(tmp_path / "a" / "b")
    assert listing(tmp_path) == before


def test_an_empty_directory_becomes_ours(tmp_path: Path):
    assert ours(tmp_path).made_by() == MAJOR


@pytest.mark.parametrize("name", ["important.txt", ".hidden", "kakehashi.json.bak"])
def test_a_directory_of_somebody_else_is_left_alone(tmp_path: Path, name: str):
    (tmp_path / name).write_text("mine")
    mode, before = tmp_path.stat().st_mode, listing(tmp_path)
    with pytest.raises(ClusterError, match=rf"{tmp_path} is not empty and not a Kakehashi .*--data-dir"):
        ours(tmp_path)
    assert (tmp_path.stat().st_mode, listing(tmp_path)) == (mode, before)


def test_a_marker_that_another_start_is_writing_is_no_obstacle(tmp_path: Path):
    """Two starts at once: the second one saw `kakehashi.json.<process>.tmp`, and took it for a stranger's."""
    (tmp_path / "kakehashi.json.4711.tmp").write_text("")
    assert ours(tmp_path).made_by() == MAJOR


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", "{}", '{"format": 1}', '{"format": "x", "postgresql": 15}', "\x00\x01", '"text"'],
)
def test_a_damaged_marker_is_told(tmp_path: Path, content: str):
    (tmp_path / "kakehashi.json").write_text(content)
    before = listing(tmp_path)
    with pytest.raises(ClusterError, match=r"kakehashi\.json is damaged"):
        ours(tmp_path)
    assert listing(tmp_path) == before


def test_a_marker_that_is_no_text_is_told(tmp_path: Path):
    (tmp_path / "kakehashi.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ClusterError, match=r"kakehashi\.json is damaged"):
        ours(tmp_path)


def test_a_later_format_is_told(tmp_path: Path):
    (tmp_path / "kakehashi.json").write_text('{"format": 2, "postgresql": 15}')
    with pytest.raises(ClusterError, match="newer Kakehashi: update"):
        ours(tmp_path)


@pytest.mark.parametrize("other", [14, 16, 18])
def test_another_postgresql_is_told(tmp_path: Path, other: int):
    ours(tmp_path)
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text(f"{other}\n")
    with pytest.raises(ClusterError, match=rf"made by PostgreSQL {other}, but version 15 .*KAKEHASHI_PG_BIN"):
        ours(tmp_path)


def test_the_cluster_itself_knows_best_who_made_it(tmp_path: Path):
    """`pg_upgrade` changes the cluster and not our marker."""
    ours(tmp_path)
    (tmp_path / "kakehashi.json").write_text('{"format": 1, "postgresql": 14}')
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("15\n")
    assert ours(tmp_path).made_by() == 15


def test_a_file_is_no_directory(tmp_path: Path):
    file = tmp_path / "file"
    file.write_text("x")
    for path in (file, file / "below"):
        with pytest.raises(
            ClusterError, match=rf"data directory {path} cannot be used: (File exists|Not a directory)"
        ):
            ours(path)


def test_a_home_that_does_not_exist():
    with pytest.raises(ClusterError, match="~nosuchuser/x cannot be used"):
        DataDirectory(Path("~nosuchuser/x"))


def test_a_directory_of_another_account_is_named_with_its_owner(tmp_path: Path):
    """Taken over as root, files of the server would change hands, and its owner could not start it again."""
    ours(tmp_path)
    before = listing(tmp_path)
    with pytest.raises(
        ClusterError, match=r"belongs to account \S+, and PostgreSQL would run as other.*PG_ACCOUNT"
    ):
        DataDirectory(tmp_path).prepare(Account("other", ME.uid + 4711, ME.gid), MAJOR)
    assert listing(tmp_path) == before


@pytest.mark.parametrize("character", list('"$`\\\n'))
def test_a_path_that_the_shell_of_pg_ctl_would_change_is_refused(tmp_path: Path, character: str):
    path = tmp_path / f"a{character}b"
    with pytest.raises(ClusterError, match="choose another --data-dir"):
        ours(path)
    assert not path.exists()


def test_the_socket_is_inside_where_its_path_fits(tmp_path: Path):
    directory = DataDirectory(tmp_path)
    assert directory.socket_directory == tmp_path / "run"


@pytest.mark.parametrize("length", range(80, 96))
def test_the_socket_path_always_fits_and_is_this_directory_alone(length: int):
    """A socket's path has room for 103 bytes on macOS, 107 on Linux."""
    stem = Path("/" + "x" * (length - 1))
    directory = DataDirectory(stem)
    assert len(os.fsencode(directory.socket_directory / ".s.PGSQL.5432")) <= 103
    assert directory.socket_directory == DataDirectory(stem).socket_directory
    assert directory.socket_directory != DataDirectory(stem.with_name("y" * (length - 1))).socket_directory


def test_bytes_count_and_not_characters():
    directory = DataDirectory(Path("/" + "架" * 30))
    path = directory.socket_directory / ".s.PGSQL.5432"
    assert len(os.fsencode(path)) <= 103
    with socket.socket(socket.AF_UNIX) as probe, pytest.raises(OSError, match=r"No such file|refused"):
        probe.connect(str(path))


def test_a_socket_directory_of_somebody_else_is_refused(tmp_path: Path):
    directory = ours(tmp_path / "d")
    (directory.path / "run").symlink_to(tmp_path)
    with pytest.raises(ClusterError, match="belongs to somebody else"):
        directory.prepare_socket_directory(ME)


def test_a_lock_that_is_held_is_told_at_once(tmp_path: Path):
    directory = ours(tmp_path)
    with directory.locked("x.lock"):
        second = DataDirectory(tmp_path).locked("x.lock", wait=False)
        with pytest.raises(BlockingIOError):
            second.__enter__()
    with directory.locked("x.lock", wait=False):
        pass


def test_what_the_file_system_refuses_is_one_line(tmp_path: Path):
    directory = ours(tmp_path)
    told = pytest.raises(ClusterError, match=f"data directory {tmp_path} cannot be used: No space left")
    with told, directory.usable():
        raise OSError(28, "No space left on device")


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "file"
    write_atomically(file, "old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        write_atomically(file, "new")
    assert listing(tmp_path) == {"file": b"old"}


def test_a_closed_directory_is_told_to_a_plain_user(nobody: PlainUser, root: None, tmp_path: Path):
    closed = tmp_path / "closed"
    ours(closed)
    for arguments in (["db", "start"], ["db", "stop"], ["up", "--offline"]):
        line = refusal(nobody.run(*arguments, "--data-dir", closed))
        assert "cannot be used: Permission denied" in line


def test_a_place_where_nothing_may_be_made_is_told_to_a_plain_user(
    nobody: PlainUser, root: None, open_place: Path
):
    open_place.chmod(0o555)
    os.chown(open_place, 0, 0)
    line = refusal(nobody.run("db", "start", "--data-dir", open_place / "new"))
    assert line == f"error: data directory {open_place / 'new'} cannot be used: Permission denied"


def test_a_read_only_file_system_is_told(root: None, small_disk: Callable[[str], Path]):
    disk = small_disk("size=1m,mode=0755,ro")
    line = refusal(run("db", "start", "--data-dir", disk / "data"))
    assert line == f"error: data directory {disk / 'data'} cannot be used: Read-only file system"
