"""The entry of `qd`: runs the command line and turns its end into an exit code."""

import os
import sys
from collections.abc import Sequence

from quarterdeck.cli import failures, full_screen
from quarterdeck.model.errors import Exit


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `qd` and return its exit code (DESIGN §11).

    Args:
        arguments: What follows the program's name; default: this process's.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # pyright: ignore[reportAttributeAccessIssue]
    try:
        code = _run(given)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return failures.INTERRUPTED
    except BrokenPipeError:
        return _reader_left()
    except Exception as error:
        return failures.report(error, given)
    return code


def _run(given: Sequence[str]) -> int:
    # The screen comes up without the command line's own libraries: its start is on a budget.
    if not given:
        return full_screen.show()
    from quarterdeck.cli import program

    return program.run(given)


def _reader_left() -> int:
    """End quietly when whoever read our output has enough of it, as in `qd ls | head`."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.FAILED
