"""The ACP driver of one run: the agent's lines in, facts out.

It does no I/O and knows no clock. All it remembers is in `to_state`, so that a supervisor that
comes back after a crash goes on as if it had never been away (DESIGN §4).
"""

from collections.abc import Callable, Sequence
from typing import Any

from quarterdeck.agents.acp import (
    asking,
    elicitation,
    handshake,
    noise,
    permissions,
    requests,
    settings,
    turns,
    updates,
)
from quarterdeck.agents.acp.facts import (
    Event,
    Fact,
    FileAsked,
    TerminalAsked,
    Via,
    failure,
    kept,
)
from quarterdeck.agents.acp.hostile_input import nested_too_deep, shown
from quarterdeck.agents.acp.outgoing import Outgoing
from quarterdeck.agents.acp.plain_chunks import Chunks, PlainChunks
from quarterdeck.agents.acp.state import Phase, State
from quarterdeck.model.states import Action
from quarterdeck.rpc import message
from quarterdeck.rpc.message import Id, Invalid, Notification, Request
from quarterdeck.rpc.peer import Answer, Incoming, Peer, Stray

CANCEL_REQUEST = "$/cancel_request"
OWED_LIMIT = 1024
"""Requests of one agent that may be unanswered at a time."""

_ANSWERED: dict[str, Callable[[State, Outgoing, Answer], list[Fact]]] = {
    handshake.INITIALIZE: handshake.greeted,
    **dict.fromkeys(handshake.OPENING.values(), handshake.opened),
    **dict.fromkeys(settings.METHODS, settings.answered),
    turns.PROMPT: turns.answered,
}


