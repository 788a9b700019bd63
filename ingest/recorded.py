"""Pages from files: recorded answers, and the starter catalogue that ships with Kakehashi."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from catalog import jsontext
from catalog.errors import ConfigurationError
from ingest.contract import HasCompanions, Page, ReadsFiles, Source

STARTER = Path(__file__).parent / "starter"


def read_pages(source: Source, files: Sequence[Path]) -> list[Page]:
    """Read recorded answers of a source, all of them before the first is used.

    Raises:
        ConfigurationError: a file cannot be read, or is no JSON.
        UpstreamChanged: a file is not an answer of this source.
    """
    pages = [_checked(source, file) for file in files]
    if isinstance(source, HasCompanions):
        beside = {file.parent / name for file in files for name in source.companions}
        for companion in sorted(beside - set(files)):
            if companion.is_file():
                _checked(source, companion)
    return pages


def _checked(source: Source, file: Path) -> Page:
    """Read one file and look whether it is of the source; a source may learn of others from it."""
    try:
        content = file.read_bytes()
        document = source.parse(content) if isinstance(source, ReadsFiles) else jsontext.loads(content)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"{file} is no JSON: {error}") from error
    page = Page(document, str(file))
    for _ in source.records(page):
        break  # the first record is enough to know the form
    return page


async def as_stream(pages: Sequence[Page]) -> AsyncIterator[Page]:
    """Give pages that are there already as a source gives them."""
    for page in pages:
        yield page


def starter_files(source: str) -> list[Path]:
    """Return the starter documents of a source, none if it has none."""
    return sorted((STARTER / source).glob("*.json"))
