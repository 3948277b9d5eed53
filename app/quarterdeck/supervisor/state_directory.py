"""The state directory: ours alone, or refused."""

import os
import stat
from pathlib import Path

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.failpoints import failpoint
from quarterdeck.model.file_systems import file_system, is_network


def prepare_state_directory(state: Path) -> None:
    """Make the state directory, 0700, or refuse one that is not safely ours.

    Raises:
        QuarterdeckError: `cannot_start`, saying what is wrong with it.
    """
    try:
        failpoint("state.mkdir.before")
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = state.stat()
        if found.st_uid != os.getuid():
            raise QuarterdeckError(
                "cannot_start",
                f"{state} belongs to user {found.st_uid}, not to you",
                hint="set QUARTERDECK_STATE_DIR to a directory of your own",
            )
        kind = file_system(state)
        if is_network(kind):
            raise QuarterdeckError(
                "cannot_start",
                f"{state} lies on a network file system ({kind}), where locks and SQLite's"
                " shared memory cannot be relied on",
                hint="set QUARTERDECK_STATE_DIR to a directory on a local disk",
            )
        if stat.S_IMODE(found.st_mode) & 0o077:
            state.chmod(0o700)
        failpoint("state.runs.before")
        (state / "runs").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise QuarterdeckError(
            "cannot_start",
            f"the state directory cannot be used: {error}",
            hint="check its owner and mode, or set QUARTERDECK_STATE_DIR",
        ) from error
