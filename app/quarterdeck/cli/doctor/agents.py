"""Which agents are there, and their versions where asking is harmless."""

import asyncio
import re
import shutil
import subprocess
from collections.abc import Sequence

from quarterdeck.cli.doctor.finding import Finding, ok, warn
from quarterdeck.model.failpoints import failpoint

ASKABLE = ("opencode", "codex-acp", "gemini", "qwen", "vibe-acp", "kimi")
"""Programs known to answer --version and end."""
BUILT_IN = "runbook"
VERSION_SECONDS = 5.0


async def findings(agents: Sequence[dict[str, str]]) -> list[Finding]:
    """Check each agent's program.

    Args:
        agents: Names and programs, as the supervisor's self-check tells them.
    """
    found = await asyncio.gather(*(_found(agent["name"], agent["program"]) for agent in agents))
    there = [finding for finding in found if finding is not None]
    missing = [agent["name"] for agent, one in zip(agents, found, strict=True) if one is None]
    if missing:
        there.append(ok("agents", f"not on PATH: {', '.join(missing)}"))
    if all(agent["name"] in (BUILT_IN, *missing) for agent in agents):
        there.append(
            warn(
                "agents",
                f"only the built-in {BUILT_IN} is there",
                "install one that speaks ACP, or name its command in config.toml's [agents]",
            )
        )
    return there


async def _found(name: str, program: str) -> Finding | None:
    path = shutil.which(program)
    if path is None:
        return None
    if program not in ASKABLE:
        return ok(f"agent {name}", path)
    version = await asyncio.to_thread(_version, path)
    return ok(f"agent {name}", f"{version} at {path}" if version else path)


def _version(path: str) -> str:
    failpoint("doctor.agent.before")
    try:
        done = subprocess.run(
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=VERSION_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"\d+(\.\d+)+\S*", done.stdout)
    return found[0] if found and done.returncode == 0 else ""
