"""The private PostgreSQL cluster: made, started and stopped by Kakehashi itself.

It listens on a Unix socket alone and is used by any number of our processes at once. Who leaves
last turns off the lights: a process that ends tries to take `users.lock` for itself alone; when
that works nobody else uses the server, and it is stopped. The kernel frees the lock of a process
that was killed, so a crash never leaves a server that nobody may stop.
"""

import fcntl
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from catalog.errors import ClusterError
from catalog.settings import DatabaseSettings
from catalog.store import tuning
from catalog.store.account import Account, account_for_postgres
from catalog.store.binaries import Binaries, find_binaries
from catalog.store.data_directory import DataDirectory, write_atomically

OWNER = "kakehashi"
DATABASE = "kakehashi"
# Recovery after a crash may take long; a server that cannot start says so much earlier.
_START_TIMEOUT_S = 600
_STOP_TIMEOUT_S = 30
# What `pg_ctl status` ends with when it may not look.
_NOT_ACCESSIBLE = 4
_LEAVE_TIMEOUT_S = 30


class PrivateCluster:
    """A PostgreSQL cluster of our own in a data directory."""

    def __init__(self, settings: DatabaseSettings) -> None:
        """Nothing is touched before the cluster is used.

        Args:
            settings: of which `data_dir`, `pg_bin` and `pg_account` are used.
        """
        self.directory = DataDirectory(settings.data_dir)
        self._settings = settings

    def url(self, user: str = OWNER) -> str:
        """Return the URL by which a process on this machine reaches the database as `user`."""
        host = quote(str(self.directory.socket_directory), safe="")
        return f"postgresql:///{DATABASE}?host={host}&port={tuning.PORT}&user={user}"

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Have the server running inside the block; start it if nobody has, stop it if nobody is left.

        Raises:
            ClusterError: the directory cannot be used, or the server does not start; says why.
        """
        with ExitStack() as stack:
            with self.directory.usable():
                self._prepare()
                users = stack.enter_context((self.directory.path / "users.lock").open("a"))
                with self.directory.locked("start.lock"):
                    fcntl.flock(users, fcntl.LOCK_SH)
                    try:
                        self._ensure_running()
                    except BaseException:
                        self._stop_unless_used(users.fileno())
                        raise
            try:
                yield
            finally:
                with self.directory.usable(), self.directory.locked("start.lock"):
                    self._stop_unless_used(users.fileno())

    def start_and_keep(self) -> bool:
        """Start the server for good (`kakehashi db start`); tell whether it had to be started."""
        with self.directory.usable():
            self._prepare()
            with self.directory.locked("start.lock"):
                started = self._ensure_running()
                self.directory.keep.touch()
                return started

    def stop(self) -> bool:
        """Stop the server whoever uses it (`kakehashi db stop`); tell whether it ran."""
        with self.directory.usable():
            if not self.directory.cluster.is_dir():
                return False
            with self.directory.locked("start.lock"):
                self.directory.keep.unlink(missing_ok=True)
                return self._stop_server()

    def is_running(self) -> bool:
        """Whether a server runs on this cluster now."""
        if not (self.directory.cluster / "postmaster.pid").exists():
            return False
        done = self._pg_ctl("status")
        if done.returncode == _NOT_ACCESSIBLE:
            # Somebody has closed a folder above meanwhile; without a look the server would stay for ever.
            self._account.admit(self.directory.cluster)
            done = self._pg_ctl("status")
        return done.returncode == 0

    @cached_property
    def _account(self) -> Account:
        return account_for_postgres(self._settings.pg_account)

    @cached_property
    def _binaries(self) -> Binaries:
        return find_binaries(self._settings.pg_bin, prefer=self.directory.made_by())

    def _prepare(self) -> None:
        self.directory.prepare(self._account, self._binaries.major)

    def _ensure_running(self) -> bool:
        if not self.directory.cluster.is_dir():
            self._initialise()
        if self.is_running():
            return False
        self.directory.prepare_socket_directory(self._account)
        self._configure()
        self._start_server()
        return True

    def _initialise(self) -> None:
        """Make the cluster under another name first, so that a half-made one is never taken for whole."""
        fresh = self.directory.path / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        try:
            fresh.mkdir(mode=0o700)
            self._account.own(fresh)
            self._make_cluster(fresh)
            fresh.rename(self.directory.cluster)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise

    def _make_cluster(self, fresh: Path) -> None:
        done = self._account.run(
            [
                self._binaries.path("initdb"),
                f"--pgdata={fresh}",
                f"--username={OWNER}",
                "--encoding=UTF8",
                "--locale=C",
                # Text is sorted by code point, as Python does, on every platform alike.
                f"--lc-ctype={tuning.character_type()}",
                "--data-checksums",
                "--auth-local=trust",  # the socket's directory is closed to everybody else
                "--auth-host=reject",
                "--no-instructions",
            ]
        )
        if done.returncode == 0:
            done = self._account.run(
                [
                    self._binaries.path("postgres"),
                    "--single",
                    "-D",
                    str(fresh),
                    "-c",
                    "exit_on_error=on",
                    "postgres",
                ],
                given=f"CREATE DATABASE {DATABASE}\n",
            )
        if done.returncode != 0:
            reason = _failure(done.stderr) or _last_line(done.stderr)
            raise ClusterError(f"PostgreSQL could not make a cluster in {fresh}: {reason}")
        with (fresh / "postgresql.conf").open("a") as configuration:
            configuration.write("\ninclude_if_exists = 'kakehashi.conf'\n")

    def _configure(self) -> None:
        settings = tuning.server_settings(self.directory.socket_directory, tuning.memory_bytes())
        file = self.directory.cluster / "kakehashi.conf"
        write_atomically(file, tuning.render(settings))
        self._account.own(file)

    def _start_server(self) -> None:
        log = self.directory.log
        log.touch(mode=0o600)
        self._account.own(log)
        deadline = time.monotonic() + _LEAVE_TIMEOUT_S
        while True:
            size_before = log.stat().st_size
            done = self._pg_ctl(f"--log={log}", "--wait", f"--timeout={_START_TIMEOUT_S}", "start")
            if done.returncode == 0:
                return
            said = log.read_bytes()[size_before:].decode(errors="replace")
            # After a kill -9 of the server its children need a moment to notice and go.
            if "is still in use" not in said or time.monotonic() > deadline:
                raise ClusterError(
                    f"PostgreSQL did not start: {_failure(said) or _last_line(done.stderr)} (see {log})"
                )
            time.sleep(0.2)

    def _stop_unless_used(self, users: int) -> None:
        """Stop the server if no other process holds `users.lock`; `start.lock` must be held."""
        fcntl.flock(users, fcntl.LOCK_UN)
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if not self.directory.keep.exists():
            self._stop_server()

    def _stop_server(self) -> bool:
        if not self.is_running():
            return False
        done = self._pg_ctl("--mode=fast", "--wait", f"--timeout={_STOP_TIMEOUT_S}", "stop")
        if done.returncode != 0:
            raise ClusterError(f"PostgreSQL did not stop: {_last_line(done.stderr)}")
        return True

    def _pg_ctl(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [self._binaries.path("pg_ctl"), f"--pgdata={self.directory.cluster}", *arguments]
        return self._account.run(command, timeout_s=_START_TIMEOUT_S + 30)


def _failure(log: str) -> str:
    """Return the first line of a program's messages that says what went wrong, without its time stamp."""
    for line in log.splitlines():
        for severity in ("FATAL:", "PANIC:", "ERROR:", "error:"):
            if severity in line:
                return line.split(severity, 1)[1].strip()
    return ""


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it gave no reason"
