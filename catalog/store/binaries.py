"""Finding the PostgreSQL server binaries that are installed on this machine."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from catalog.errors import ClusterError

SUPPORTED_MAJORS = range(15, 19)

# Where the packagers of PostgreSQL put the server programs, which are rarely on PATH.
_PLACES = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # PGDG on Red Hat
    "/opt/homebrew/opt/postgresql@*/bin",  # Homebrew, Apple silicon
    "/usr/local/opt/postgresql@*/bin",  # Homebrew, Intel
    "/usr/local/pgsql/bin",  # built from source
)

_HOW_TO_INSTALL = (
    "install PostgreSQL 15 to 18 with PostGIS 3 (Debian: postgresql-15-postgis-3; Homebrew: "
    "postgresql@17 postgis), or run `make setup`, or set KAKEHASHI_DATABASE_URL to an existing database"
)


@dataclass(frozen=True)
class Binaries:
    """The server programs of one PostgreSQL installation."""

    directory: Path
    major: int

    def path(self, program: str) -> str:
        """Return the full path of one of its programs, such as `initdb`."""
        return str(self.directory / program)


def find_binaries(directory: Path | None = None, *, prefer: int | None = None) -> Binaries:
    """Return the newest supported installation that also has PostGIS.

    Args:
        directory: look only here (`KAKEHASHI_PG_BIN`).
        prefer: major version to take if it is there, since a cluster was made by it.

    Raises:
        ClusterError: none is installed, or none has PostGIS; says what to install.
    """
    if directory is not None:
        # Absolute, since the programs are run from another directory than ours.
        directory = directory.expanduser().absolute()
        if not (directory / "postgres").is_file():
            raise ClusterError(f"KAKEHASHI_PG_BIN: there is no `postgres` program in {directory}")
    found = list(_installed([directory] if directory else list(_candidates())))
    if not found:
        raise ClusterError(f"no PostgreSQL server found: {_HOW_TO_INSTALL}")
    supported = [binaries for binaries in found if binaries.major in SUPPORTED_MAJORS]
    if not supported:
        versions = ", ".join(sorted({str(binaries.major) for binaries in found}))
        raise ClusterError(f"only PostgreSQL {versions} found, which is not supported: {_HOW_TO_INSTALL}")
    with_postgis = [binaries for binaries in supported if _has_postgis(binaries)]
    if not with_postgis:
        versions = ", ".join(sorted({str(binaries.major) for binaries in supported}))
        raise ClusterError(f"PostgreSQL {versions} found, but without PostGIS: {_HOW_TO_INSTALL}")
    return max(with_postgis, key=lambda binaries: (binaries.major == prefer, binaries.major))


def _candidates() -> Iterator[Path]:
    for pattern in _PLACES:
        yield from Path("/").glob(pattern.lstrip("/"))
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent


def _installed(directories: list[Path]) -> Iterator[Binaries]:
    for directory in dict.fromkeys(directories):
        program = directory / "postgres"
        if not program.is_file() or not (directory / "initdb").is_file():
            continue
        answer = _output(program, "--version")
        match = re.search(r"\(PostgreSQL\) (\d+)", answer)
        if match:
            yield Binaries(directory, int(match.group(1)))


def _has_postgis(binaries: Binaries) -> bool:
    share = _output(binaries.directory / "pg_config", "--sharedir").strip()
    return bool(share) and (Path(share) / "extension" / "postgis.control").is_file()


def _output(program: Path, option: str) -> str:
    try:
        done = subprocess.run([str(program), option], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
