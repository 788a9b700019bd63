"""The `kakehashi` command: options here, what they do in `commands/`.

Exit status: 0 done, 1 it failed (or, with --strict, a record was refused), 2 wrong usage.
"""

import asyncio
import os
import re
import signal
import sys
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated, TypeVar

import typer
from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsError

from catalog.errors import ConfigurationError, KakehashiError
from catalog.settings import DatabaseSettings

app = typer.Typer(
    name="kakehashi",
    help="One STAC API for the Earth-observation metadata of Copernicus and of Japan's missions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
database_app = typer.Typer(help="The database: start it, stop it, bring it up to date.", no_args_is_help=True)
app.add_typer(database_app, name="db")

Settings = TypeVar("Settings", bound=BaseSettings)
Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")]
Workers = Annotated[int, typer.Option(min=1, max=64, help="API processes.")]
DataDir = Annotated[
    Path | None, typer.Option(help="Directory of the private PostgreSQL cluster (KAKEHASHI_DATA_DIR).")
]


class LoadMode(StrEnum):
    """Modes of `kakehashi load`; see `catalog.store.batch.Mode`, which is not imported for `--help`."""

    INSERT = "insert"
    UPSERT = "upsert"


@app.command()
def up(
    host: Host = "127.0.0.1",
    port: Port = 8080,
    workers: Workers = 1,
    data_dir: DataDir = None,
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Ask no upstream: without, the last day of some is fetched beside."),
    ] = False,
) -> None:
    """Bring up database, catalogue, a small harvest and the API; Ctrl-C stops them."""
    from app.settings import ApiSettings
    from commands.up import up as run

    _settings(ApiSettings)  # the API reads them itself; a wrong one is better named before anything starts
    run(_database(data_dir), host, port, workers, offline=offline)


@app.command()
def serve(
    host: Host = "127.0.0.1", port: Port = 8080, workers: Workers = 1, data_dir: DataDir = None
) -> None:
    """Serve the API alone, on a database that is prepared."""
    from app.settings import ApiSettings
    from commands.serve import serve as run

    _settings(ApiSettings)
    run(_database(data_dir), host, port, workers)


@app.command()
def prepare(
    data_dir: DataDir = None,
    starter: Annotated[bool, typer.Option(help="Load the starter catalogue if it is not there yet.")] = True,
) -> None:
    """Bring database, definitions and starter catalogue up to date, and end."""
    from catalog.store.database import open_database
    from commands.prepare import prepare as run
    from commands.say import say

    settings = _database(data_dir)
    with open_database(settings) as database:
        contents = run(settings, database.url, starter=starter)
    say(f"ready: {contents.items:,} items in {contents.collections} collections")


