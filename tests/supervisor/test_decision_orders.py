"""Nearly 10,000 races about approvals, in two processes beside each other (DESIGN §4, D9).

What turns this red, each tried by hand:
- supervisor/deciding.py, `_check_same`: the hash not compared, or the run not compared;
- supervisor/deciding.py, `decide`: `if row["state"] != ApprovalState.PENDING:` made false;
- supervisor/asking.py, `withdrawn`: `await settle(rec, row, …)` taken out;
- supervisor/recorder.py, `written`: the line appended to the spool at once, not after COMMIT;
- supervisor/deciding.py, `decide`: the same token not answered with the first decision;
- tui/dialogs/deciding.py, `send`: the hash of the newest view sent instead of the shown one's.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

RACES = int(os.environ.get("QUARTERDECK_RACE_ROUNDS", "10000")) * 95 // 100
"""Of all races; the others are in e2e/test_decision_races.py, with real processes."""
SEED = int(os.environ.get("QUARTERDECK_RACE_SEED", "20"))
SHARES = 2


async def _share(seed: int, folder: Path) -> dict[str, int]:
    """Run a share of the races in a process of its own and return how often what happened."""
    folder.mkdir()
    told = [str(seed), str(RACES // SHARES + 1), str(folder)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.supervisor.decision_orders", *told),
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, error = await process.communicate()
    except BaseException:
        process.kill()
        raise
    assert process.returncode == 0, f"seed {seed}:\n{error.decode()[-8000:]}"
    return json.loads(out)


@pytest.mark.slow
async def test_no_order_of_events_misapplies_a_decision(tmp_path: Path) -> None:
    """DESIGN §4, D9: 0 on another payload, at most one each, acknowledged means stored."""
    print(f"QUARTERDECK_RACE_SEED={SEED} QUARTERDECK_RACE_ROUNDS={RACES * 100 // 95}")
    shares = [_share(SEED * SHARES + n, tmp_path / str(n)) for n in range(SHARES)]
    counts = await asyncio.gather(*shares)
    print(counts)
    for kind in ("raced", "replaced", "withdrawn", "expired", "agent died", "stale", "refused"):
        assert sum(share.get(kind, 0) for share in counts) > RACES // 1000, kind
    assert sum(share["raced"] for share in counts) >= RACES
