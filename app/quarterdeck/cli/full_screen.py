"""`qd` without a command: the full-screen view."""

import getpass
import os
import sys

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.places import Places


def reader_name() -> str:
    """Return whose read marks count: QUARTERDECK_READER, else the user's name, alike over ssh."""
    named = os.environ.get("QUARTERDECK_READER")
    if named:
        return named
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def show(places: Places | None = None) -> int:
    """Run the full-screen view until the person leaves it, and return its exit code.

    Args:
        places: Whose supervisor; default: the environment's.

    Raises:
        QuarterdeckError: `invalid_params` if this is no terminal.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise QuarterdeckError(
            "invalid_params",
            "the full-screen view needs a terminal",
            hint="use a command such as `qd ls`; `qd --help` lists them all",
        )
    from quarterdeck.tui.run import main as run_screen

    return run_screen(places or Places.from_environment(), reader_name())
