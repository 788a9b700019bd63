"""The data directory of a private cluster: whose it is, what lies where, and its locks.

kakehashi.json    says that the directory is ours, and by which PostgreSQL it was made
postgres/         the cluster
postgres.log      what the server says
run/              the Unix socket
start.lock        held while somebody makes, starts or stops the server
users.lock        held, shared, by every process that uses the server
up.lock           held by the one `kakehashi up` that serves from here
keep              present when `kakehashi db start` asked that the server outlives its users
"""

import fcntl
import hashlib
import json
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from catalog.errors import ClusterError
from catalog.store.account import Account

_MARKER = "kakehashi.json"
_FORMAT = 1
# A Unix socket's whole path must fit in 107 bytes, on macOS in 103; `/.s.PGSQL.5432` takes 14 of them.
_LONGEST_SOCKET_DIRECTORY = 89
# `pg_ctl` puts paths between double quotes into a command for the shell.
_NOT_FOR_SHELLS = frozenset('"$`\\\n')


class DataDirectory:
    """A directory that holds one private cluster, closed to everybody but its owner."""

    def __init__(self, path: Path) -> None:
        """Nothing is touched before `prepare`.

        Raises:
            ClusterError: it begins with `~` and there is no such home.
        """
        try:
            self.path = path.expanduser().absolute()
        except RuntimeError as error:
            raise ClusterError(f"data directory {path} cannot be used: {error}") from error
        self.cluster = self.path / "postgres"
        self.log = self.path / "postgres.log"
        self.keep = self.path / "keep"

    @property
    def socket_directory(self) -> Path:
        """Where the Unix socket is: inside, or in a short path if that would be too long for one.

        Or if it had a comma, which separates hosts in a URL and directories in PostgreSQL's settings.
        """
        inside = self.path / "run"
        if len(os.fsencode(inside)) <= _LONGEST_SOCKET_DIRECTORY and "," not in str(inside):
            return inside
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        return Path("/tmp") / f"kakehashi-{os.geteuid()}-{digest}"  # noqa: S108 - owner and mode are checked

    def made_by(self) -> int | None:
        """Return the major version of the PostgreSQL that made the cluster, None where there is none yet.

        Raises:
            ClusterError: the marker is damaged, or of a later format.
        """
        try:
            marker = json.loads((self.path / _MARKER).read_text())
            if marker["format"] > _FORMAT:
                raise ClusterError(f"{self.path} was made by a newer Kakehashi: update Kakehashi to use it")
            version = self.cluster / "PG_VERSION"
            return int(version.read_text()) if version.exists() else int(marker["postgresql"])
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from error
        except (ValueError, KeyError, TypeError) as error:
            raise ClusterError(f"{self.path / _MARKER} is damaged: choose another --data-dir") from error

    def prepare(self, account: Account, major: int) -> None:
        """Make the directory ours if it is new or empty.

        Args:
            account: the account that runs PostgreSQL; it gets the directory and may enter it.
            major: version of the PostgreSQL programs that will make the cluster.

        Raises:
            ClusterError: it is somebody else's, closed to us, or made by another PostgreSQL.
        """
        unfit = sorted(_NOT_FOR_SHELLS.intersection(str(self.path)))
        if unfit:
            raise ClusterError(
                f"data directory {self.path} has {unfit[0]!r} in its path: choose another --data-dir"
            )
        with self.usable():
            self.path.mkdir(parents=True, exist_ok=True)
            names = {entry.name for entry in self.path.iterdir()}
            if _MARKER not in names:
                # Another start may be writing the marker now, or may have been killed while it did.
                if any(not _is_temporary(name, _MARKER) for name in names):
                    raise ClusterError(
                        f"{self.path} is not empty and not a Kakehashi data directory (it has no {_MARKER}): "
                        "choose another --data-dir"
                    )
                account.own(self.path)
                self.path.chmod(0o700)
                marker = json.dumps({"format": _FORMAT, "postgresql": major})
                write_atomically(self.path / _MARKER, marker + "\n")
            owner = self.path.stat().st_uid
        if owner != account.uid:
            raise ClusterError(
                f"{self.path} belongs to {_account_name(owner)}, and PostgreSQL would run as {account.name}: start "
                "Kakehashi as its owner, or name that in KAKEHASHI_PG_ACCOUNT, or choose another --data-dir"
            )
        made_by = self.made_by()
        if made_by != major:
            raise ClusterError(
                f"{self.path} was made by PostgreSQL {made_by}, but version {major} is installed: install "
                f"PostgreSQL {made_by}, or name its programs in KAKEHASHI_PG_BIN, or choose another --data-dir"
            )
        account.admit(self.cluster)

    def prepare_socket_directory(self, account: Account) -> None:
        """Make the socket's directory, closed to everybody but the account.

        Raises:
            ClusterError: it is there and belongs to somebody else.
        """
        directory = self.socket_directory
        directory.mkdir(mode=0o700, exist_ok=True)
        if not directory.is_symlink() and directory.stat().st_uid == os.geteuid():
            account.own(directory)
        if directory.is_symlink() or directory.stat().st_uid != account.uid:
            raise ClusterError(f"socket directory {directory} belongs to somebody else: remove it")
        directory.chmod(0o700)

    @contextmanager
    def locked(self, name: str, *, wait: bool = True) -> Iterator[None]:
        """Hold one of the locks for this process alone.

        Raises:
            BlockingIOError: somebody else holds it, and `wait` is false.
        """
        with (self.path / name).open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            yield

    @contextmanager
    def usable(self) -> Iterator[None]:
        """Turn what the file system refuses inside the block into an error of ours.

        Raises:
            ClusterError: no permission, no room, not a directory ...
        """
        try:
            yield
        except BlockingIOError:
            raise  # a lock that somebody else holds
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> ClusterError:
        return ClusterError(f"data directory {self.path} cannot be used: {error.strerror or error}")


def write_atomically(path: Path, text: str) -> None:
    """Replace a file's content so that a crash leaves the old content or the new, never a part."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _is_temporary(name: str, of: str) -> bool:
    return name.startswith(f"{of}.") and name.endswith(".tmp")


def _account_name(uid: int) -> str:
    try:
        return f"account {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"user id {uid}"
