"""`python -m quarterdeck.supervisor [--foreground]`: be the supervisor of a state directory."""

import asyncio
import sys

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.places import Places
from quarterdeck.supervisor.service import run


def main() -> int:
    """Run until told to end and return the exit code (4: another supervisor holds the lock)."""
    foreground = "--foreground" in sys.argv[1:]
    try:
        asyncio.run(run(Places.from_environment(), foreground=foreground))
    except QuarterdeckError as error:
        print(f"{error.message}\n{error.hint}", file=sys.stderr)  # noqa: T201 - its one way to speak
        return int(error.kind.exit)
    return 0


if __name__ == "__main__":
    sys.exit(main())
