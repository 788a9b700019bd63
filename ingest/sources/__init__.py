"""The upstreams that Kakehashi can speak to, one explicit line each."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from catalog.definitions import Definitions
from catalog.errors import ConfigurationError
from ingest.contract import Source
from ingest.fetch import Fetcher
from ingest.sources.amedas import Amedas
from ingest.sources.cds import Cds
from ingest.sources.cdse import Cdse
from ingest.sources.cmems import Cmems
from ingest.sources.cmr import Cmr
from ingest.sources.eumetsat import Eumetsat
from ingest.sources.gportal import GPortal
from ingest.sources.himawari import Himawari
from ingest.sources.jaxa_earth import JaxaEarth
from ingest.sources.palsar2 import Palsar2
from ingest.sources.tellus import Tellus

SOURCES: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        Cdse.name: Cdse,
        Eumetsat.name: Eumetsat,
        Cds.name: Cds,
        Cmems.name: Cmems,
        GPortal.name: GPortal,
        Himawari.name: Himawari,
        JaxaEarth.name: JaxaEarth,
        Palsar2.name: Palsar2,
        Cmr.name: Cmr,
        Tellus.name: Tellus,
        Amedas.name: Amedas,
    }
)


def make_source(
    name: str, catalog: Definitions, http: Fetcher | None = None, url: str | None = None
) -> Source:
    """Make a source by its name.

    Args:
        name: as on the command line.
        catalog: definitions of our collections.
        http: needed only to ask the upstream.
        url: another base address than the upstream's own.

    Raises:
        ConfigurationError: there is no such source; names those that are.
    """
    if name not in SOURCES:
        raise ConfigurationError(f"there is no source {name!r}; there are: {', '.join(SOURCES)}")
    source: Source = SOURCES[name](catalog, http, url)
    return source
