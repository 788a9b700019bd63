"""`kakehashi ingest`: one source, now, or its quarantine once more."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from commands.options.common import DataDir, database_settings, read_settings
from commands.options.groups import with_groups


@dataclass(frozen=True)
class What:
    """Which records are taken, and from where."""

    collection: Annotated[list[str] | None, typer.Option(help="Only these collections.", metavar="ID")] = None
    datetime: Annotated[
        str | None, typer.Option(help="Acquired in [A, B), UTC; `..` leaves a side open.", metavar="A/B")
    ] = None
    bbox: Annotated[
        str | None, typer.Option(help="Only what meets this box; degrees.", metavar="W,S,E,N")
    ] = None
    limit: Annotated[int | None, typer.Option(min=1, help="Most items to take.")] = None
    url: Annotated[
        str | None, typer.Option(help="Ask this base address instead of the upstream's own.", metavar="BASE")
    ] = None
    from_file: Annotated[
        list[Path] | None, typer.Option(help="Take a recorded answer instead of asking.", metavar="F")
    ] = None


@dataclass(frozen=True)
class Result:
    """What becomes of them."""

    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write items as NDJSON to --output; needs no database.")
    ] = False
    output: Annotated[
        str, typer.Option(help="File for --dry-run; `-` is standard output.", metavar="F.ndjson")
    ] = "-"
    strict: Annotated[bool, typer.Option("--strict", help="Exit with status 1 if a record was refused.")] = (
        False
    )


@dataclass(frozen=True)
class Again:
    """The quarantine instead of the upstream."""

    retry_quarantine: Annotated[
        bool,
        typer.Option(
            "--retry-quarantine", help="Try the records again that were refused, such as after a fix."
        ),
    ] = False
    code: Annotated[
        str | None,
        typer.Option(help="With --retry-quarantine: only those refused for this reason.", metavar="CODE"),
    ] = None


@with_groups
def ingest(
    source: Annotated[str, typer.Argument(help="Which upstream: see `kakehashi sources`.")],
    what: What,
    result: Result,
    again: Again,
    data_dir: DataDir = None,
) -> None:
    """Ingest from one source, now.

    Examples:
      kakehashi ingest cdse --collection sentinel-2-l2a --datetime 2026-11-01/2026-11-02 --bbox 138,34,141,37

      kakehashi ingest gportal --from-file answer.json --dry-run

      kakehashi ingest gportal --retry-quarantine --code no-geometry
    """
    refused = (
        _retry(source, what, result, again, data_dir)
        if again.retry_quarantine
        else _take(source, what, result, again, data_dir)
    )
    if result.strict and refused:
        raise typer.Exit(1)


def _take(source: str, what: What, result: Result, again: Again, data_dir: Path | None) -> bool:
    """Ask the upstream or read files; return whether a record was refused."""
    from commands.arguments import parse_bbox, parse_window
    from commands.ingest import Order, collection_ids
    from commands.ingest import ingest as run
    from ingest.contract import Selection
    from ingest.settings import IngestSettings

    if again.code is not None:
        raise typer.BadParameter("--code belongs to --retry-quarantine")
    if result.output != "-" and not result.dry_run:
        raise typer.BadParameter("--output belongs to --dry-run")
    order = Order(
        source=source,
        selection=Selection(
            collection_ids(what.collection or []), parse_window(what.datetime), parse_bbox(what.bbox)
        ),
        limit=what.limit,
        url=what.url,
        files=tuple(what.from_file or ()),
        dry_run=result.dry_run,
        output=None if result.output == "-" else Path(result.output),
    )
    return bool(run(order, database_settings(data_dir), read_settings(IngestSettings)).refused)


def _retry(source: str, what: What, result: Result, again: Again, data_dir: Path | None) -> bool:
    """Try the quarantine again; return whether a record was refused again."""
    from catalog.store.quarantine import Choice
    from commands.quarantine import retry_quarantine as run
    from ingest.settings import IngestSettings

    if what.datetime or what.bbox or what.from_file or result.dry_run or result.output != "-":
        raise typer.BadParameter(
            "--retry-quarantine takes --collection, --code, --limit, --url and --strict alone beside it"
        )
    if len(what.collection or []) > 1:
        raise typer.BadParameter("--retry-quarantine takes one --collection: as the records name it")
    choice = Choice(source, what.collection[0] if what.collection else None, again.code)
    database, settings = database_settings(data_dir), read_settings(IngestSettings)
    return bool(run(choice, what.limit, what.url, database, settings).refused)
