"""`kakehashi up`, `serve` and `prepare`: the catalogue as others see it."""

from typing import Annotated

import typer

from commands.options.common import DataDir, database_settings, read_settings

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")]
Workers = Annotated[int, typer.Option(min=1, max=64, help="API processes.")]


def up(
    host: Host = "127.0.0.1",
    port: Port = 8080,
    workers: Workers = 1,
    data_dir: DataDir = None,
    offline: Annotated[
        bool,
        typer.Option(
            "--offline",
            help="Ask no upstream. Without this option, the last day of some sources is also fetched.",
        ),
    ] = False,
) -> None:
    """Bring up database, catalogue, a small harvest and the API; Ctrl-C stops them."""
    from app.settings import ApiSettings
    from commands.up import up as run

    read_settings(
        ApiSettings
    )  # the API reads them itself; a wrong one is better named before anything starts
    run(database_settings(data_dir), host, port, workers, offline=offline)


def serve(
    host: Host = "127.0.0.1", port: Port = 8080, workers: Workers = 1, data_dir: DataDir = None
) -> None:
    """Serve the API alone, on a database that is prepared."""
    from app.settings import ApiSettings
    from commands.serve import serve as run

    read_settings(ApiSettings)
    run(database_settings(data_dir), host, port, workers)


def prepare(
    data_dir: DataDir = None,
    starter: Annotated[bool, typer.Option(help="Load the starter catalogue if it is not there yet.")] = True,
) -> None:
    """Bring database, definitions and starter catalogue up to date, and end."""
    from catalog.store.database import open_database
    from commands.prepare import prepare as run
    from commands.say import say

    settings = database_settings(data_dir)
    with open_database(settings) as database:
        contents = run(settings, database.url, starter=starter)
    say(f"ready: {contents.items:,} items in {contents.collections} collections")
