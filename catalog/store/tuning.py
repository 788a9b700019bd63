"""Server configuration of the private cluster, sized to the machine it runs on."""

import os
import platform
from pathlib import Path

MEGABYTE = 1024 * 1024
MAX_CONNECTIONS = 100
# It names the socket, no more; it is set so that a `PGPORT` of the user changes nothing.
PORT = 5432
# Of control groups of version 2 and version 1, as a container sees them.
_MEMORY_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def memory_bytes() -> int:
    """Memory that this process may use: of the machine, or of its control group if that is less."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for file in _MEMORY_LIMITS:
        try:
            limit = file.read_text().strip()
        except OSError:
            continue
        return min(machine, int(limit)) if limit.isdigit() else machine
    return machine


def server_settings(socket_directory: Path, memory: int) -> dict[str, str]:
    """Settings of `kakehashi.conf`.

    Args:
        socket_directory: where the Unix socket goes; the server listens nowhere else.
        memory: bytes the machine may use; the caches are a share of it, since other programs
            live on a user's machine too.
    """
    return {
        "listen_addresses": "''",
        "unix_socket_directories": _quoted(str(socket_directory)),
        "port": str(PORT),
        "unix_socket_permissions": "0700",
        "max_connections": str(MAX_CONNECTIONS),
        "shared_buffers": _megabytes(memory / 4, 128, 8192),
        "effective_cache_size": _megabytes(memory * 0.6, 256, 65536),
        "work_mem": _megabytes(memory / (MAX_CONNECTIONS * 8), 8, 64),
        "maintenance_work_mem": _megabytes(memory / 20, 64, 1024),
        "max_wal_size": "4GB",
        "wal_compression": "lz4",
        "checkpoint_completion_target": "0.9",
        # Items are large JSON: lz4 unpacks several times faster than the default.
        "default_toast_compression": "lz4",
        # Compiling a plan costs more than these short queries take.
        "jit": "off",
        # Solid-state disks: a random page costs hardly more than the next one.
        "random_page_cost": "1.1",
        # A search over many collections locks every partition it may touch.
        "max_locks_per_transaction": "1024",
        "lc_messages": "'C'",
        "timezone": "'UTC'",
        "log_timezone": "'UTC'",
        "log_checkpoints": "off",
    }


def character_type() -> str:
    """Return the locale that classifies characters (upper case, letters), which differs by platform."""
    return "en_US.UTF-8" if platform.system() == "Darwin" else "C.UTF-8"


def render(settings: dict[str, str]) -> str:
    """Return the settings in the form of a PostgreSQL configuration file."""
    head = (
        "# Written by Kakehashi at each start. Own settings belong in postgresql.conf, below the include.\n"
    )
    return head + "".join(f"{name} = {value}\n" for name, value in settings.items())


def _megabytes(size: float, least: int, most: int) -> str:
    return f"{max(least, min(most, int(size / MEGABYTE)))}MB"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