class AcpDriver:
    """One conversation with one agent process."""

    def __init__(self, state: State, peer: Peer) -> None:
        """Go on with a conversation; `start` begins one and `from_state` takes one up again."""
        self._state = state
        self._peer = peer
        self._out = Outgoing(peer)
        self._dirty = True
        self._plain = PlainChunks(self._text_chunk)
        self._plain_in: str | None = None
        """The session whose chunks those are."""

    @classmethod
    def start(
        cls,
        *,
        cwd: str,
        via: Via,
        agent_session_id: str | None = None,
        mode: str | None = None,
        keep_replay: bool = False,
    ) -> tuple["AcpDriver", list[Fact]]:
        """Begin the handshake (R3).

        Args:
            cwd: The session's directory, absolute.
            via: `new`; `load`; `resume`, which falls back to load; or `fork`, which falls back to
                new.
            agent_session_id: The agent's own id of the session, for all but new.
            mode: Set by session/set_mode once the session is open; None leaves the agent's own.
            keep_replay: Make events of the history that a load replays; else it is only counted.

        Raises:
            ValueError: Load, resume or fork without a session id.
        """
        if via != "new" and not agent_session_id:
            raise ValueError(f"{via} needs the agent's session id")
        state = State(cwd, via, mode, keep_replay)
        state.session_id = agent_session_id if via in ("load", "resume") else None
        state.fork_of = agent_session_id if via == "fork" else None
        driver = cls(state, Peer())
        return driver, [handshake.begin(driver._out)]

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "AcpDriver":
        """Take a conversation up again from what `to_state` returned, also after a way as JSON."""
        peer = state["peer"]
        driver = cls(
            State.from_json(state["conversation"]),
            Peer(next_id=peer["next_id"], asked=dict(peer["asked"]), owed=peer["owed"]),
        )
        driver._dirty = False
        return driver

    def to_state(self, *, hide: Callable[[Any], Any] | None = None) -> dict[str, Any]:
        """Return all that is remembered as a JSON-able dict, to be written before the next line.

        Args:
            hide: Redacts what is remembered of tool calls, usage and mode, once no turn and no
                question needs their exact text.
        """
        self._dirty = False
        conversation = self._state.to_json()
        if hide is not None and not self._state.turn and not self._state.permissions:
            for name in ("tools", "usage", "mode"):
                conversation[name] = hide(conversation[name])
        return {
            "peer": {
                "next_id": self._peer.next_id,
                "asked": [[call_id, method] for call_id, method in self._peer.asked.items()],
                "owed": sorted(self._peer.owed, key=repr),
            },
            "conversation": conversation,
        }

    @property
    def dirty(self) -> bool:
        """Whether the state may have changed since `to_state`; plain text chunks change nothing."""
        return self._dirty

    @property
    def ready(self) -> bool:
        """Whether the handshake is done."""
        return self._state.phase is Phase.READY

    @property
    def prompting(self) -> str | None:
        """The command whose prompt is open."""
        return self._state.turn.command_id if self._state.turn else None

    def receive(self, line: bytes, cut: bool = False) -> list[Fact]:
        """Take one line of the agent's stdout and return what it means; never raises.

        Args:
            line: The line without its newline.
            cut: Whether it was over the limit and is not whole.
        """
        incoming = self._peer.receive(line, cut=cut)
        if isinstance(incoming, Notification) and incoming.method == updates.METHOD:
            event = updates.text_chunk(self._state, incoming.params)
            if event is not None:
                if self._plain_in != self._state.session_id:
                    self._plain.forget()
                    self._plain_in = self._state.session_id
                if not cut:
                    self._plain.saw(line, event)
                return [event]
        self._dirty = True
        if isinstance(incoming, Invalid):
            return noise.heard(self._state, self._out, incoming)
        try:
            return self._understood(incoming, line)
        except Exception as error:
            return self._not_understood(incoming, line, error)

    def receive_chunks(self, data: bytes, start: int) -> Chunks | None:
        """Take the text chunks that stand in a row, with what `receive` would return for each.

        Args:
            data: Bytes of the agent's stdout.
            start: Where a line begins in them.

        Returns:
            None if that line is to be given to `receive`.
        """
        if self._state.replaying or self._plain_in != self._state.session_id:
            return None
        return self._plain.read(data, start)

    def prompt(
        self, command_id: str, text: str, images: Sequence[tuple[str, str]] = ()
    ) -> list[Fact]:
        """Send a prompt; its end comes as TurnEnded with this command id.

        Args:
            command_id: The command that the prompt is.
            text: What the agent is to do.
            images: Type and base64 of images, for an agent that takes them.

        Raises:
            ValueError: The session is not open, a prompt is, or the text is blank: an empty
                prompt wedges some agents for good.
        """
        if not text.strip():
            raise ValueError("an empty prompt")
        self._require_ready()
        if self._state.turn is not None:
            raise ValueError(f"the prompt of {self._state.turn.command_id} is open")
        self._dirty = True
        return [turns.prompt(self._state, self._out, command_id, text, images)]

    def cancel(self) -> list[Fact]:
        """End the open turn: session/cancel, and `cancelled` for every open permission (R8).

        Doing it again changes nothing, and so does cancelling when nothing is open.
        """
        self._dirty = True
        return turns.cancel(self._state, self._out)

    def answer_permission(
        self, request_id: Id, action: Action, reason: str | None = None
    ) -> list[Fact]:
        """Answer a permission request by the kind of its options (C5); a form is declined.

        Args:
            request_id: The agent's id of the request.
            action: Approve, deny or abort.
            reason: Told beside the answer, for agents that look at it.

        Returns:
            The answer to send; nothing if the request is not open any more. Abort also cancels
            the turn. An error event tells of an option that reaches further than what was decided.
        """
        if request_id not in self._state.permissions:
            return []
        self._dirty = True
        facts = asking.decided(self._state, self._out, request_id, action, reason)
        if action is Action.ABORT:
            facts += turns.cancel(self._state, self._out, always=True)
        return facts

    def answer(self, request_id: Id, result: Any) -> list[Fact]:
        """Answer a file or terminal request, or a form; nothing if it is not open any more."""
        if not self._settles(request_id):
            return []
        return [self._out.answer(request_id, result)]

    def refuse(self, request_id: Id, code: int, text: str) -> list[Fact]:
        """Answer a request with an error; nothing to send if it is not open any more."""
        if not self._settles(request_id):
            return []
        return [self._out.refuse(request_id, code, text)]

    def set_mode(self, mode: str, command_id: str | None = None) -> list[Fact]:
        """Ask for another session mode; the answer to a command's comes as SettingAnswered.

        Raises:
            ValueError: The session is not open.
        """
        self._require_ready()
        self._dirty = True
        return [settings.ask_mode(self._state, self._out, mode, command_id)]

    def set_model(self, model: str, command_id: str | None = None) -> list[Fact]:
        """Ask for another model.

        Raises:
            ValueError: The session is not open, or the agent has no way to choose a model.
        """
        self._require_ready()
        self._dirty = True
        return [settings.ask_model(self._state, self._out, model, command_id)]

    def _text_chunk(self, line: bytes) -> Event | None:
        read = message.parse(line)
        if not isinstance(read, Notification) or read.method != updates.METHOD:
            return None
        return updates.text_chunk(self._state, read.params)

    def _settles(self, request_id: Id) -> bool:
        """Tell whether an answer now settles a request; a permission is not open any more then."""
        if not self._out.owes(request_id):
            return False
        self._dirty = True
        self._state.permissions.pop(request_id, None)
        return True

    def _require_ready(self) -> None:
        if not self.ready:
            raise ValueError(f"the session is not open: {self._state.phase.value}")

    def _understood(self, incoming: Incoming, line: bytes) -> list[Fact]:
        if _is_too_deep(incoming, line):
            return self._too_deep(incoming, line)
        if isinstance(incoming, Request):
            return self._request(incoming)
        if isinstance(incoming, Notification):
            return self._notification(incoming)
        if isinstance(incoming, Answer):
            return _ANSWERED[incoming.method](self._state, self._out, incoming)
        return [failure("an answer to no call of ours", "answer", raw=shown(line))]

    def _not_understood(self, incoming: Incoming, line: bytes, error: Exception) -> list[Fact]:
        """Tell of a fault of this driver, so that one line cannot stop the whole run."""
        told = f"a line could not be handled: {type(error).__name__}"
        facts: list[Fact] = [failure(told, "driver", raw=shown(line))]
        if isinstance(incoming, Request):
            facts += self.refuse(incoming.id, message.INTERNAL_ERROR, "not handled")
        if isinstance(incoming, Answer) and incoming.method == turns.PROMPT:
            facts += turns.ended(self._state, self._out, error=told)
        return facts

    def _too_deep(self, incoming: Incoming, line: bytes) -> list[Fact]:
        """Handle a message without its deep content, which neither store nor client could hold."""
        told = "a message nested too deep"
        facts: list[Fact] = [failure(told, "stdout", raw=shown(line))]
        if isinstance(incoming, Request):
            facts += self.refuse(incoming.id, message.INVALID_REQUEST, told)
        elif isinstance(incoming, Answer):
            error = {"code": message.INTERNAL_ERROR, "message": told}
            short = Answer(incoming.id, incoming.method, None, error)
            facts += _ANSWERED[incoming.method](self._state, self._out, short)
        return facts

    def _notification(self, incoming: Notification) -> list[Fact]:
        method, params = incoming.method, incoming.params
        if method == CANCEL_REQUEST:
            return [kept(method, params), *asking.taken_back(self._state, self._out, params)]
        if method != updates.METHOD:
            return [kept(method, params)]
        session_id = params.get("sessionId") if isinstance(params, dict) else None
        if not isinstance(session_id, str):
            return [failure("an update without a session id", method), kept(method, params)]
        if self._state.is_foreign(session_id):
            return [kept(method, params, "for another session")]
        return updates.facts_of(self._state, params)

    def _request(self, request: Request) -> list[Fact]:
        method, params = request.method, request.params
        if method == asking.METHOD:
            fault, usable = permissions.problem(params)
            if usable:
                return asking.asked(self._state, self._out, request.id, params, fault)
            return self._invalid_params(request, fault)
        if method == elicitation.METHOD:
            return elicitation.asked(self._state, self._out, request.id, params)
        if len(self._peer.owed) > OWED_LIMIT:
            told = f"{OWED_LIMIT} requests have no answer yet"
            refusal = self._out.refuse(request.id, message.INTERNAL_ERROR, told)
            return [failure(told, method[:200]), refusal]
        if method not in requests.FILES and method not in requests.TERMINALS:
            told = f"this client has no method {method[:200]!r}"
            refusal = self._out.refuse(request.id, message.METHOD_NOT_FOUND, told)
            return [kept(method, params, "refused: unknown method"), refusal]
        fault = requests.problem(method, params)
        if fault is not None:
            return self._invalid_params(request, fault)
        if self._state.is_foreign(params["sessionId"]):
            refusal = self._out.refuse(request.id, message.INVALID_PARAMS, "not the open session")
            return [kept(method, params, "refused: for another session"), refusal]
        return [self._file(request) if method in requests.FILES else self._terminal(request)]

    def _file(self, request: Request) -> FileAsked:
        asked = requests.file_asked(request.id, request.method, request.params)
        if self._state.turn is not None and asked.op == "write":
            self._state.turn.wrote = True
        return asked

    def _terminal(self, request: Request) -> TerminalAsked:
        asked = requests.terminal_asked(request.id, request.method, request.params)
        if self._state.turn is not None and asked.op == "create":
            self._state.turn.ran = True
        return asked

    def _invalid_params(self, request: Request, fault: str | None) -> list[Fact]:
        told = fault or "not usable"
        return [
            failure(told, request.method, code=message.INVALID_PARAMS),
            kept(request.method, request.params),
            self._out.refuse(request.id, message.INVALID_PARAMS, told),
        ]


def _is_too_deep(incoming: Incoming, line: bytes) -> bool:
    if isinstance(incoming, Request | Notification):
        return nested_too_deep(line, incoming.params)
    if isinstance(incoming, Answer | Stray):
        return nested_too_deep(line, incoming.result, incoming.error)
    return False
