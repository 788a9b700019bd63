"""Lines for a person: on standard error, since standard output belongs to data."""

import sys


def say(line: str) -> None:
    """Write one line at once."""
    print(line, file=sys.stderr, flush=True)
