"""`python -m quarterdeck.supervisor [--foreground | --check | --take-over | --restore FILE]`.

Be the supervisor of a state directory, tell whether this version could be, be the next one after
the one that runs, or put a backup in the place of its store.
"""

import sys

from quarterdeck.model.errors import Exit, QuarterdeckError
from quarterdeck.model.places import Places
from quarterdeck.supervisor.lock import Lock
from quarterdeck.supervisor.state_directory import prepare_state_directory


def main() -> int:
    """Run until told to end and return the exit code (4: another supervisor holds the lock)."""
    foreground = "--foreground" in sys.argv[1:]
    places = Places.from_environment()
    if sys.argv[1:2] == ["--restore"] and len(sys.argv) == 3:
        from quarterdeck.supervisor.restoring import print_restored

        return print_restored(places, sys.argv[2])
    if sys.argv[1:] == ["--check"]:
        from quarterdeck.supervisor.succeeding import print_check

        return print_check(places)
    try:
        wait = 0
        if sys.argv[1:] == ["--take-over"]:
            from quarterdeck.supervisor import succeeding

            if not succeeding.stand_by(places):
                return int(Exit.CANNOT_START)
            wait = succeeding.TAKE_OVER_SECONDS
        prepare_state_directory(places.state)
        lock = Lock.take(places.lock, wait=wait)
        try:
            _serve(places, foreground=foreground)
        finally:
            lock.release()
    except QuarterdeckError as error:
        print(f"{error.message}\n{error.hint}", file=sys.stderr)  # noqa: T201 - its one way to speak
        return int(error.kind.exit)
    return 0


def _serve(places: Places, *, foreground: bool) -> None:
    # Imported with the lock held: who loses the race for it is gone before the costly part.
    import asyncio

    from quarterdeck.supervisor.service import run

    asyncio.run(run(places, foreground=foreground))


if __name__ == "__main__":
    sys.exit(main())
