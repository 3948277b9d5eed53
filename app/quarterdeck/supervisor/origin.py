"""Where a session's code stands: commit, branch and origin of its directory, as git tells (A6)."""

import asyncio
import os
import subprocess
from urllib.parse import urlsplit, urlunsplit

from quarterdeck.model.failpoints import failpoint
from quarterdeck.store import sessions
from quarterdeck.store.transaction import Tx
from quarterdeck.supervisor.context import Context

TIMEOUT_SECONDS = 5.0
_QUESTIONS: dict[str, tuple[str, ...]] = {
    "git_commit": ("rev-parse", "--verify", "--quiet", "HEAD"),
    "git_branch": ("symbolic-ref", "--short", "--quiet", "HEAD"),
    "git_origin": ("config", "--get", "remote.origin.url"),
}


async def note(ctx: Context, session_id: str, cwd: str) -> None:
    """Store what git says of the session's directory; outside of a work tree that is nothing."""
    facts = await asyncio.to_thread(look, cwd)
    if facts is not None:
        await ctx.store.write(lambda tx: _keep(tx, session_id, facts), durable=False)


async def _keep(tx: Tx, session_id: str, facts: dict[str, str | None]) -> None:
    """Store the facts; the commit of the first run stays the base of the session's diff."""
    row = await tx.one("SELECT git_base FROM sessions WHERE session_id = ?", (session_id,))
    first = row is not None and row["git_base"] is None
    base = {"git_base": facts["git_commit"]} if first else {}
    await sessions.update(tx, session_id, **facts, **base)


def look(cwd: str) -> dict[str, str | None] | None:
    """Return commit, branch and origin of a directory; None without git or a repository."""
    if _ask(cwd, ("rev-parse", "--is-inside-work-tree")) != "true":
        return None
    facts = {name: _ask(cwd, question) for name, question in _QUESTIONS.items()}
    return facts | {"git_origin": without_credentials(facts["git_origin"])}


def without_credentials(url: str | None) -> str | None:
    """Return a remote's URL without the user and the password that may stand in it (A15)."""
    if url is None or "://" not in url:
        return url
    try:
        parts = urlsplit(url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    except ValueError:
        return None


def _ask(cwd: str, question: tuple[str, ...]) -> str | None:
    quiet = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    try:
        failpoint("git.spawn.before")
        done = subprocess.run(
            ["git", "-C", cwd, *question],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=inherited | quiet,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    told = done.stdout.decode("utf-8", "replace").strip()
    return told[:1000] if done.returncode == 0 and told else None
