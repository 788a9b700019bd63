"""Loading the starter catalogue, through the very code that loads live answers."""

from catalog.definitions import Definitions
from catalog.settings import DatabaseSettings
from catalog.store.database import INGEST_ROLE
from catalog.store.pool import open_pool
from commands.ingest import Order, load_pages
from ingest.contract import Selection
from ingest.recorded import as_stream, read_pages, starter_files
from ingest.report import Summary
from ingest.settings import IngestSettings
from ingest.sources import SOURCES, make_source


async def load_starter(settings: DatabaseSettings, definitions: Definitions) -> list[Summary]:
    """Load all starter documents; loading them again changes nothing.

    Args:
        settings: of a database that is migrated.
        definitions: our collections.

    Raises:
        KakehashiError: a document is damaged, or the database failed.
    """
    pool = await open_pool(settings, INGEST_ROLE, read_only=False)
    try:
        summaries = []
        for name in SOURCES:
            source = make_source(name, definitions)
            pages = read_pages(source, starter_files(name))
            order = Order(name, Selection())
            summary = await load_pages(
                order, source, as_stream(pages), pool, IngestSettings(), definitions, quiet=True
            )
            summaries.append(summary)
        return summaries
    finally:
        await pool.close()
