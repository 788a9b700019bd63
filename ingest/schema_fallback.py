"""Extension schemas that are not bundled: from the network, once, and from then on from a folder.

New versions of extensions appear before Kakehashi bundles them. Their schemas are asked for at the hosts that
publish STAC's (a setting), with a limit of time and size, and kept. What cannot be had is not asked for again
in this run: the document is then checked against its other schemas, and the run says so.
"""

import asyncio
import logging
import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from catalog.store.data_directory import write_atomically

_LOG = logging.getLogger(__name__)
_ADDRESS = re.compile(r"https?://[\w.:-]+/[\w.~/+-]{1,300}", re.ASCII)
_LOOPBACK = frozenset({"localhost", "127.0.0.1"})


class SchemaFallback:
    """Gets schemas by their address."""

    def __init__(
        self, folder: Path, hosts: Sequence[str], *, timeout_s: float = 10.0, max_bytes: int = 2_000_000
    ) -> None:
        """Ask nobody yet.

        Args:
            folder: where schemas are kept; made when the first one comes.
            hosts: names of hosts that may be asked; by https, or by http on this machine.
            timeout_s: longest time for one schema.
            max_bytes: largest schema.
        """
        self._folder = folder
        self._hosts = frozenset(hosts)
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._known: dict[str, Any] = {}

    async def __call__(self, url: str) -> Any:
        """Return the schema at an address, None if it is not to be had."""
        address = url.split("#", 1)[0]
        if address not in self._known:
            self._known[address] = await asyncio.to_thread(self._found, address)
        return self._known[address]

    def _found(self, address: str) -> Any:
        kept = self._kept(address)
        return kept if kept is not None else self._asked(address)

    def _file(self, address: str) -> Path:
        return self._folder / f"{sha256(address.encode()).hexdigest()[:32]}.json"

    def _kept(self, address: str) -> Any:
        try:
            return orjson.loads(self._file(address).read_bytes())
        except (OSError, ValueError):
            return None

    def _asked(self, address: str) -> Any:
        if not self._may_ask(address):
            return None
        try:
            content = self._download(address)
            schema = orjson.loads(content)
        except (httpx.HTTPError, ValueError) as error:
            _LOG.warning("schema %s is not to be had: %s", address, str(error) or type(error).__name__)
            return None
        if not isinstance(schema, dict):
            _LOG.warning("schema %s is not to be had: it is no JSON object", address)
            return None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self._file(address), content.decode())
        except OSError as error:
            _LOG.warning("schemas cannot be kept in %s: %s", self._folder, error.strerror)
        return schema

    def _may_ask(self, address: str) -> bool:
        if not _ADDRESS.fullmatch(address):
            return False
        parts = urlsplit(address)
        return parts.hostname in self._hosts and (parts.scheme == "https" or parts.hostname in _LOOPBACK)

    def _download(self, address: str) -> bytes:
        """Return what is at an address; redirects are not followed, as they may lead anywhere."""
        content = b""
        with (
            httpx.Client(timeout=self._timeout_s, follow_redirects=False) as client,
            client.stream("GET", address) as answer,
        ):
            answer.raise_for_status()
            for part in answer.iter_bytes():
                content += part
                if len(content) > self._max_bytes:
                    raise ValueError(f"it has more than {self._max_bytes} bytes")
        return content
