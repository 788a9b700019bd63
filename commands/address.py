"""The address that the API listens on."""

import socket

from catalog.errors import ConfigurationError


def check_free(host: str, port: int) -> None:
    """Make sure that an address can be listened on, before anything else is started.

    Raises:
        ConfigurationError: it is taken, or not ours to take.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host} port {port} ({error.strerror}): choose another with --port"
        ) from error
