"""Measures what a person would feel, on whole processes, and writes one table.

    python -m tests.bench [--rows NAME…] [--rounds N] [--soak SECONDS] [--json FILE]
                          [--markdown FILE] [--quick]

Each row is measured with a real supervisor, the real screen on a pseudo-terminal and synthetic
agents that are processes of their own, and where it has a reference, beside that in the same run.
"""

import argparse
import asyncio
import compileall
import json
import os
import platform
import signal
import sys
import time
import traceback
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import quarterdeck
from tests.bench.measured import Limit, Row, markdown
from tests.bench.rows import (
    deciding,
    doubling,
    idle,
    ingestion,
    latency,
    memory,
    others,
    peer,
    repaint,
    restart,
    soak,
    start,
)
from tests.bench.stage import Setting, folder

PACKAGE = Path(quarterdeck.__file__).parent
ROWS: dict[str, Callable[[Setting], Coroutine[Any, Any, list[Row]]]] = {
    "start": start.measure,
    "latency": latency.measure,
    "deciding": deciding.measure,
    "repaint": repaint.measure,
    "ingestion": ingestion.measure,
    "memory": memory.measure,
    "idle": idle.measure,
    "restart": restart.measure,
    "doubling": doubling.measure,
    "flooding": others.flood,
    "policy": others.policy,
    "pages": others.pages,
    "peer": peer.measure,
    "soak": soak.measure,
}


def main() -> int:
    """Measure, print, and return 1 if a budget is not met."""
    given = _arguments()
    # As pip does where it installs a package; an editable install is compiled by its first start.
    compileall.compile_dir(PACKAGE, quiet=1)
    # Asked to end, it ends what it has started, as after ctrl+c.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    rows: list[Row] = []
    with folder() as root:
        setting = Setting(root, given.rounds, given.quick, given.soak)
        for name in given.rows or ROWS:
            began = time.monotonic()
            rows += _measured(name, setting)
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
            if given.json:
                given.json.write_text(json.dumps(_report(setting, rows), indent=1) + "\n")
    table = markdown(rows)
    if given.markdown:
        given.markdown.write_text(table)
    print(table)
    return int(any(found.met is False for found in rows))


def _measured(name: str, setting: Setting) -> list[Row]:
    """Return the rows of a name; one that breaks is a row that is not met, and the others go on."""
    try:
        return asyncio.run(ROWS[name](setting))
    except Exception as error:
        traceback.print_exc()
        told = f"{type(error).__name__}: {error}"
        return [Row(f"{name} could not be measured", "", 0, 0, limit=Limit(least=1), note=told)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", nargs="+", choices=ROWS, help="which; default: all")
    parser.add_argument("--rounds", type=int, default=20, help="how often a thing is taken")
    parser.add_argument("--soak", type=int, default=0, help="seconds of the soak; 0: without it")
    parser.add_argument("--json", type=Path, help="where everything is written")
    parser.add_argument("--markdown", type=Path, help="where the table is written")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    return parser.parse_args()


def _report(setting: Setting, rows: list[Row]) -> dict[str, object]:
    machine = {
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
    }
    how = {"rounds": setting.rounds, "quick": setting.quick, "soak": setting.soak}
    return {"machine": machine, "how": how, "rows": [found.to_json() for found in rows]}


if __name__ == "__main__":
    sys.exit(main())
