"""The next supervisor, ready beside the one that runs, and the check of whether it could be.

`qd upgrade` starts it, reads what it found out about itself, and only then asks the old one to
end: a version that cannot start costs nobody a supervisor.
"""

import json
import os
import sys

from quarterdeck.model.places import Places
from quarterdeck.supervisor.self_check import check

TAKE_OVER_SECONDS = 60
"""How long the lock is waited for once it was said to go."""
GO = b"go\n"


def print_check(places: Places) -> int:
    """Print what `check` tells as one line of JSON; return 0 if this version can start."""
    told = check(places)
    print(json.dumps(told), flush=True)  # noqa: T201 - read by `qd doctor` and `qd upgrade`
    return int(not told["ok"])


def stand_by(places: Places) -> bool:
    """Import everything, tell how the check went, and wait to be told to go.

    Whoever started us may be gone afterwards, so from then on nothing is read or printed.

    Returns:
        Whether to take over: not if the check failed or stdin ended before it was said.
    """
    import quarterdeck.supervisor.service  # noqa: F401 - so that it is there when it is to serve

    failed = print_check(places)
    if failed or sys.stdin.buffer.readline() != GO:
        return False
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
    return True
