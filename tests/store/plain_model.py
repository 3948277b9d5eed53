"""The store in plain Python: dicts and lists that do what the store's functions say they do.

Rows are dicts with the columns that are compared; the methods of `PlainTx` have the names and
arguments of the store functions they stand for, so that one scenario runs on either.
"""

from collections.abc import Callable
from typing import Any

from quarterdeck.model.canonical import canonical, sha256
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.states import (
    SESSION_MOVES,
    ApprovalKind,
    ApprovalState,
    CommandKind,
    CommandState,
    RunState,
    SessionState,
)
from quarterdeck.store.approvals import NewApproval
from quarterdeck.store.sessions import NewSession
from quarterdeck.store.threads import UNDO_MS

Plain = dict[str, Any]

ENDED = ("completed", "failed", "cancelled")
RUN_ENDED = (*ENDED, "blocked")
OPEN = ("pending", "acknowledged")
PROMPTS = ("turn", "steer")
PRESSING = ("waiting", "failed", "active", "unknown")
ORDER = (*PRESSING, "unread", "read")
OUTPUT = ("assistant_message", "command_output", "diff", "error", "terminal_status")


class PlainStore:
    """Everything that is stored."""

    def __init__(self) -> None:
        self.version = 0
        self.change = 0
        self.drawn = 0
        self.sessions: dict[str, Plain] = {}
        self.runs: dict[str, Plain] = {}
        self.commands: dict[str, Plain] = {}
        self.approvals: dict[str, Plain] = {}
        self.decisions: dict[str, Plain] = {}
        self.events: list[Plain] = []
        self.grants: dict[tuple[str, str], str] = {}
        self.marks: dict[tuple[str, str], int] = {}
        self.checkpoints: dict[tuple[str, str], Plain] = {}
        self.trimmed: dict[str, int] = {}

    def of(self, table: dict[str, Plain], session_id: str) -> list[Plain]:
        """Return a session's rows of a table, oldest first."""
        return [row for row in table.values() if row["session_id"] == session_id]

    def queue(self, session_id: str) -> list[Plain]:
        """Return the prompts that wait, the next one first."""
        waiting = [
            row
            for row in self.of(self.commands, session_id)
            if row["state"] == "pending" and row["kind"] in PROMPTS
        ]
        return sorted(waiting, key=lambda row: row["place"])

    def attention(self, session: Plain, reader: str) -> str:
        """Say how much a session needs a reader (A9)."""
        state = session["state"]
        if state == "failed_needs_human":
            return "failed"
        if state == "waiting" or self.open_approvals(session["session_id"]):
            return "waiting"
        if state in ("created", "starting", "running"):
            return "active"
        if state == "unknown":
            return "unknown"
        return "unread" if self.mark(reader, session) < session["version"] else "read"

    def mark(self, reader: str, session: Plain) -> int:
        """Return the version a reader has seen; 0 for none."""
        return self.marks.get((reader, session["session_id"]), 0)

    def open_approvals(self, session_id: str) -> int:
        """Count what waits for a decision."""
        return sum(row["state"] == "pending" for row in self.of(self.approvals, session_id))

    def listed(
        self, reader: str, state: str, agent: str | None = None, project: str | None = None
    ) -> list[str]:
        """Return the whole list of a filter, in its order (A10)."""
        found = [
            row
            for row in self.sessions.values()
            if agent in (None, row["agent"])
            and project in (None, row["project"])
            and self._shown(row, reader, state)
        ]
        found.sort(key=lambda row: row["session_id"], reverse=True)
        found.sort(key=lambda row: (row["pinned"], row["last_activity"]), reverse=True)
        found.sort(key=lambda row: ORDER.index(self.attention(row, reader)))
        return [row["session_id"] for row in found]

    def _shown(self, session: Plain, reader: str, state: str) -> bool:
        if shelf(session) or state in ("archived", "deleted"):
            return shelf(session) == state
        kind = self.attention(session, reader)
        rules: dict[str, Callable[[], bool]] = {
            "default": lambda: kind != "read" or session["pinned"] == 1,
            "running": lambda: kind == "active",
            "terminal": lambda: (
                session["execution_state"] == "terminal" and session["state"] != "running"
            ),
            "idle": lambda: session["state"] == "idle",
            "all": lambda: True,
        }
        return rules.get(state, lambda: kind == state)()

    def counts(self, reader: str) -> dict[str, int]:
        """Return how many listed sessions have each attention."""
        told = [self.attention(row, reader) for row in self.sessions.values() if not shelf(row)]
        return {kind: told.count(kind) for kind in ORDER}

    def projects(self, reader: str) -> list[Plain]:
        """Return what `listing.projects` counts, latest activity first."""
        told: dict[str, Plain] = {}
        for row in self.sessions.values():
            if shelf(row) == "deleted":
                continue
            nothing = dict.fromkeys(
                ("sessions", "archived", "waiting", "failed", "active", "unread", "last"), 0
            )
            line = told.setdefault(row["project"], nothing | {"project": row["project"]})
            line["last"] = max(line["last"], row["last_activity"])
            line["sessions"] += not shelf(row)
            line["archived"] += shelf(row) == "archived"
            kind = self.attention(row, reader)
            if not shelf(row) and kind in line:
                line[kind] += 1
        return sorted(told.values(), key=lambda line: (-line["last"], line["project"]))

    def changes(self, after: int, limit: int) -> list[Plain]:
        """Return the sessions with a greater version, in its order (A8)."""
        newer = [row for row in self.sessions.values() if row["version"] > after]
        return sorted(newer, key=lambda row: row["version"])[:limit]

    def page(self, run_id: str, after: int, limit: int, output: bool) -> tuple[list[Plain], int]:
        """Return a page of a run's trace or output, and how far was looked (A3, A11)."""
        if run_id not in self.runs:
            return [], after
        found = [
            row
            for row in self.events
            if row["run_id"] == run_id
            and row["seq"] > after
            and (not output or row["type"] in OUTPUT)
        ][:limit]
        if len(found) == limit:
            return found, found[-1]["seq"]
        return found, max(after, self.runs[run_id]["last_event_seq"])

    def expired(self, before: int) -> list[str]:
        """Return what was deleted before a time."""
        return [
            row["session_id"]
            for row in self.sessions.values()
            if row["deleted_at"] is not None and row["deleted_at"] < before
        ]

    def live(self) -> list[tuple[str, str]]:
        """Return the running (session, run) pairs, by the age of the run."""
        return [
            (row["session_id"], row["run_id"])
            for row in self.runs.values()
            if row["state"] == "running"
            and self.sessions[row["session_id"]]["active_run_id"] == row["run_id"]
        ]

    def trim(self, before: int) -> tuple[int, int]:
        """Take the events of old closed sessions away; how many sessions and events went."""
        sessions = events = 0
        for row in self.sessions.values():
            own = [run for run in self.of(self.runs, row["session_id"]) if run["last_event_seq"]]
            own = [run for run in own if run["run_id"] not in self.trimmed]
            if (
                row["state"] != "closed"
                or row["active_run_id"] is not None
                or row["pinned"]
                or self.open_approvals(row["session_id"])
                or any(c["state"] in OPEN for c in self.of(self.commands, row["session_id"]))
                or row["last_activity"] >= before
                or not own
            ):
                continue
            sessions += 1
            for run in own:
                self.trimmed[run["run_id"]] = run["last_event_seq"]
                events += run["last_event_seq"]
        self.events = [row for row in self.events if row["run_id"] not in self.trimmed]
        return sessions, events