@app.command()
def ingest(
    source: Annotated[str, typer.Argument(help="Which upstream: see `kakehashi sources`.")],
    collection: Annotated[
        list[str] | None, typer.Option(help="Only these collections.", metavar="ID")
    ] = None,
    datetime: Annotated[
        str | None, typer.Option(help="Acquired in [A, B), UTC; `..` leaves a side open.", metavar="A/B")
    ] = None,
    bbox: Annotated[
        str | None, typer.Option(help="Only what meets this box; degrees.", metavar="W,S,E,N")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Most items to take.")] = None,
    url: Annotated[
        str | None, typer.Option(help="Ask this base address instead of the upstream's own.", metavar="BASE")
    ] = None,
    from_file: Annotated[
        list[Path] | None, typer.Option(help="Take a recorded answer instead of asking.", metavar="F")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write items as NDJSON to --output; needs no database.")
    ] = False,
    output: Annotated[
        str, typer.Option(help="File for --dry-run; `-` is standard output.", metavar="F.ndjson")
    ] = "-",
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with status 1 if a record was refused.")
    ] = False,
    retry_quarantine: Annotated[
        bool,
        typer.Option(
            "--retry-quarantine", help="Try the records again that were refused, such as after a fix."
        ),
    ] = False,
    code: Annotated[
        str | None,
        typer.Option(help="With --retry-quarantine: only those refused for this reason.", metavar="CODE"),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Ingest from one source, now.

    Examples:
      kakehashi ingest cdse --collection sentinel-2-l2a --datetime 2026-11-01/2026-11-02 --bbox 138,34,141,37

      kakehashi ingest gportal --from-file answer.json --dry-run

      kakehashi ingest gportal --retry-quarantine --code no-geometry
    """
    if retry_quarantine:
        if datetime or bbox or from_file or dry_run:
            raise typer.BadParameter(
                "--retry-quarantine takes --collection, --code, --limit and --url alone beside it"
            )
        _retry_quarantine(source, collection or [], code, limit, url, data_dir, strict=strict)
        return
    if code is not None:
        raise typer.BadParameter("--code belongs to --retry-quarantine")
    from commands.arguments import parse_bbox, parse_window
    from commands.ingest import Order, collection_ids
    from commands.ingest import ingest as run
    from ingest.contract import Selection
    from ingest.settings import IngestSettings

    if output != "-" and not dry_run:
        raise typer.BadParameter("--output belongs to --dry-run")
    order = Order(
        source=source,
        selection=Selection(collection_ids(collection or []), parse_window(datetime), parse_bbox(bbox)),
        limit=limit,
        url=url,
        files=tuple(from_file or ()),
        dry_run=dry_run,
        output=None if output == "-" else Path(output),
    )
    summary = run(order, _database(data_dir), _settings(IngestSettings))
    if strict and summary.refused:
        raise typer.Exit(1)


@app.command()
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
    from catalog.store.batch import Mode
    from commands.load import Order
    from commands.load import load as run

    order = Order(tuple(paths), Mode(mode.value), create_collections, validate)
    summary = run(order, _database(data_dir))
    if strict and summary.refused:
        raise typer.Exit(1)


@app.command()
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
    if not run(_database(data_dir), _settings(IngestSettings), orders) and once:
        raise typer.Exit(1)


@app.command()
def sources(
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """List the upstreams that Kakehashi can speak to."""
    from commands.sources import list_sources

    list_sources(as_json=as_json)


@app.command()
def status(
    as_json: Annotated[
        bool, typer.Option("--json", help="One document for machines: docs/how-to/operate.md.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Tell how fresh and how complete the catalogue is, and what went wrong."""
    from commands.status import show_status

    show_status(_database(data_dir), as_json=as_json)


@app.command()
def quarantine(
    source: Annotated[str, typer.Argument(help="Whose refused records: see `kakehashi sources`.")],
    collection: Annotated[
        str | None, typer.Option(help="Only of this collection, as the records name it.", metavar="ID")
    ] = None,
    code: Annotated[
        str | None, typer.Option(help="Only those refused for this reason.", metavar="CODE")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Most records to list.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, with the record as the upstream gave it.")
    ] = False,
    purge_older_than: Annotated[
        str | None,
        typer.Option(
            help="Drop those that were not refused again for so long, such as 90d, instead of listing them.",
            metavar="TIME",
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """List the records of a source that were refused, and why; or drop old ones.

    Examples:
      kakehashi quarantine gportal --code no-geometry

      kakehashi quarantine gportal --purge-older-than 90d
    """
    from catalog.store.quarantine import Choice
    from commands.arguments import parse_age
    from commands.quarantine import list_quarantine, purge_quarantine
    from commands.say import say

    choice = Choice(source, collection, code)
    if purge_older_than is None:
        list_quarantine(choice, limit, _database(data_dir), as_json=as_json)
        return
    if limit is not None or as_json:
        raise typer.BadParameter("--purge-older-than takes --collection and --code alone beside it")
    gone = purge_quarantine(choice, parse_age(purge_older_than), _database(data_dir))
    say(f"dropped from the quarantine of {source}: {gone:,}")


@database_app.command("start")
def database_start(data_dir: DataDir = None) -> None:
    """Start the private cluster and leave it running until `db stop`."""
    from catalog.store.cluster import PrivateCluster
    from commands.say import say

    cluster = PrivateCluster(_private(data_dir))
    say("started" if cluster.start_and_keep() else "it runs already")


@database_app.command("stop")
def database_stop(data_dir: DataDir = None) -> None:
    """Stop the private cluster, whoever uses it."""
    from catalog.store.cluster import PrivateCluster
    from commands.say import say

    cluster = PrivateCluster(_private(data_dir))
    say("stopped" if cluster.stop() else "it does not run")


@database_app.command("migrate")
def database_migrate(data_dir: DataDir = None) -> None:
    """Bring the schema of the database up to date."""
    from catalog.store.database import open_database
    from catalog.store.migrate import migrate
    from commands.say import say

    with open_database(_database(data_dir)) as database:
        asyncio.run(migrate(database.url, say=say))
    say("the schema is up to date")


@database_app.command("recount")
def database_recount(
    collection: Annotated[
        list[str] | None, typer.Argument(help="Which; all if none is named.", metavar="ID")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Count collections anew, and bring their extents and summaries in line; reads every item."""
    from commands.recount import recount_collections

    recount_collections(tuple(collection or ()), _database(data_dir))


@database_app.command("url")
def database_url(data_dir: DataDir = None) -> None:
    """Print the URL of the database, for psql and other pgstac tools."""
    from catalog.store.cluster import PrivateCluster

    settings = _database(data_dir)
    typer.echo(settings.database_url or PrivateCluster(settings).url())


def _retry_quarantine(
    source: str,
    collections: list[str],
    code: str | None,
    limit: int | None,
    url: str | None,
    data_dir: Path | None,
    *,
    strict: bool,
) -> None:
    from catalog.store.quarantine import Choice
    from commands.quarantine import retry_quarantine as run
    from ingest.settings import IngestSettings

    if len(collections) > 1:
        raise typer.BadParameter("--retry-quarantine takes one --collection: as the records name it")
    choice = Choice(source, collections[0] if collections else None, code)
    summary = run(choice, limit, url, _database(data_dir), _settings(IngestSettings))
    if strict and summary.refused:
        raise typer.Exit(1)


def _database(data_dir: Path | None) -> DatabaseSettings:
    settings = _settings(DatabaseSettings)
    return settings.model_copy(update={"data_dir": data_dir}) if data_dir else settings


def _private(data_dir: Path | None) -> DatabaseSettings:
    settings = _database(data_dir)
    if settings.database_url:
        raise ConfigurationError("KAKEHASHI_DATABASE_URL names a database that is not ours to start or stop")
    return settings


def _settings(kind: type[Settings]) -> Settings:
    """Read settings from the environment, with a message that names the variable at fault."""
    try:
        return kind()
    except ValidationError as error:
        first = error.errors()[0]
        reason = first["msg"].removeprefix("Value error, ")
        variable = "__".join(str(part) for part in first["loc"]).upper()
        raise ConfigurationError(f"KAKEHASHI_{variable}: {reason}" if variable else reason) from error
    except SettingsError as error:
        # A variable whose value is JSON; pydantic's text names the field alone: `field "sources"`.
        named = re.search(r'field "(\w+)"', str(error))
        variable = f"KAKEHASHI_{named[1].upper()}" if named else "a setting"
        raise ConfigurationError(f"{variable}: its value is not valid JSON") from error


def main() -> None:
    """Run the command; an error of ours is one line on standard error, never a traceback."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _as_interrupt)
    try:
        app()
    except KakehashiError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has had enough (`... | head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _as_interrupt(number: int, frame: FrameType | None) -> None:
    """Treat being told to end like Ctrl-C, so that a database that we started is stopped on the way out."""
    if signal.getsignal(signal.SIGINT) in (signal.SIG_IGN, signal.SIG_DFL):
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


if __name__ == "__main__":
    main()
