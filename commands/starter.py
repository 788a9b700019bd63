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
    """Load what the starter documents have and the catalogue has not, nor had.

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
            files = starter_files(name)
            if not files:
                continue
            source = make_source(name, definitions)
            pages = as_stream(read_pages(source, files))
            summary = await load_pages(
                Order(name, Selection()),
                source,
                pages,
                pool,
                IngestSettings(),
                definitions,
                is_starter=True,
            )
            summaries.append(summary)
        return summaries
    finally:
        await pool.close()
