"""Standard output that is read by another program, which may have had enough before the end (`... | head`)."""

import os
import sys
from typing import Any

from typer.core import TyperGroup


class Commands(TyperGroup):
    """Commands that end well when nobody reads on; typer itself would end them with status 1."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for, until all that it wrote has gone out.

        Args:
            ctx: of typer, whose type of it is private.
        """
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except BrokenPipeError:
            # What is left in the buffer would fail once more at the very end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return ctx.exit(0)
