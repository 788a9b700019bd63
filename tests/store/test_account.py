"""PostgreSQL's account: what it may pass through, and what it is run with."""

import os
import pwd
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.errors import ClusterError
from catalog.store import account
from catalog.store.account import Account, account_for_postgres

NAME = "system.posix_acl_access"
USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
NO_ID = 0xFFFFFFFF
SOMEBODY = 54321


@pytest.fixture
def postgres(root: None) -> Account:
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("NOT TESTED: no account `postgres`")
    return account_for_postgres("postgres")


@pytest.fixture
def closed() -> Iterator[Path]:
    """A directory below one that is closed to everybody but root, at a place that is open to all."""
    place = Path(tempfile.mkdtemp(prefix="kakehashi-test-", dir="/tmp"))
    place.chmod(0o755)
    parent = place / "closed"
    parent.mkdir(mode=0o700)
    (parent / "secret").write_text("x")
    (parent / "inside").mkdir(mode=0o755)
    yield parent / "inside"
    shutil.rmtree(place)


def write_entries(directory: Path, entries: list[tuple[int, int, int]]) -> None:
    packed = [struct.pack("<HHI", tag, bits, who) for tag, bits, who in entries]
    os.setxattr(directory, NAME, struct.pack("<I", 2) + b"".join(packed))


def read_entries(directory: Path) -> dict[tuple[int, int], int]:
    content = os.getxattr(directory, NAME)[4:]
    return {(tag, who): bits for tag, bits, who in struct.iter_unpack("<HHI", content)}


def succeeds(words: list[str], uid: int) -> bool:
    done = subprocess.run(words, capture_output=True, user=uid, group=uid, extra_groups=[], check=False)
    return done.returncode == 0


def test_it_may_pass_through_a_closed_directory_and_do_no_more(postgres: Account, closed: Path):
    assert not succeeds(["test", "-x", str(closed)], postgres.uid)
    postgres.admit(closed)
    assert succeeds(["test", "-x", str(closed)], postgres.uid)
    parent = closed.parent
    assert not succeeds(["ls", str(parent)], postgres.uid)
    assert not succeeds(["touch", str(parent / "new")], postgres.uid)


def test_nobody_else_gains_anything(postgres: Account, closed: Path):
    postgres.admit(closed)
    assert not succeeds(["test", "-x", str(closed)], SOMEBODY)
    assert read_entries(closed.parent) == {
        (USER_OBJ, NO_ID): 7,
        (USER, postgres.uid): 1,
        (GROUP_OBJ, NO_ID): 0,
        (MASK, NO_ID): 1,
        (OTHER, NO_ID): 0,
    }


def test_a_directory_that_is_open_is_left_as_it_is(postgres: Account, tmp_path: Path):
    open_directory = tmp_path / "open"
    open_directory.mkdir()
    open_directory.chmod(0o755)
    postgres.admit(open_directory / "data")
    assert NAME not in os.listxattr(open_directory)


def test_entries_that_are_there_are_kept(postgres: Account, closed: Path):
    write_entries(
        closed.parent,
        [
            (USER_OBJ, 7, NO_ID),
            (USER, 5, SOMEBODY),
            (GROUP_OBJ, 5, NO_ID),
            (GROUP, 4, 4321),
            (MASK, 5, NO_ID),
            (OTHER, 0, NO_ID),
        ],
    )
    before = read_entries(closed.parent)
    postgres.admit(closed)
    assert read_entries(closed.parent) == {**before, (USER, postgres.uid): 1}
    assert succeeds(["ls", str(closed.parent)], SOMEBODY)


def test_what_the_mask_held_back_from_others_stays_held_back(postgres: Account, closed: Path):
    """Our own right needs the mask to be wider, and everybody's rights go through the mask."""
    write_entries(
        closed.parent,
        [
            (USER_OBJ, 7, NO_ID),
            (USER, 7, SOMEBODY),
            (GROUP_OBJ, 7, NO_ID),
            (MASK, 4, NO_ID),
            (OTHER, 0, NO_ID),
        ],
    )
    assert not succeeds(["test", "-x", str(closed)], SOMEBODY)
    postgres.admit(closed)
    assert succeeds(["test", "-x", str(closed)], postgres.uid)
    assert not succeeds(["test", "-x", str(closed)], SOMEBODY)


def test_a_file_system_without_such_entries_is_told(
    postgres: Account, closed: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(account.os, "setxattr", refuse)
    with pytest.raises(ClusterError, match=rf"cannot pass through {closed.parent} .*chmod o\+x") as caught:
        postgres.admit(closed)
    assert "\n" not in str(caught.value)


def test_programs_do_not_see_what_would_change_them(postgres: Account, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PGPORT", "5999")
    monkeypatch.setenv("LANG", "xx_YY.UTF-8")
    monkeypatch.setenv("LC_MESSAGES", "ja_JP.UTF-8")
    monkeypatch.setenv("KEPT", "yes")
    said = dict(line.split("=", 1) for line in postgres.run(["/usr/bin/env"]).stdout.splitlines())
    assert "PGPORT" not in said
    assert {name: said[name] for name in said if name.startswith(("LC_", "LANG"))} == {"LC_ALL": "C"}
    assert said["KEPT"] == "yes"


def test_programs_run_as_the_account(postgres: Account):
    assert postgres.run(["/usr/bin/id", "-un"]).stdout.strip() == "postgres"
    assert postgres.run(["/usr/bin/id", "-G"]).stdout.split() == [str(postgres.gid)]


def test_a_program_that_cannot_be_run_is_told(tmp_path: Path):
    own = Account("me", os.geteuid(), os.getegid())
    with pytest.raises(ClusterError, match="account me cannot run /nonexistent/initdb: No such file"):
        own.run(["/nonexistent/initdb"])
    closed = tmp_path / "initdb"
    closed.write_text("#!/bin/sh\n")
    closed.chmod(0o600)
    with pytest.raises(ClusterError, match="Permission denied"):
        own.run([str(closed)])


def test_a_program_that_hangs_is_ended():
    own = Account("me", os.geteuid(), os.getegid())
    with pytest.raises(ClusterError, match=r"/bin/sleep did not end within 0.2 s"):
        own.run(["/bin/sleep", "30"], timeout_s=0.2)


def test_an_account_that_is_not_there_is_named(root: None):
    with pytest.raises(ClusterError, match=r"'nosuch'.*KAKEHASHI_PG_ACCOUNT"):
        account_for_postgres("nosuch")


def test_root_is_no_account_for_postgresql(root: None):
    with pytest.raises(ClusterError, match="must not be root"):
        account_for_postgres("root")


def test_a_plain_user_runs_it_itself(monkeypatch: pytest.MonkeyPatch):
    somebody = pwd.getpwnam("nobody")
    monkeypatch.setattr(account.os, "geteuid", lambda: somebody.pw_uid)
    assert account_for_postgres("whatever").name == "nobody"
    assert account_for_postgres("whatever").is_current


def test_a_user_id_without_a_name_is_told(monkeypatch: pytest.MonkeyPatch):
    """Containers may run under any number; `initdb` wants a name."""
    monkeypatch.setattr(account.os, "geteuid", lambda: SOMEBODY)
    with pytest.raises(ClusterError, match=f"user id {SOMEBODY} has no name"):
        account_for_postgres("postgres")
