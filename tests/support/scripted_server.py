"""A stand-in for the supervisor: the protocol's methods over a real Unix socket, from plain data.

It keeps no rules of the supervisor's: a test sets what is so, calls, and reads what was asked.
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

from quarterdeck.model.canonical import canonical, sha256
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.places import Places
from quarterdeck.model.records import SessionView, to_table
from quarterdeck.rpc.connection import Connection
from quarterdeck.rpc.framing import LINE_LIMIT
from quarterdeck.rpc.protocol import PROTOCOL
from quarterdeck.rpc.unix_path import reachable

NOW = "2026-11-20T10:11:12.345Z"


def session(session_id: str = "ses_1", **given: Any) -> dict[str, Any]:
    """Return a session as it goes over the wire."""
    return {
        "session_id": session_id,
        "title": f"title of {session_id}",
        "agent": "runbook",
        "state": "idle",
        "attention": "unread",
        "cwd": "/tmp",
        "project": "/tmp",
        "last_event_seq": 0,
        "run_id": f"run_of_{session_id}",
        "active": True,
        "version": 7,
        "read_version": 0,
        "open_approvals": 0,
        "queued": 0,
        "state_since": NOW,
        "state_source": "event",
        "created_at": NOW,
        "last_activity": NOW,
        **given,
    }


def run(run_id: str = "run_of_ses_1", session_id: str = "ses_1", **given: Any) -> dict[str, Any]:
    """Return a run as it goes over the wire."""
    return {
        "run_id": run_id,
        "session_id": session_id,
        "number": 1,
        "state": "running",
        "last_event_seq": 0,
        "created_at": NOW,
        **given,
    }


def event(
    seq: int, text: str, *, run_id: str = "run_of_ses_1", type: str = "assistant_message"
) -> dict[str, Any]:
    """Return an event as it goes over the wire."""
    return {"seq": seq, "run_id": run_id, "type": type, "at": NOW, "payload": {"text": text}}


def approval(command: str, approval_id: str = "apr_1", **given: Any) -> dict[str, Any]:
    """Return an open approval of a shell command."""
    payload = canonical({"tool_call": {"raw_input": {"command": command}}, "cwd": "/tmp"})
    return {
        "approval_id": approval_id,
        "session_id": "ses_1",
        "run_id": "run_of_ses_1",
        "kind": "tool_call",
        "state": "pending",
        "title": "Run it",
        "subject": command,
        "cwd": "/tmp",
        "reason": None,
        "matched_rule": None,
        "payload_sha256": sha256(payload),
        "options": [],
        "created_at": NOW,
        "payload": payload,
        **given,
    }


class ScriptedServer:
    """Serves one socket. Everything it answers with stands in its attributes."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.sessions: list[dict[str, Any]] = []
        self.runs: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.approvals: list[dict[str, Any]] = []
        self.agents: list[dict[str, Any]] = []
        self.page = 100
        self.pid = os.getpid()
        self.protocol = PROTOCOL
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.failing: dict[str, QuarterdeckError] = {}
        self.before: dict[str, Callable[[], Any]] = {}
        """Called before a method is answered; awaited if it returns an awaitable."""
        self._watchers: set[Connection] = set()
        self._connections: set[Connection] = set()
        self._change = 0
        self._server: asyncio.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Bind the socket, replacing one that is left over."""
        self._loop = asyncio.get_running_loop()
        self.places.state.mkdir(parents=True, exist_ok=True)
        self.places.socket.unlink(missing_ok=True)
        with reachable(self.places.socket) as name:
            self._server = await asyncio.start_unix_server(self._accept, name, limit=LINE_LIMIT)

    async def stop(self, *, leave_socket: bool = False) -> None:
        """Go away as a supervisor does: on purpose, or, leaving its socket, by kill -9."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in list(self._connections):
            await connection.close()
        if not leave_socket:
            self.places.socket.unlink(missing_ok=True)

    async def changed(self) -> None:
        """Push that something changed."""
        self._change += 1
        for connection in self._watchers:
            connection.notify("changed", {"change": self._change})

    def asked(self, method: str) -> list[dict[str, Any]]:
        """Return the parameters of every call of `method` so far."""
        return [params for name, params in self.calls if name == method]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def serve(method: str, params: Any) -> Any:
            self.calls.append((method, params))
            if method in self.before:
                waiting = self.before[method]()
                if waiting is not None:
                    await waiting
            if method in self.failing:
                raise self.failing[method]
            if method == "hello" and params["watch"]:
                self._watchers.add(connection)
            return self._answer(method, params)

        connection = Connection(reader, writer, serve=serve)
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)
            self._watchers.discard(connection)

    def _answer(self, method: str, params: dict[str, Any]) -> Any:
        answers: dict[str, Callable[[dict[str, Any]], Any]] = {
            "hello": lambda p: {"protocol": self.protocol, "pid": self.pid},
            "status": lambda p: self._status(),
            "agent.list": lambda p: {"agents": self.agents},
            "session.list": self._list,
            "session.get": lambda p: self._session(p["session_id"]),
            "session.runs": lambda p: {"runs": self._of(self.runs, p)},
            "session.commands": lambda p: {"commands": []},
            "event.list": self._events,
            "approval.list": lambda p: {"approvals": self._of(self.approvals, p)},
            "approval.get": lambda p: self._approval(p["approval_id"]),
            "approval.decide": self._decide,
            "session.new": lambda p: {
                "session_id": "ses_new",
                "run_id": "run_new",
                "command_id": "cmd_new",
            },
            "session.send": lambda p: self._command("turn", p),
            "session.cancel": lambda p: self._command("cancel", p),
            "session.close": lambda p: self._command("close", p),
            "session.mark_read": lambda p: {},
            "supervisor.down": lambda p: {"drained": True},
        }
        if method not in answers:
            raise QuarterdeckError("unknown_method", f"no method {method!r}")
        return answers[method](params)

    def _status(self) -> dict[str, Any]:
        return {
            "running": True,
            "pid": self.pid,
            "version": "0",
            "state_dir": str(self.places.state),
            "store": {"reachable": True},
            "recovery": {},
            "counts": {"sessions": len(self.sessions)},
        }

    def _of(self, rows: list[dict[str, Any]], params: dict[str, Any]) -> list[dict[str, Any]]:
        wanted = params.get("session_id")
        return [row for row in rows if wanted is None or row["session_id"] == wanted]

    def _list(self, params: dict[str, Any]) -> dict[str, Any]:
        start = int(params.get("cursor") or 0)
        rows = self.sessions[start : start + self.page]
        more = start + len(rows) < len(self.sessions)
        views = [SessionView.from_wire(row).to_wire() for row in rows]
        told = to_table(SessionView, [list(view.values()) for view in views])
        return {"sessions": told, "cursor": str(start + len(rows)) if more else None}

    def _session(self, session_id: str) -> dict[str, Any]:
        for row in self.sessions:
            if row["session_id"] == session_id:
                return row
        raise QuarterdeckError("unknown_session", f"no session {session_id}")

    def _events(self, params: dict[str, Any]) -> dict[str, Any]:
        run_id = params.get("run_id") or (self.runs[-1]["run_id"] if self.runs else None)
        after, limit = params["after_seq"], min(params["limit"], self.page)
        mine = [e for e in self.events if e["run_id"] == run_id and e["seq"] > after]
        wanted = [e for e in mine if not params["output"] or e["type"] == "assistant_message"]
        page = wanted[:limit]
        full = len(page) == limit
        last = page[-1]["seq"] if full else (mine[-1]["seq"] if mine else after)
        return {"run_id": run_id, "events": page, "cursor": last}

    def _approval(self, approval_id: str) -> dict[str, Any]:
        for row in self.approvals:
            if row["approval_id"] == approval_id:
                return row
        raise QuarterdeckError("unknown_approval", f"no approval {approval_id}")

    def _decide(self, params: dict[str, Any]) -> dict[str, Any]:
        row = self._approval(params["approval_id"])
        if row["state"] != "pending":
            raise QuarterdeckError("not_pending", "it was settled before")
        if params["payload_sha256"] != row["payload_sha256"]:
            raise QuarterdeckError("stale", "another text was shown")
        row["state"] = "rejected" if params["action"] == "deny" else "approved"
        return {
            "decision_id": "dec_1",
            "approval_id": row["approval_id"],
            "run_id": params["run_id"],
            "action": params["action"],
            "option": params.get("option"),
            "payload_sha256": params["payload_sha256"],
            "decided_by": "tester",
            "decided_at": NOW,
            "state": row["state"],
        }

    def _command(self, kind: str, params: dict[str, Any]) -> dict[str, Any]:
        self._session(params["session_id"])
        return {
            "command_id": "cmd_1",
            "session_id": params["session_id"],
            "run_id": "run_of_ses_1",
            "kind": kind,
            "state": "pending",
            "created_at": NOW,
            "text": params.get("text"),
        }


