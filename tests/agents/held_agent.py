"""Real keepers with real agents for tests, and their certain end."""

import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from quarterdeck.agents import holding, process
from quarterdeck.agents.holding import Bell, ExitStatus, KeeperInfo, RunDirectory, Spool
from tests.support.waiting import eventually

ECHO = """
import sys
for line in sys.stdin.buffer:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
"""

NAP = "import time\ntime.sleep(1000)\n"


class HeldAgent:
    """One run: its directory, the bell beside it, and what a test wants to know of it."""

    def __init__(self, base: Path):
        self.run_id = f"run_test_{secrets.token_hex(8)}"
        self.run_dir = RunDirectory(base / "runs" / self.run_id)
        self.run_dir.create()
        self.bell = Bell(base / f"bell{secrets.token_hex(2)}")
        self.spool = Spool(self.run_dir)
        self._info: KeeperInfo | None = None

    def spec(
        self,
        program: str | list[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path = Path("/"),
        mode: Literal["agent", "terminal"] = "agent",
        output_bytes: int = 0,
        stop_grace_ms: int = 3000,
    ) -> holding.KeeperSpec:
        """A spec whose agent is an argv, or Python code."""
        if isinstance(program, str):
            program = [sys.executable, "-I", "-S", "-u", "-c", program]
        return holding.KeeperSpec(
            argv=program,
            cwd=cwd,
            env={"PATH": "/usr/bin:/bin", **(env or {})},
            run_id=self.run_id,
            bell=self.bell.path,
            mode=mode,
            output_bytes=output_bytes,
            stop_grace_ms=stop_grace_ms,
        )

    async def start(self, program: str | list[str], **options) -> KeeperInfo:
        """Spawn the agent and wait until it was started."""
        self._info = await holding.spawn(self.run_dir, self.spec(program, **options))
        return self._info

    @property
    def info(self) -> KeeperInfo:
        """Keeper and agent, once started."""
        assert self._info is not None
        return self._info

    def said(self) -> bytes:
        """All that is in the journal."""
        return holding.read_journal(self.run_dir.journal, 0, 1 << 30)

    def wait_said(self, lines: int) -> list[bytes]:
        """Wait for so many lines in the journal."""
        eventually(lambda: self.said().count(b"\n") >= lines, what=f"{lines} lines said")
        return self.said().splitlines()

    def send(self, line: bytes) -> None:
        """Append one line to the spool and say so."""
        self.spool.append([(self.spool.size(), line)])
        holding.ring_spool(self.run_dir)

    def wait_exit(self) -> ExitStatus:
        """Wait for the exit status and for the keeper's own end."""
        eventually(lambda: holding.read_exit(self.run_dir), what="the exit status")
        eventually(lambda: not process.is_alive(self.info.keeper), what="the keeper's end")
        status = holding.read_exit(self.run_dir)
        assert status is not None
        return status

    def end(self) -> None:
        """Leave nothing of the run behind."""
        process.sweep(self.run_id)
        self.bell.close()


def state_of(pid: int) -> str:
    """The kernel's letter for what a process does; empty if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def status_number(pid: int, name: str) -> int:
    """One number of /proc/PID/status."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise KeyError(name)
