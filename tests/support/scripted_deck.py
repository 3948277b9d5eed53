"""An in-memory supervisor for tests of the screen: what it holds and how it fails is scripted."""

import asyncio
import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from quarterdeck.client.deck import Deck
from quarterdeck.client.prompting import Offers
from quarterdeck.model.approval_text import subject
from quarterdeck.model.canonical import canonical, sha256
from quarterdeck.model.clock import iso
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.event_types import OUTPUT_TYPES
from quarterdeck.model.records import (
    ApprovalView,
    CommandView,
    DecisionView,
    EventView,
    SessionView,
)
from quarterdeck.model.states import ACTION_LEADS_TO, Action, ApprovalState

NOW_MS = 1_790_000_000_000
"""What every clock of these tests shows: 2026-09-21 14:13:20 UTC."""


def ago(seconds: int) -> str:
    """Return the time so many seconds before `NOW_MS`."""
    return iso(NOW_MS - seconds * 1000)


def session(number: int, **changes: Any) -> SessionView:
    """Return a read, idle session; `changes` are members that differ."""
    view = SessionView(
        session_id=f"ses_{number:032x}",
        title=f"Session {number}",
        agent="runbook",
        state="idle",
        attention="read",
        cwd="/srv/project",
        project="/srv/project",
        last_event_seq=0,
        run_id=f"run_{number:032x}",
        active=True,
        version=number,
        read_version=number,
        open_approvals=0,
        queued=0,
        state_since=ago(60 * number),
        state_source="event",
        created_at=ago(3600),
        last_activity=ago(60 * number),
    )
    return dataclasses.replace(view, **changes)


def approval(number: int, of: SessionView, payload: dict[str, Any], **changes: Any) -> ApprovalView:
    """Return an open approval of `of` whose hash is that of `payload`."""
    text = canonical(payload)
    view = ApprovalView(
        approval_id=f"apr_{number:032x}",
        session_id=of.session_id,
        run_id=of.run_id or "",
        kind="tool_call",
        state="pending",
        title="Run the tests",
        subject=subject(payload),
        cwd=of.cwd,
        reason=None,
        matched_rule=None,
        payload_sha256=sha256(text),
        options=[],
        created_at=ago(120),
        payload=text,
        agent=of.agent,
        session_title=of.title,
    )
    return dataclasses.replace(view, **changes)


def shell(command: str, **rest: Any) -> dict[str, Any]:
    """Return the payload of a tool call that runs `command`."""
    return {"tool_call": {"raw_input": {"command": command, **rest}, "content": []}}


def event(of: SessionView, seq: int, event_type: str, /, **payload: Any) -> EventView:
    """Return one event of a session's run."""
    return EventView(seq, of.run_id or "", event_type, ago(600 - seq), payload)


def no_recovery(report_id: str = "start-1") -> dict[str, Any]:
    """Return what a supervisor tells that had nothing to recover."""
    report: dict[str, Any] = {"id": report_id, "at": ago(300), "version": "0.1.0", "done": True}
    return {"report": report, "open": []}


def _last(events: list[EventView]) -> list[int]:
    return [events[-1].seq] if events else []