class InThread:
    """A scripted server on a thread of its own, for tests that wait for another process."""

    def __init__(self, places: Places) -> None:
        self.server = ScriptedServer(places)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def do(self, work: Callable[[ScriptedServer], Any]) -> Any:
        """Run `work(server)` on the server's thread, await what it returns, and return that."""

        async def call() -> Any:
            result = work(self.server)
            return await result if asyncio.iscoroutine(result) else result

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(20)

    def set_state(self, state: str, **more: Any) -> None:
        """Give the first session another state and push that."""

        async def change(server: ScriptedServer) -> None:
            server.sessions[0].update(state=state, **more)
            await server.changed()

        self.do(change)

    def add_events(self, *events: dict[str, Any]) -> None:
        """Add events and push that."""

        async def change(server: ScriptedServer) -> None:
            server.events.extend(events)
            await server.changed()

        self.do(change)


@contextlib.contextmanager
def in_thread(places: Places) -> Iterator[InThread]:
    """Serve `places` from a thread inside the `with` block."""
    running = InThread(places)
    running._thread.start()
    running.do(ScriptedServer.start)
    try:
        yield running
    finally:
        running.do(ScriptedServer.stop)
        running._loop.call_soon_threadsafe(running._loop.stop)
        running._thread.join()
        running._loop.close()
