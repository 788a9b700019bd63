"""`kakehashi db`: the database itself."""

import asyncio
from typing import Annotated

import typer

from commands.options.common import DataDir, database_settings, private_settings

app = typer.Typer(help="The database: start it, stop it, bring it up to date.", no_args_is_help=True)


@app.command("start")
def start(data_dir: DataDir = None) -> None:
    """Start the private cluster and leave it running until `db stop`."""
    from catalog.store.cluster import PrivateCluster
    from commands.say import say

    cluster = PrivateCluster(private_settings(data_dir))
    say("started" if cluster.start_and_keep() else "it runs already")


@app.command("stop")
def stop(data_dir: DataDir = None) -> None:
    """Stop the private cluster, whoever uses it."""
    from catalog.store.cluster import PrivateCluster
    from commands.say import say

    cluster = PrivateCluster(private_settings(data_dir))
    say("stopped" if cluster.stop() else "it does not run")


@app.command("migrate")
def migrate(data_dir: DataDir = None) -> None:
    """Bring the schema of the database up to date."""
    from catalog.store.database import open_database
    from catalog.store.migrate import migrate
    from commands.say import say

    with open_database(database_settings(data_dir)) as database:
        asyncio.run(migrate(database.url, say=say))
    say("the schema is up to date")


@app.command("recount")
def recount(
    collection: Annotated[
        list[str] | None, typer.Argument(help="Which; all if none is named.", metavar="ID")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Count collections anew, and bring their extents and summaries in line; reads every item."""
    from commands.recount import recount_collections

    recount_collections(tuple(collection or ()), database_settings(data_dir))


@app.command("url")
def url(data_dir: DataDir = None) -> None:
    """Print the URL of the database, for psql and other pgstac tools."""
    from catalog.store.cluster import PrivateCluster

    settings = database_settings(data_dir)
    typer.echo(settings.database_url or PrivateCluster(settings).url())