def shelf(session: Plain) -> str:
    """Return where a session lies: nothing, `archived` or `deleted`."""
    if session["deleted_at"] is not None:
        return "deleted"
    return "archived" if session["archived_at"] is not None else ""


class PlainTx:
    """A transaction on the plain store: the store's functions, as their docstrings have them."""

    def __init__(self, store: PlainStore, at: int, new_id: Callable[[str], str]) -> None:
        self.store, self.at, self._new_id = store, at, new_id

    def _next(self) -> int:
        self.store.version += 1
        return self.store.version

    def _number(self) -> int:
        self.store.drawn += 1
        return self.store.drawn

    # Sessions.

    async def session(self, session_id: str) -> Plain:
        if session_id not in self.store.sessions:
            raise QuarterdeckError("unknown_session", session_id)
        return self.store.sessions[session_id]

    async def by_key(self, project: str, key: str) -> Plain | None:
        for row in self.store.sessions.values():
            if (row["project"], row["start_key"]) == (project, key):
                return row
        return None

    async def insert_session(self, new: NewSession) -> None:
        names = ("active_run_id", "last_run_id", "active_command_id", "last_command_id")
        names += ("terminal_status", "failure", "failure_kind", "mode", "archived_at", "deleted_at")
        self.store.sessions[new.session_id] = dict.fromkeys(names) | {
            "session_id": new.session_id,
            "project": new.project,
            "agent": new.agent,
            "cwd": new.cwd,
            "title": new.title,
            "preview": new.preview,
            "start_key": new.start_key,
            "start_sha256": new.start_sha256,
            "source": new.source,
            "state": new.state.value,
            "state_since": self.at,
            "state_source": "request",
            "execution_state": "idle",
            "last_event_seq": 0,
            "resume_tries": 0,
            "pinned": 0,
            "version": self._next(),
            "created_at": self.at,
            "last_activity": self.at,
        }

    async def move(
        self,
        session_id: str,
        to: SessionState,
        *,
        source: str,
        run_id: str | None = None,
        **fields: Any,
    ) -> bool:
        row = self.store.sessions.get(session_id)
        if row is None or to not in SESSION_MOVES[SessionState(row["state"])]:
            return False
        if run_id is not None and row["active_run_id"] != run_id:
            return False
        row.update(fields, state=to.value, state_source=source)
        row.update(state_since=self.at, last_activity=self.at)
        await self.notice(session_id)
        return True

    async def notice(self, session_id: str) -> None:
        self.store.sessions[session_id]["version"] = self._next()

    async def notice_quietly(self, session_id: str) -> None:
        row, version = self.store.sessions[session_id], self._next()
        for (reader, of), mark in self.store.marks.items():
            if of == session_id and mark >= row["version"]:
                self.store.marks[reader, of] = version
        row["version"] = version

    async def update_session(self, session_id: str, **fields: Any) -> None:
        self.store.sessions[session_id].update(fields)

    async def count_approvals(self, session_id: str) -> int:
        return self.store.open_approvals(session_id)

    # Threads.

    async def _set(self, session_id: str, column: str, value: Any) -> None:
        row = await self.session(session_id)
        if row["deleted_at"] is not None:
            raise QuarterdeckError("session_deleted", session_id)
        if row[column] != value:
            row[column] = value
            await self.notice_quietly(session_id)

    async def rename(self, session_id: str, title: str) -> None:
        await self._set(session_id, "title", title)

    async def set_pinned(self, session_id: str, pinned: bool) -> None:
        await self._set(session_id, "pinned", int(pinned))

    async def set_archived(self, session_id: str, archived: bool) -> None:
        since = (await self.session(session_id))["archived_at"]
        since = self.at if since is None else since
        await self._set(session_id, "archived_at", since if archived else None)

    async def delete(self, session_id: str) -> None:
        row = await self.session(session_id)
        if row["deleted_at"] is not None:
            return
        if row["active_run_id"] is not None or row["state"] in ("created", "starting"):
            raise QuarterdeckError("session_live", session_id)
        await self._set(session_id, "deleted_at", self.at)

    async def restore(self, session_id: str) -> None:
        row = await self.session(session_id)
        if row["deleted_at"] is None:
            return
        if self.at - row["deleted_at"] > UNDO_MS:
            raise QuarterdeckError("unknown_session", session_id)
        row["deleted_at"] = None
        await self.notice_quietly(session_id)

    async def purge_rest(self, session_id: str, before: int) -> bool:
        store = self.store
        if session_id not in store.expired(before):
            return False
        gone = {row["run_id"] for row in store.of(store.runs, session_id)}
        asked = {row["approval_id"] for row in store.of(store.approvals, session_id)}
        store.events = [row for row in store.events if row["run_id"] not in gone]
        for table in (store.runs, store.commands, store.approvals, store.sessions):
            for key in [key for key, row in table.items() if row["session_id"] == session_id]:
                del table[key]
        store.decisions = {k: v for k, v in store.decisions.items() if k not in asked}
        store.trimmed = {k: v for k, v in store.trimmed.items() if k not in gone}
        store.grants = {k: v for k, v in store.grants.items() if k[0] != session_id}
        store.marks = {k: v for k, v in store.marks.items() if k[1] != session_id}
        store.checkpoints = {k: v for k, v in store.checkpoints.items() if k[0] != session_id}
        return True

    # Read marks.

    async def mark(self, reader: str, session_id: str, version: int) -> None:
        key = (reader, session_id)
        self.store.marks[key] = max(version, self.store.marks.get(key, version))

    async def unmark(self, reader: str, session_id: str) -> None:
        version = self.store.sessions[session_id]["version"]
        if self.store.marks.get((reader, session_id), -1) >= version:
            self.store.marks[reader, session_id] = version - 1

    async def mark_all(self, reader: str, up_to: int | None, project: str | None) -> int:
        marked = 0
        for row in self.store.sessions.values():
            seen = self.store.mark(reader, row) >= row["version"]
            late = up_to is not None and row["version"] > up_to
            if not (shelf(row) or seen or late) and project in (None, row["project"]):
                self.store.marks[reader, row["session_id"]] = row["version"]
                marked += 1
        return marked

    # Runs and their events.

    async def insert_run(
        self, run_id: str, session_id: str, via: str, bundle: str | None = None
    ) -> Plain:
        before = self.store.of(self.store.runs, session_id)
        self.store.runs[run_id] = row = {
            "run_id": run_id,
            "session_id": session_id,
            "number": len(before) + 1,
            "state": "pending",
            "via": via,
            "bundle": bundle or (before[-1]["bundle"] if before else None),
            "last_event_seq": 0,
            "agent_info": None,
            "stopping": None,
            "reason": None,
            "created_at": self.at,
            "ended_at": None,
        }
        return row

    async def run(self, run_id: str) -> Plain:
        if run_id not in self.store.runs:
            raise QuarterdeckError("unknown_run", run_id)
        return self.store.runs[run_id]

    async def update_run(self, run_id: str, **fields: Any) -> bool:
        row = self.store.runs[run_id]
        if row["state"] in RUN_ENDED:
            return False
        row.update(fields)
        return True

    async def finish_run(self, run_id: str, state: RunState, reason: str | None) -> bool:
        return await self.update_run(run_id, state=state.value, reason=reason, ended_at=self.at)

    async def record(self, run_id: str, told: list[tuple[str, str]]) -> None:
        run = self.store.runs[run_id]
        for kind, payload in told:
            run["last_event_seq"] += 1
            self.store.events.append(
                {
                    "run_id": run_id,
                    "seq": run["last_event_seq"],
                    "type": kind,
                    "at": self.at,
                    "payload": payload,
                }
            )
        session = self.store.sessions[run["session_id"]]
        if (session["active_run_id"] or session["last_run_id"]) == run_id:
            session.update(last_event_seq=run["last_event_seq"], last_activity=self.at)

    async def save_checkpoint(self, session_id: str, name: str, run_id: str, seq: int) -> None:
        self.store.checkpoints[session_id, name] = {"run_id": run_id, "seq": seq, "at": self.at}

    async def delete_checkpoint(self, session_id: str, name: str) -> None:
        if (session_id, name) not in self.store.checkpoints:
            raise QuarterdeckError("unknown_checkpoint", name)
        del self.store.checkpoints[session_id, name]

    # Commands.

    async def command(self, command_id: str) -> Plain:
        if command_id not in self.store.commands:
            raise QuarterdeckError("unknown_command", command_id)
        return self.store.commands[command_id]

    async def insert_command(
        self,
        session_id: str,
        run_id: str | None,
        kind: CommandKind,
        *,
        text: str | None = None,
        key: str | None = None,
        payload_sha256: str | None = None,
    ) -> Plain:
        for row in self.store.of(self.store.commands, session_id):
            known = row["state"] == "pending" or (run_id is not None and row["run_id"] == run_id)
            if key is not None and row["idempotency_key"] == key and known:
                if row["payload_sha256"] != payload_sha256:
                    raise QuarterdeckError("conflict", key)
                return row
        command_id = self._new_id("cmd")
        self.store.commands[command_id] = row = {
            "command_id": command_id,
            "session_id": session_id,
            "run_id": run_id,
            "kind": kind.value,
            "state": "pending",
            "text": text,
            "idempotency_key": key,
            "payload_sha256": payload_sha256,
            "reason": None,
            "created_at": self.at,
            "ended_at": None,
            "place": self._number(),
        }
        return row

    async def set_command_run(self, command_id: str, run_id: str) -> None:
        self.store.commands[command_id]["run_id"] = run_id

    async def set_state(
        self, command_id: str, state: CommandState, reason: str | None = None
    ) -> bool:
        row = self.store.commands[command_id]
        if row["state"] in ENDED:
            return False
        row["state"] = state.value
        row["reason"] = row["reason"] if reason is None else reason
        row["ended_at"] = self.at if state.value in ENDED else None
        return True

    async def acknowledge(self, command_id: str, run_id: str) -> None:
        row = self.store.commands[command_id]
        if row["state"] == "pending":
            row.update(state="acknowledged", run_id=run_id)

    async def queue(self, session_id: str) -> list[Plain]:
        return self.store.queue(session_id)

    async def next_turn(self, session_id: str) -> Plain | None:
        return next(iter(self.store.queue(session_id)), None)

    async def open_of_session(self, session_id: str) -> list[Plain]:
        own = self.store.of(self.store.commands, session_id)
        return [row for row in own if row["state"] in OPEN]

    def is_queued(self, row: Plain) -> bool:
        if row["state"] in ENDED:
            return False
        if row["state"] != "pending" or row["kind"] not in PROMPTS:
            raise QuarterdeckError("not_queued", row["command_id"])
        return True

    async def set_text(self, command_id: str, text: str) -> None:
        if self.store.commands[command_id]["state"] == "pending":
            self.store.commands[command_id]["text"] = text

    async def move_before(self, row: Plain, before: str | None) -> None:
        if before == row["command_id"]:
            return
        waiting = self.store.queue(row["session_id"])
        order = [other for other in waiting if other is not row]
        at = [n for n, other in enumerate(order) if other["command_id"] == before]
        if before is not None and not at:
            raise QuarterdeckError("not_queued", before)
        order.insert(at[0] if at else len(order), row)
        for other, place in zip(order, [other["place"] for other in waiting], strict=True):
            other["place"] = place

    async def put_first(self, row: Plain) -> None:
        for other in self.store.queue(row["session_id"]):
            if other["kind"] != "steer":
                await self.move_before(row, other["command_id"])
                return

    async def finish_open(
        self,
        session_id: str,
        state: CommandState,
        reason: str,
        *,
        kinds: tuple[CommandKind, ...] = tuple(CommandKind),
        handed_over_only: bool = False,
    ) -> list[str]:
        ended = [
            row
            for row in self.store.of(self.store.commands, session_id)
            if row["state"] in (("acknowledged",) if handed_over_only else OPEN)
            and row["kind"] in kinds
        ]
        for row in ended:
            row.update(state=state.value, reason=reason, ended_at=self.at)
        return [row["command_id"] for row in ended]

    # Approvals.

    async def insert_approval(self, new: NewApproval) -> Plain:
        approval_id = self._new_id("apr")
        self.store.approvals[approval_id] = row = {
            "approval_id": approval_id,
            "session_id": new.session_id,
            "run_id": new.run_id,
            "command_id": new.command_id,
            "kind": new.kind.value,
            "state": "pending",
            "title": new.title,
            "payload": canonical(new.payload),
            "payload_sha256": sha256(canonical(new.payload)),
            "consumed": 0,
            "created_at": self.at,
            "decided_at": None,
            "action": None,
        }
        return row

    async def approval(self, approval_id: str) -> Plain:
        if approval_id not in self.store.approvals:
            raise QuarterdeckError("unknown_approval", approval_id)
        return self.store.approvals[approval_id]

    async def settle(self, approval_id: str, state: ApprovalState, action: str) -> bool:
        row = self.store.approvals.get(approval_id)
        if row is None or row["state"] != "pending":
            return False
        row.update(state=state.value, action=action, decided_at=self.at)
        return True

    async def pending_of_run(self, run_id: str) -> list[Plain]:
        rows = self.store.approvals.values()
        return [row for row in rows if (row["run_id"], row["state"]) == (run_id, "pending")]

    async def pending_of_session(self, session_id: str, kind: ApprovalKind) -> list[Plain]:
        own = self.store.of(self.store.approvals, session_id)
        return [row for row in own if (row["kind"], row["state"]) == (kind.value, "pending")]

    async def record_decision(
        self,
        approval: Plain,
        *,
        action: str,
        option: str | None,
        reason: str | None,
        token: str,
        decided_by: str,
    ) -> Plain:
        row = {
            "decision_id": self._new_id("dec"),
            "approval_id": approval["approval_id"],
            "run_id": approval["run_id"],
            "action": action,
            "option": option,
            "reason": reason,
            "token": token,
            "payload_sha256": approval["payload_sha256"],
            "decided_by": decided_by,
            "decided_at": self.at,
            "waited_ms": self.at - approval["created_at"],
        }
        self.store.decisions[approval["approval_id"]] = row
        return row

    async def decision_of(self, approval_id: str) -> Plain | None:
        return self.store.decisions.get(approval_id)

    async def grant(self, approval: Plain, fingerprint: str) -> None:
        key = (approval["session_id"], fingerprint)
        self.store.grants.setdefault(key, approval["approval_id"])

    async def granted(self, session_id: str, fingerprint: str) -> str | None:
        return self.store.grants.get((session_id, fingerprint))

    async def approved_in_turn(self, run_id: str, command_id: str | None) -> list[Plain]:
        turn = (run_id, command_id, "tool_call", "approved", 0)
        names = ("run_id", "command_id", "kind", "state", "consumed")
        rows = self.store.approvals.values()
        return [row for row in rows if tuple(row[name] for name in names) == turn]

    async def consume(self, approval_id: str) -> None:
        self.store.approvals[approval_id]["consumed"] = 1
