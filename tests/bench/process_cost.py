"""What processes cost, as Linux counts it."""

import os
import time
from collections.abc import Iterable
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """Return how long a process's threads have run, to the nanosecond."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def memory(pid: int) -> int:
    """Return the bytes a process has in memory of its own."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def resident(pid: int) -> int:
    """Return the bytes a process has in memory, shared ones counted too."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def cpu_share(pids: Iterable[int], seconds: float) -> list[float]:
    """Return which percentage of a core each process takes during so many seconds."""
    watched = list(pids)
    before, began = [cpu_seconds(pid) for pid in watched], time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    return [100 * (cpu_seconds(pid) - was) / took for pid, was in zip(watched, before, strict=True)]
