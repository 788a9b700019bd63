"""`kakehashi sources`, `status` and `quarantine`: looking at what there is, and dropping what is old."""

from typing import Annotated

import typer

from commands.options.common import DataDir, database_settings


def sources(
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """List the upstreams that Kakehashi can speak to."""
    from commands.sources import list_sources

    list_sources(as_json=as_json)


def status(
    as_json: Annotated[
        bool, typer.Option("--json", help="One document for machines: docs/how-to/operate.md.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Tell how fresh and how complete the catalogue is, and what went wrong."""
    from commands.status import show_status

    show_status(database_settings(data_dir), as_json=as_json)


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
        list_quarantine(choice, limit, database_settings(data_dir), as_json=as_json)
        return
    if limit is not None or as_json:
        raise typer.BadParameter("--purge-older-than takes --collection and --code alone beside it")
    gone = purge_quarantine(choice, parse_age(purge_older_than), database_settings(data_dir))
    say(f"dropped from the quarantine of {source}: {gone:,}")
