"""`Deck`: everything a client can do, over one connection to the supervisor.

Holds no state that matters. A reply to a write means it is committed. Pushes only say that
something changed; whoever shows something fetches it again (DESIGN §1).
"""

import asyncio
import socket
from collections.abc import Callable, Iterable
from typing import Any, Self

from quarterdeck import __version__
from quarterdeck.client.event_finding import EventFindingCalls
from quarterdeck.client.gates import GateCalls
from quarterdeck.client.link import open_link
from quarterdeck.client.policy import PolicyCalls
from quarterdeck.client.prompting import PromptingCalls
from quarterdeck.client.recovery import RecoveryCalls
from quarterdeck.client.runners import RunnerCalls
from quarterdeck.client.search import SearchCalls
from quarterdeck.client.steering import SteeringCalls
from quarterdeck.client.store import StoreCalls
from quarterdeck.client.threads import ThreadCalls
from quarterdeck.client.transfer import TransferCalls
from quarterdeck.client.usage import UsageCalls
from quarterdeck.client.worktree import WorktreeCalls
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.failpoints import failpoint
from quarterdeck.model.places import Places
from quarterdeck.model.records import (
    ApprovalView,
    CommandView,
    DecisionView,
    EventView,
    RunView,
    SessionView,
)
from quarterdeck.rpc import protocol
from quarterdeck.rpc.connection import Connection

GREETINGS = 5
"""How often a supervisor that goes away while it is greeted is looked for again."""
_GOING = ("unreachable", "shutting_down")