class ScriptedSupervisor:
    """What lives behind the socket: rows, and every connection to it."""

    def __init__(self) -> None:
        self.sessions: list[SessionView] = []
        self.shelf: list[SessionView] = []
        """Archived and deleted sessions."""
        self.answers: dict[str, Any] = {
            "recovery.get": no_recovery(),
            "session.runs": {"runs": []},
        }
        """Per method of the protocol that has no scripted call of its own: what it answers."""
        self.approvals: dict[str, ApprovalView] = {}
        self.events: dict[str, list[EventView]] = {}
        self.profiles: list[dict[str, Any]] = [
            {"name": "runbook", "command": ["qd"], "protocol": "acp", "found": True},
        ]
        self.calls: list[tuple[str, dict[str, Any]]] = []
        """Every call that changes something, in order."""
        self.rules_problem = self.config_problem = ""
        self.fetches = 0
        self.refusals: dict[str, list[Exception]] = {}
        """Per method: raised by its next calls instead of an answer."""
        self.held: dict[str, asyncio.Event] = {}
        """Per method: its calls wait for this before they answer."""
        self.decided: dict[str, DecisionView] = {}
        self.drafts: dict[str, str] = {}
        """By session; not among `calls`."""
        self.offers = Offers((), images=False)
        self.files: list[str] = []
        """Names for completion."""
        self.down = False
        self.connections: list[ScriptedDeck] = []
        self.change = 0

    def add(self, view: SessionView, events: list[EventView] | None = None) -> SessionView:
        """Add a session with its run's events."""
        if events:
            view = dataclasses.replace(view, last_event_seq=events[-1].seq)
            self.events[view.run_id or ""] = events
        self.sessions.append(view)
        return view

    def ask(self, view: ApprovalView) -> ApprovalView:
        """Open an approval."""
        self.approvals[view.approval_id] = view
        return view

    def replace(self, session_id: str, **changes: Any) -> None:
        """Change a session."""
        self.sessions = [
            dataclasses.replace(s, **changes) if s.session_id == session_id else s
            for s in self.sessions
        ]

    def settle(self, approval_id: str, state: str) -> None:
        """Settle an approval as if somebody else had."""
        view = self.approvals[approval_id]
        self.approvals[approval_id] = dataclasses.replace(view, state=state)

    def push(self) -> None:
        """Tell every client that something changed."""
        self.change += 1
        for deck in self.connections:
            deck.on_change(self.change)

    def lose(self, *, down: bool = True) -> None:
        """Drop every connection; while `down`, none can be made."""
        self.down = down
        for deck in self.connections:
            deck.gone.set()
        self.connections.clear()

    async def connect(self, on_change: Callable[[int], None]) -> "ScriptedDeck":
        """Make a connection, as the app's `connect` does."""
        if self.down:
            raise QuarterdeckError("unreachable", "no supervisor runs here")
        deck = ScriptedDeck(self, on_change)
        self.connections.append(deck)
        return deck

    def called(self, method: str) -> list[dict[str, Any]]:
        """Return the parameters of every call of `method`."""
        return [params for name, params in self.calls if name == method]


