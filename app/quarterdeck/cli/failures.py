"""Errors as a person or a script gets them: message and hint, or one JSON object, on stderr."""

import json
import sys
from collections.abc import Sequence

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.hostile_text import clean

INTERRUPTED = 130


def report(error: Exception, arguments: Sequence[str]) -> int:
    """Print an expected error and return its exit code; raise any other one again.

    Args:
        error: What ended the command.
        arguments: The command line: without a parsed one it alone tells whether JSON is wanted.
    """
    known = _known(error, arguments)
    if known is None:
        raise error
    if "--json" in arguments[: _first(arguments, "--")]:
        told = {**known.to_wire(), "message": known.message}
        print(json.dumps({"error": told}), file=sys.stderr)  # noqa: T201
    else:
        print(f"qd: {clean(known.message)}", file=sys.stderr)  # noqa: T201
        print(f"    {clean(known.hint)}", file=sys.stderr)  # noqa: T201
    return int(known.kind.exit)


def _known(error: Exception, arguments: Sequence[str]) -> QuarterdeckError | None:
    if isinstance(error, QuarterdeckError):
        return error
    if isinstance(error, OSError):
        return QuarterdeckError("internal", str(error), hint="see what the message names")
    told = getattr(error, "format_message", None)
    if told is None:
        return None
    context = getattr(error, "ctx", None)
    name = getattr(context, "command_path", "qd")
    return QuarterdeckError("invalid_params", str(told()), hint=f"`{name} --help` shows how")


def _first(arguments: Sequence[str], word: str) -> int:
    return arguments.index(word) if word in arguments else len(arguments)
