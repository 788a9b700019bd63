"""The `kakehashi` command, put together: options are in `commands/options/`, what they do in `commands/`.

Exit status: 0 done, 1 it failed (or, with --strict, a record was refused), 2 wrong usage.
"""

import os
import signal
import sys
import threading
from types import FrameType

import typer

from catalog.errors import KakehashiError
from commands.options import database, filling, ingest, looking, serving
from commands.output import Commands

app = typer.Typer(
    name="kakehashi",
    cls=Commands,
    help="One STAC API for the Earth-observation metadata of Copernicus and of Japan's missions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (
    serving.up,
    serving.serve,
    serving.prepare,
    ingest.ingest,
    filling.load,
    filling.harvest,
    looking.sources,
    looking.status,
    looking.quarantine,
):
    app.command()(command)
app.add_typer(database.app, name="db")


# The callback by which `import` lets go of a module's lock: what is raised in it is reported and lost.
_DEAF = ("<frozen importlib._bootstrap>", "cb")
_A_MOMENT_S = 0.01


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


def _as_interrupt(number: int, frame: FrameType | None) -> None:
    """Treat being told to end like Ctrl-C, so that a database that we started is stopped on the way out."""
    if frame is not None and (frame.f_code.co_filename, frame.f_code.co_name) == _DEAF:
        threading.Timer(_A_MOMENT_S, os.kill, (os.getpid(), number)).start()
        return
    if signal.getsignal(signal.SIGINT) in (signal.SIG_IGN, signal.SIG_DFL):
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


if __name__ == "__main__":
    main()