class ScriptedDeck(Deck):
    """One connection: the methods of `Deck` that the screen uses."""

    def __init__(self, behind: ScriptedSupervisor, on_change: Callable[[int], None]) -> None:
        self._behind, self.on_change = behind, on_change
        self.gone = asyncio.Event()

    async def _enter(self, method: str, **params: Any) -> None:
        if self.gone.is_set():
            raise QuarterdeckError("unreachable", "the supervisor went away")
        if params:
            self._behind.calls.append((method, params))
        if method in self._behind.held:
            await self._behind.held[method].wait()
        if refusals := self._behind.refusals.get(method):
            raise refusals.pop(0)

    async def call(self, method: str, **params: Any) -> Any:
        await self._enter(method, **{k: v for k, v in params.items() if v is not None})
        return self._behind.answers[method]

    async def wait_closed(self) -> None:
        await self.gone.wait()

    async def close(self) -> None:
        self.gone.set()

    async def agents(self) -> list[dict[str, Any]]:
        await self._enter("agents")
        return self._behind.profiles

    async def sessions(
        self,
        *,
        state: str | None = None,
        agent: str | None = None,
        project: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> tuple[list[SessionView], str | None]:
        await self._enter("sessions")
        if state in ("archived", "deleted"):
            return [s for s in self._behind.shelf if getattr(s, f"{state}_at")], None
        self._behind.fetches += 1
        start = int(cursor or 0)
        end = start + limit
        more = str(end) if end < len(self._behind.sessions) else None
        return self._behind.sessions[start:end], more

    async def changes(
        self, after_version: int = 0, *, limit: int = 100
    ) -> tuple[list[SessionView], int]:
        await self._enter("changes")
        every = sorted((*self._behind.sessions, *self._behind.shelf), key=lambda s: s.version)
        found = [row for row in every if row.version > after_version][:limit]
        return found, found[-1].version if found else after_version

    async def events(
        self,
        session_id: str,
        *,
        run_id: str | None = None,
        after_seq: int = 0,
        limit: int = 100,
        output: bool = False,
        types: Iterable[str] | None = None,
    ) -> tuple[str | None, list[EventView], int]:
        await self._enter("events")
        held = self._behind.events.get(run_id or "", [])
        kinds = None if types is None else frozenset(types)
        if output:
            kinds = frozenset(OUTPUT_TYPES)
        rows = [e for e in held if e.seq > after_seq and (kinds is None or e.type in kinds)]
        last = rows[limit - 1].seq if len(rows) >= limit else max([after_seq, *_last(held)])
        return run_id, rows[:limit], last

    async def approvals(self, session_id: str | None = None) -> list[ApprovalView]:
        await self._enter("approvals")
        return [v for v in self._behind.approvals.values() if v.state == ApprovalState.PENDING]

    async def file_problems(self) -> tuple[str, str]:
        return self._behind.rules_problem, self._behind.config_problem

    async def approval(self, approval_id: str) -> ApprovalView:
        await self._enter("approval")
        return self._behind.approvals[approval_id]

    async def decide(
        self,
        approval_id: str,
        *,
        run_id: str,
        payload_sha256: str,
        action: str,
        token: str,
        option: str | None = None,
        reason: str | None = None,
        prefix: str | None = None,
        content: dict[str, Any] | None = None,
    ) -> DecisionView:
        await self._enter(
            "decide",
            approval_id=approval_id,
            run_id=run_id,
            payload_sha256=payload_sha256,
            action=str(action),
            token=token,
            option=option,
            reason=reason,
            **({} if prefix is None else {"prefix": prefix}),
            **({} if content is None else {"content": content}),
        )
        if token in self._behind.decided:
            return self._behind.decided[token]
        view = self._behind.approvals[approval_id]
        if view.state != ApprovalState.PENDING:
            raise QuarterdeckError("not_pending", f"it is {view.state}")
        if (run_id, payload_sha256) != (view.run_id, sha256(view.payload)):
            raise QuarterdeckError("stale", "that is not what the approval says now")
        state = ACTION_LEADS_TO[Action(action)]
        self._behind.settle(approval_id, state)
        made = DecisionView(
            "dec_1", approval_id, run_id, action, option, payload_sha256, "tui", ago(0), state
        )
        self._behind.decided[token] = made
        return made

    async def new(
        self,
        *,
        agent: str,
        cwd: str,
        prompt: str,
        env: dict[str, str],
        title: str | None = None,
        wait: bool = False,
        key: str | None = None,
        bundle: dict[str, Any] | None = None,
        approval_mode: str | None = None,
        **described: Any,
    ) -> dict[str, str]:
        await self._enter(
            "new", agent=agent, cwd=cwd, prompt=prompt, env=env, title=title, wait=wait, key=key
        )
        made = self._behind.add(session(900 + len(self._behind.sessions), title=title or prompt))
        return {
            "session_id": made.session_id,
            "run_id": made.run_id or "",
            "command_id": "cmd_1",
        }

    async def send(
        self,
        session_id: str,
        text: str,
        *,
        run_id: str | None = None,
        env: dict[str, str] | None = None,
        key: str | None = None,
        interrupt: bool | None = None,
        project: str | None = None,
        agent: str | None = None,
        images: list[tuple[str, str]] | None = None,
    ) -> CommandView:
        wanted: dict[str, Any] = {"interrupt": True} if interrupt else {}
        wanted |= {"images": images} if images else {}
        await self._enter("send", session_id=session_id, text=text, env=env, key=key, **wanted)
        return CommandView("cmd_2", session_id, run_id, "turn", "pending", ago(0), text)

    async def cancel(self, session_id: str, *, run_id: str | None = None) -> CommandView:
        await self._enter("cancel", session_id=session_id, run_id=run_id)
        return CommandView("cmd_3", session_id, run_id, "cancel", "pending", ago(0))

    async def close_session(self, session_id: str) -> CommandView:
        await self._enter("close_session", session_id=session_id)
        return CommandView("cmd_4", session_id, None, "close", "pending", ago(0))

    async def draft(self, session_id: str) -> str:
        await self._enter("draft")
        return self._behind.drafts.get(session_id, "")

    async def save_draft(self, session_id: str, text: str) -> None:
        await self._enter("save_draft")
        self._behind.drafts[session_id] = text

    async def offers(self, session_id: str) -> Offers:
        await self._enter("offers")
        return self._behind.offers

    async def files(self, session_id: str, words: str, limit: int = 20) -> list[str]:
        await self._enter("files")
        return [name for name in self._behind.files if words in name][:limit]

    async def commands(self, session_id: str, *, limit: int = 100) -> list[CommandView]:
        await self._enter("commands")
        return [
            CommandView(f"cmd_{at}", session_id, None, "turn", "completed", ago(0), sent["text"])
            for at, sent in enumerate(self._behind.called("send"))
            if sent["session_id"] == session_id
        ]

    async def mark_read(self, session_id: str, version: int) -> None:
        await self._enter("mark_read", session_id=session_id, version=version)
        self._behind.replace(session_id, read_version=version, attention="read")
