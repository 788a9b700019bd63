"""Running PostgreSQL under an unprivileged account when Kakehashi itself runs as root.

PostgreSQL refuses to run as root. Started by root, its programs therefore run as
`KAKEHASHI_PG_ACCOUNT`; that account owns the cluster's files and must be able to pass through the
directories above them.
"""

import os
import pwd
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from catalog.errors import ClusterError

_ACL = "system.posix_acl_access"
_ACL_VERSION = 2
_HEAD = struct.Struct("<I")
_ENTRY = struct.Struct("<HHI")
_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_EXECUTE = 1
_NO_ID = 0xFFFFFFFF


@dataclass(frozen=True)
class Account:
    """The account whose identity PostgreSQL's programs take."""

    name: str
    uid: int
    gid: int

    @property
    def is_current(self) -> bool:
        """Whether it is the account that this process already runs as."""
        return self.uid == os.geteuid()

    def run(
        self, command: list[str], *, given: str = "", timeout_s: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as this account, its output captured; the exit status is the caller's to judge.

        Args:
            command: full path of the program, and its arguments.
            given: what it reads on standard input.
            timeout_s: longest time that it may take.

        Raises:
            ClusterError: it cannot be started, or takes too long.
        """
        try:
            return subprocess.run(
                command,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout_s,
                check=False,
                input=given,
                cwd="/",
                env=_plain_environment(),
                user=None if self.is_current else self.uid,
                group=None if self.is_current else self.gid,
                extra_groups=None if self.is_current else [],
            )
        except OSError as error:
            raise ClusterError(f"account {self.name} cannot run {command[0]}: {error.strerror}") from error
        except subprocess.TimeoutExpired as error:
            raise ClusterError(f"{command[0]} did not end within {timeout_s:g} s") from error

    def own(self, path: Path) -> None:
        """Give a file or directory to this account."""
        if not self.is_current:
            os.chown(path, self.uid, self.gid)

    def admit(self, directory: Path) -> None:
        """Let this account pass through the directories above `directory`, and no more than pass.

        A POSIX access-control entry `user:<account>:--x` is added where it is needed (a folder made
        by `mktemp -d` is closed to everybody but root), so that nobody else gains anything.

        Raises:
            ClusterError: the file system has no such entries; names the folder to open.
        """
        if self.is_current:
            return
        for parent in reversed(directory.absolute().parents):
            if not self._passes(parent):
                self._grant(parent)

    def _passes(self, directory: Path) -> bool:
        done = self.run(["/bin/sh", "-c", 'test -x "$1"', "sh", str(directory)])
        return done.returncode == 0

    def _grant(self, directory: Path) -> None:
        try:
            entries = _access_entries(directory)
            mask = entries.get((_MASK, _NO_ID), entries[_GROUP_OBJ, _NO_ID])
            if not mask & _EXECUTE:
                # The mask held this right back from others too: they must not gain it with us.
                for tag, who in entries:
                    if tag in (_USER, _GROUP_OBJ, _GROUP):
                        entries[tag, who] &= ~_EXECUTE
            entries[_MASK, _NO_ID] = mask | _EXECUTE
            entries[_USER, self.uid] = entries.get((_USER, self.uid), 0) | _EXECUTE
            packed = [_ENTRY.pack(tag, bits, who) for (tag, who), bits in sorted(entries.items())]
            os.setxattr(directory, _ACL, _HEAD.pack(_ACL_VERSION) + b"".join(packed))
        except (OSError, AttributeError) as error:
            raise ClusterError(
                f"account {self.name}, which runs PostgreSQL, cannot pass through {directory} ({error}): "
                f"run `chmod o+x {directory}` or choose another --data-dir"
            ) from error


def _plain_environment() -> dict[str, str]:
    """Return our environment without what would change how PostgreSQL's programs behave.

    `PGPORT` and its like would point them elsewhere. A locale that is not installed makes `initdb`
    fail, and one that is makes the programs speak another language than the one we read.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C"}


def _access_entries(directory: Path) -> dict[tuple[int, int], int]:
    """Return the POSIX access-control list of a directory: (tag, id) → permission bits.

    The binary form is that of the kernel's `posix_acl_xattr.h`.
    """
    if _ACL in os.listxattr(directory):
        content = os.getxattr(directory, _ACL)[_HEAD.size :]
        return {(tag, who): bits for tag, bits, who in _ENTRY.iter_unpack(content)}
    mode = directory.stat().st_mode
    return {
        (_USER_OBJ, _NO_ID): (mode >> 6) & 7,
        (_GROUP_OBJ, _NO_ID): (mode >> 3) & 7,
        (_OTHER, _NO_ID): mode & 7,
    }


def account_for_postgres(name: str) -> Account:
    """Return the account that PostgreSQL shall run as.

    Args:
        name: the account to use when this process runs as root; otherwise its own is used.

    Raises:
        ClusterError: root, and there is no such account; or our own user id has no name.
    """
    if os.geteuid() != 0:
        try:
            return Account(pwd.getpwuid(os.geteuid()).pw_name, os.geteuid(), os.getegid())
        except KeyError as error:
            raise ClusterError(
                f"user id {os.geteuid()} has no name, which PostgreSQL asks for: run Kakehashi as an account "
                "of /etc/passwd, or set KAKEHASHI_DATABASE_URL to an existing database"
            ) from error
    try:
        entry = pwd.getpwnam(name)
    except KeyError as error:
        raise ClusterError(
            f"PostgreSQL cannot run as root and there is no account {name!r}: create one "
            f"(`useradd --system {name}`) or name another in KAKEHASHI_PG_ACCOUNT"
        ) from error
    if entry.pw_uid == 0:
        raise ClusterError("KAKEHASHI_PG_ACCOUNT must not be root: PostgreSQL refuses to run as root")
    return Account(name, entry.pw_uid, entry.pw_gid)
