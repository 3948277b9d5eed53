"""The policy at work: rules read again when their files change, every request judged (C4)."""

import json
import shlex
from pathlib import Path
from typing import Any

from quarterdeck.model.places import Places
from quarterdeck.model.states import ApprovalKind
from quarterdeck.policy.call import Call, Decision, Mode, Verdict
from quarterdeck.policy.from_agents import call_from_file, call_from_permission
from quarterdeck.policy.rulebook import PROJECT_FILE, USER_FILE, Rulebook
from quarterdeck.policy.trust import Trust
from quarterdeck.store.transaction import Row

AMEND = "amend"
_BOOKS_LIMIT = 256

_Stamp = tuple[tuple[int, ...] | None, ...]


class Policy:
    """The rules that count, by the session's directory.

    Their files are looked at whenever something is judged, so a change counts for the very next
    call and nothing runs while nothing is asked.
    """

    def __init__(self, places: Places) -> None:
        self.user_file = places.config / USER_FILE
        self._trust_file = places.state / "trusted_projects.json"
        self.trust = Trust(self._trust_file)
        self._books: dict[Path | None, tuple[_Stamp, Rulebook]] = {}

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
        return book

    def judge(self, call: Call) -> Verdict:
        """Judge a call by the rules for its session's directory."""
        return self.book(call.root).decide(call)

    def status(self) -> dict[str, Any]:
        """Tell whether the rule files in use can be relied on, and if not, why."""
        found = [problem for root in (None, *self._books) for problem in self.book(root).problems]
        problems = list(dict.fromkeys(found))
        return {"ok": not problems, "problem": problems[0] if problems else None}


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


def offers(verdict: Verdict) -> list[dict[str, Any]]:
    """Return the option to amend the policy, where one may be offered (C5)."""
    if verdict.decision is not Decision.ASK:
        return []
    if verdict.proposal:
        prefix = shlex.join(verdict.proposal)
        told = f"Always allow commands that begin with {prefix}"
        return [{"option_id": "always", "kind": AMEND, "name": told, "prefix": prefix}]
    if verdict.host:
        told = f"Always allow fetching from {verdict.host}"
        return [{"option_id": "always", "kind": AMEND, "name": told, "host": verdict.host}]
    return []


def offered(row: Row) -> dict[str, Any] | None:
    """Return the amendment that an approval's row offers, or None."""
    options = json.loads(row["options"])
    return next((o for o in options if o.get("kind") == AMEND), None)


def judge_of(verdict: Verdict) -> str:
    """Return who decided, for the record: the rule, or what else forbade it."""
    return f"rule {verdict.rule}" if verdict.rule else "the session's approval mode"
