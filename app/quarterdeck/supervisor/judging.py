"""The policy at work: rules read again when their files change, every request judged (C4)."""

import asyncio
import contextlib
import json
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from quarterdeck.model.places import Places
from quarterdeck.model.redaction.redactor import Redactor
from quarterdeck.model.states import ApprovalKind
from quarterdeck.policy.call import WRITING, Call, Decision, Mode, Tool, Verdict
from quarterdeck.policy.from_agents import call_from_file, call_from_permission
from quarterdeck.policy.matching import touches
from quarterdeck.policy.rulebook import PROJECT_FILE, USER_FILE, Rulebook
from quarterdeck.policy.trust import Trust
from quarterdeck.store.transaction import Row

AMEND = "amend"
_BOOKS_LIMIT = 256
_STATUS_SECONDS = 1.0
_WRITING_SECONDS = 2.0

_Stamp = tuple[tuple[int, ...] | None, ...]


class Policy:
    """The rules that count, by the session's directory.

    Their files are looked at whenever something is judged, so a change counts for the very next
    call, which no watcher could promise: its word comes late. A watcher (file_watch) has screens
    ask for `status` when a file changed and nothing is judged.
    """

    def __init__(self, places: Places) -> None:
        self.user_file = places.config / USER_FILE
        self._own = (places.config, places.state)
        self._trust_file = places.state / "trusted_projects.json"
        self.trust = Trust(self._trust_file)
        self._books: dict[Path | None, tuple[_Stamp, Rulebook]] = {}
        self._status: tuple[float, dict[str, Any]] | None = None
        self.on_root: Callable[[], None] = lambda: None
        """Called when the rules for another directory come into use."""
        self._writing: list[asyncio.Event] = []

    @property
    def roots(self) -> list[Path]:
        """The directories of which rules are in use."""
        return [root for root in self._books if root is not None]

    def book(self, root: Path | None) -> Rulebook:
        """Return the rules for sessions in a directory, or the person's own without one."""
        project_file = None if root is None else root / PROJECT_FILE
        files = (self.user_file, project_file, self._trust_file)
        stamp = tuple(_stamp(file) for file in files)
        held = self._books.get(root)
        if held is not None and held[0] == stamp:
            return held[1]
        if len(self._books) >= _BOOKS_LIMIT:
            self._books.clear()
        book = Rulebook.load(self.user_file, project_file, self.trust)
        self._books[root] = (stamp, book)
        self._status = None
        if held is None and root is not None:
            self.on_root()
        return book

    def judge(self, call: Call) -> Verdict:
        """Judge a call by the rules for its session's directory.

        What lies in our own directories decides about calls, so changing it is always asked.
        """
        if call.doubt is None and call.tool in WRITING and touches(call, self._own):
            call = replace(call, doubt="it changes what decides about calls like this one")
        return self.book(call.root).decide(call)

    @contextlib.contextmanager
    def being_written(self) -> Iterator[None]:
        """Have judgements wait while a decided rule is written to its file."""
        written = asyncio.Event()
        self._writing.append(written)
        try:
            yield
        finally:
            self._writing.remove(written)
            written.set()

    async def settled(self) -> None:
        """Wait until rules that were decided stand in their files; not for long, and not for more.

        The agent is answered when its decision is committed, and the rule is written then. What it
        asks next must not be asked of a person who has just allowed it for good.
        """
        waits = [asyncio.ensure_future(written.wait()) for written in self._writing]
        if waits:
            _, late = await asyncio.wait(waits, timeout=_WRITING_SECONDS)
            for one in late:
                one.cancel()

    def status(self) -> dict[str, Any]:
        """Tell whether the rule files in use can be relied on, and if not, why.

        Screens ask at every change, so the files are looked at once a second at most, and at
        once when a judgement or the watcher found one changed.
        """
        now = time.monotonic()
        if self._status is not None and now - self._status[0] < _STATUS_SECONDS:
            return self._status[1]
        found = [problem for root in (None, *self._books) for problem in self.book(root).problems]
        problems = list(dict.fromkeys(found))
        told = {"ok": not problems, "problem": problems[0] if problems else None}
        self._status = now, told
        return told

    def look_again(self) -> None:
        """Have `status` look at the files, however lately it did."""
        self._status = None


def _stamp(file: Path | None) -> tuple[int, ...] | None:
    if file is None:
        return None
    try:
        found = file.stat()
    except (OSError, ValueError):
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_mode)


def mode_of(session: Row) -> Mode:
    """Return a session's approval mode; one we do not know is read as `normal`."""
    try:
        return Mode(session["approval_mode"])
    except ValueError:
        return Mode.NORMAL


def call_of(kind: str, payload: dict[str, Any], root: Path, agent: str, mode: Mode) -> Call:
    """Return the call that an approval's payload is about."""
    params = payload.get("params")
    if kind == ApprovalKind.FILE and isinstance(params, dict):
        write = params.get("op") == "write"
        return call_from_file(str(params["path"]), write=write, root=root, agent=agent, mode=mode)
    return call_from_permission(payload, root, agent, mode)


def about(payload: dict[str, Any], root: Path, agent: str) -> tuple[ApprovalKind, dict[str, Any]]:
    """Return the kind of a permission, and what of it the payload has to say besides."""
    call = call_from_permission(payload, root, agent)
    if call.tool is Tool.MCP:
        told = {"server": call.mcp_server, "tool": call.mcp_tool}
        return ApprovalKind.MCP, {"kind": ApprovalKind.MCP.value, "mcp": told}
    if call.tool is Tool.FETCH and call.host and call.doubt is None:
        kind = ApprovalKind.NETWORK_HOST
        return kind, {"kind": kind.value, "host": call.host}
    return ApprovalKind.TOOL_CALL, {}


def holds_secret(redactor: Redactor, words: Sequence[str]) -> bool:
    """Tell whether a command prefix has a secret, which a rule and its record would keep (A2)."""
    line = shlex.join(words)
    return redactor.redact_value(list(words)) != list(words) or redactor.redact(line) != line


def offers(verdict: Verdict, redactor: Redactor) -> list[dict[str, Any]]:
    """Return the option to amend the policy, where one may be offered (C5)."""
    if verdict.decision is not Decision.ASK:
        return []
    if verdict.proposal and holds_secret(redactor, verdict.proposal):
        return []
    if verdict.proposal:
        prefix = shlex.join(verdict.proposal)
        told = f"Always allow commands that begin with {prefix}"
        return [{"option_id": "always", "kind": AMEND, "name": told, "prefix": prefix}]
    if verdict.host:
        return [
            {
                "option_id": option,
                "kind": AMEND,
                "name": f"{told} fetching from {verdict.host}",
                "host": verdict.host,
                "decision": decision.value,
            }
            for option, told, decision in (
                ("always", "Always allow", Decision.ALLOW),
                ("never", "Always forbid", Decision.FORBID),
            )
        ]
    return []


def offered(row: Row, decision: Decision = Decision.ALLOW) -> dict[str, Any] | None:
    """Return the amendment with this decision that an approval's row offers, or None."""
    amendments = [o for o in json.loads(row["options"]) if o.get("kind") == AMEND]
    wanted = decision.value
    return next((o for o in amendments if o.get("decision", Decision.ALLOW.value) == wanted), None)


def judge_of(verdict: Verdict) -> str:
    """Return who decided, for the record: the rule, or what else forbade it."""
    return f"rule {verdict.rule}" if verdict.rule else "the session's approval mode"