class Deck(
    PolicyCalls,
    RecoveryCalls,
    SearchCalls,
    StoreCalls,
    TransferCalls,
    UsageCalls,
    ThreadCalls,
    SteeringCalls,
    RunnerCalls,
    PromptingCalls,
    WorktreeCalls,
    EventFindingCalls,
    GateCalls,
):
    """A connected client. Every method may raise QuarterdeckError."""

    def __init__(self, connection: Connection, running: "asyncio.Task[None]") -> None:
        self._connection = connection
        self._running = running
        self.hello: dict[str, Any] = {}

    @classmethod
    async def connect(
        cls,
        places: Places,
        *,
        reader: str,
        client: str,
        start: bool = True,
        on_change: Callable[[int], None] | None = None,
    ) -> Self:
        """Connect, starting a detached supervisor first if none runs and `start` is set.

        Args:
            places: Which state directory's supervisor.
            reader: Whose read marks count (A9).
            client: What this program calls itself, for decisions and the log.
            start: Whether to start a supervisor on demand.
            on_change: Called with the store's change number after every push; turns pushes on.

        Raises:
            QuarterdeckError: There is none and none can be started, or it speaks a newer protocol.
        """

        def hear(method: str, params: Any) -> None:
            if method == "changed" and on_change is not None:
                on_change(params["change"])

        introduction = {
            "client": client,
            "version": __version__,
            "reader": reader,
            "host": socket.gethostname(),
            "watch": on_change is not None,
        }
        for left in reversed(range(GREETINGS if start else 1)):
            stream_reader, stream_writer = await open_link(places, start=start)
            connection = Connection(stream_reader, stream_writer, hear=hear)
            deck = cls(connection, asyncio.create_task(connection.run()))
            try:
                deck.hello = await connection.call("hello", introduction)
                protocol.check(deck.hello)
            except BaseException as error:
                await deck.close()
                going = isinstance(error, QuarterdeckError) and error.code in _GOING
                if not going or not left:
                    raise
            else:
                return deck
        raise AssertionError("the last greeting returns or raises")

    async def wait_closed(self) -> None:
        """Return when the supervisor went away or the deck was closed."""
        await asyncio.shield(self._running)

    async def close(self) -> None:
        """Leave; nothing of the supervisor's stops."""
        await self._connection.close()
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def call(self, method: str, **params: Any) -> Any:
        """Make one call of the protocol by its name, leaving out parameters that are None."""
        given = {key: value for key, value in params.items() if value is not None}
        return await self._connection.call(method, given)

    async def status(self) -> dict[str, Any]:
        """Return what runs, on which store, what it recovered and how many need what (A14)."""
        return await self.call("status")

    async def agents(self) -> list[dict[str, Any]]:
        """Return the agent profiles: `{"name", "command", "protocol", "found", "env_names"}`."""
        return (await self.call("agent.list"))["agents"]

    async def sessions(
        self,
        *,
        state: str | None = None,
        agent: str | None = None,
        project: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> tuple[list[SessionView], str | None]:
        """Return a page of sessions in attention order and the cursor of the next (A10).

        Args:
            state: `default` (all but read, and what is pinned), waiting, failed, running, unread,
                terminal, idle, all; archived and deleted show what no other list does.
            agent: Only sessions of this profile.
            project: Only sessions of this project.
            cursor: From the page before.
            limit: 1 to 100 rows.
        """
        page = await self.call(
            "session.list", state=state, agent=agent, project=project, cursor=cursor, limit=limit
        )
        return SessionView.from_table(page["sessions"]), page["cursor"]

    async def session(self, session_id: str) -> SessionView:
        """Return one session; a unique beginning or end of its id is enough everywhere."""
        return SessionView.from_wire(await self.call("session.get", session_id=session_id))

    async def runs(self, session_id: str) -> list[RunView]:
        """Return a session's runs, oldest first."""
        answer = await self.call("session.runs", session_id=session_id)
        return [RunView.from_wire(row) for row in answer["runs"]]

    async def commands(self, session_id: str, *, limit: int = 100) -> list[CommandView]:
        """Return a session's last commands, newest last; at most 100 (A3)."""
        answer = await self.call("session.commands", session_id=session_id, limit=limit)
        return [CommandView.from_wire(row) for row in answer["commands"]]

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
        """Return a page of one run's trace or output (A3, A11).

        Args:
            session_id: The session.
            run_id: Default: the active run, else the last one.
            after_seq: Events with a greater seq follow.
            limit: 1 to 500 rows.
            output: Only what A11 calls output; the cursor then says how far was looked.
            types: Only events of these types, at least one; the cursor is as for `output`.

        Returns:
            The run's id (None if the session has no run), the events, the last seq examined.
        """
        page = await self.call(
            "event.list",
            session_id=session_id,
            run_id=run_id,
            after_seq=after_seq,
            limit=limit,
            output=output,
            types=None if types is None else sorted(types),
        )
        rows = [EventView.from_wire(row) for row in page["events"]]
        return page["run_id"], rows, page["cursor"]

    async def approvals(self, session_id: str | None = None) -> list[ApprovalView]:
        """Return the open approvals, oldest first."""
        answer = await self.call("approval.list", session_id=session_id)
        return [ApprovalView.from_wire(row) for row in answer["approvals"]]

    async def approval(self, approval_id: str) -> ApprovalView:
        """Return one approval, open or settled."""
        return ApprovalView.from_wire(await self.call("approval.get", approval_id=approval_id))

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
        """Decide an approval as it was shown (DESIGN §4).

        Args:
            approval_id: Which one.
            run_id: The run it was shown for.
            payload_sha256: Hash of the payload that was on screen.
            action: approve, approve_session, approve_always, deny or abort; of a network host
                also deny_session and deny_always.
            token: Made once per key press, kept over retries: makes them harmless.
            option: For recoveries: resume, restart or abandon.
            reason: For the agent, where it can take one, and for the record.
            prefix: With approve_always: the proposed prefix as the person left it, for a shell.
            content: To approve a form: what was filled in, by the names of its fields.

        Raises:
            QuarterdeckError: `stale`, `not_pending`, `unknown_approval`, `invalid_option`,
                `form_invalid`.
        """
        failpoint("client.decide.before")
        answer = await self.call(
            "approval.decide",
            approval_id=approval_id,
            run_id=run_id,
            payload_sha256=payload_sha256,
            action=action,
            token=token,
            option=option,
            reason=reason,
            prefix=prefix,
            content=content,
        )
        failpoint("client.decide.after")
        return DecisionView.from_wire(answer)

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
        """Create a session and send its first prompt; `{"session_id", "run_id", "command_id"}`.

        Args:
            agent: Name of an agent profile.
            cwd: The session's directory, absolute.
            prompt: The first turn; must not be empty.
            env: This client's values of the variables the profile names.
            title: Shown in lists; made from the prompt if missing (A7).
            wait: Return only once the agent answered its handshake, or raise
                `agent_startup_failed` (R4). Else return after COMMIT.
            key: Idempotency key (A4).
            bundle: What the run works with, by names: repository, commit, prompts, skills,
                credential (A6).
            approval_mode: ask_all, normal (default), trusted or read_only.
            described: What is said of it from the beginning, see `describe`; without a title,
                one among the metadata is its title (A7).
        """
        return await self.call(
            "session.new",
            agent=agent,
            cwd=cwd,
            prompt=prompt,
            env=env,
            title=title,
            wait=wait,
            key=key,
            bundle=bundle,
            approval_mode=approval_mode,
            **described,
        )

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
        """Send a prompt; queued while a turn runs, and starts a run where none is live (R6).

        Args:
            session_id: The session.
            text: The prompt.
            run_id: If given, the run that must be the active one.
            env: This client's values of the variables the profile names.
            key: Idempotency key (A4).
            interrupt: End the running turn and go out next, before what is queued.
            project: If given, the project the session must be of (A6).
            agent: If given, the agent profile the session must have (A6).
            images: Type (image/png, image/jpeg, image/gif or image/webp) and base64 of each, for
                an agent that takes them; 5 MB in all, at most ten.
        """
        told = images and [{"mime_type": kind, "data": data} for kind, data in images]
        answer = await self.call(
            "session.send",
            session_id=session_id,
            text=text,
            run_id=run_id,
            env=env,
            key=key,
            interrupt=interrupt,
            project=project,
            agent=agent,
            images=told or None,
        )
        return CommandView.from_wire(answer)

    async def cancel(self, session_id: str, *, run_id: str | None = None) -> CommandView:
        """End the running turn, or the start; the agent stays alive (R8)."""
        answer = await self.call("session.cancel", session_id=session_id, run_id=run_id)
        return CommandView.from_wire(answer)

    async def cancel_all(self) -> dict[str, Any]:
        """End every turn and start and take back every waiting prompt; agents stay alive.

        Returns:
            `{"sessions", "taken_back", "failed"}`: the ids of those that were ended, how many
            prompts were taken back, and what could not be stopped, each with code and message.
        """
        return await self.call("session.cancel_all")

    async def close_session(self, session_id: str) -> CommandView:
        """End the session's run on purpose."""
        return CommandView.from_wire(await self.call("session.close", session_id=session_id))

    async def mark_read(self, session_id: str, version: int) -> None:
        """Store that this reader saw the session at `version` (A9)."""
        await self.call("session.mark_read", session_id=session_id, version=version)

    async def down(self, *, agents: bool = False) -> dict[str, Any]:
        """Ask the supervisor to drain and end; with `agents`, to end all runs first (V6)."""
        return await self.call("supervisor.down", agents=agents)
