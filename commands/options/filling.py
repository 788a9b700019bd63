"""`kakehashi load` and `harvest`: filling the catalogue from files, and keeping it in step with upstreams."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from commands.options.common import DataDir, database_settings, read_settings


class LoadMode(StrEnum):
    """Modes of `kakehashi load`; see `catalog.store.batch.Mode`, which is not imported for `--help`."""

    INSERT = "insert"
    UPSERT = "upsert"


def load(
    paths: Annotated[
        list[Path], typer.Argument(help="Files, or `-` for standard input.", metavar="PATH ...")
    ],
    mode: Annotated[
        LoadMode, typer.Option(help="What to do with an item that is there already: refuse or replace it.")
    ] = LoadMode.UPSERT,
    create_collections: Annotated[
        bool, typer.Option("--create-collections", help="Make a collection that is not there for its items.")
    ] = False,
    validate: Annotated[
        bool, typer.Option(help="Check documents against the STAC schemas they declare.")
    ] = True,
    processes: Annotated[
        int | None,
        typer.Option(
            help="How many processes read a large file; as many as there are processors by default.",
            min=1,
            max=64,
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with status 1 if a document was refused.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Load any STAC from files: JSON, NDJSON, FeatureCollection, stac-geoparquet; gzip and zstd too.

    Documents are taken in order, so a collection comes before its items.

    Examples:
      kakehashi load collection.json items.ndjson.gz

      curl https://example.com/stac/search?limit=1000 | kakehashi load --create-collections -
    """
    from catalog.store.deciding import Mode
    from commands.load import Order
    from commands.load import load as run

    order = Order(tuple(paths), Mode(mode.value), create_collections, validate, processes)
    summary = run(order, database_settings(data_dir))
    if strict and summary.refused:
        raise typer.Exit(1)


def harvest(
    once: Annotated[bool, typer.Option("--once", help="Plan, do all that is due, and end.")] = False,
    plan: Annotated[
        Path | None, typer.Option(help="What to ask for, and how often; one is built in.", metavar="FILE")
    ] = None,
    work_only: Annotated[
        bool, typer.Option("--work-only", help="Help a harvest that plans elsewhere on this database.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes.")] = 1,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Windows at once in each process.")] = 4,
    background: Annotated[bool, typer.Option("--background", hidden=True)] = False,
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
    data_dir: DataDir = None,
) -> None:
    """Keep the catalogue in step with its upstreams: the standing job.

    It fills the past and follows the present as a plan says (docs/how-to/harvest.md), and may be stopped or
    killed at any time. Exit status with --once: 1 if something failed and waits for another try.
    """
    from commands.harvest import Orders
    from commands.harvest import harvest as run
    from ingest.settings import IngestSettings

    if work_only and plan is not None:
        raise typer.BadParameter("--plan belongs to the process that plans, not to --work-only")
    orders = Orders(plan, once, work_only, workers, concurrency, background, parent)
    if not run(database_settings(data_dir), read_settings(IngestSettings), orders) and once:
        raise typer.Exit(1)
