"""One side of a JSON-RPC 2.0 conversation, without I/O: the same toward agents and clients.

A peer knows which calls of its own are unanswered and which of the other side's it owes an
answer. Both are plain data, so the caller can keep them in a database and build the peer
again after a restart: ids go on where they were and are never used twice (DESIGN §4).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from quarterdeck.rpc import message
from quarterdeck.rpc.message import Id, Invalid, Notification, Request


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one of our calls."""

    id: Id
    method: str
    result: Any
    error: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Stray:
    """An answer to no call of ours, or a second one: to be noted, never acted on."""

    id: Id | None
    result: Any
    error: dict[str, Any] | None


Incoming = Request | Notification | Answer | Stray | Invalid


class Peer:
    """The ids of one conversation."""

    def __init__(
        self,
        *,
        next_id: int = 1,
        asked: Mapping[Id, str] | None = None,
        owed: Iterable[Id] = (),
    ) -> None:
        """Start or continue a conversation.

        Args:
            next_id: The id of our next call.
            asked: Our unanswered calls, method by id.
            owed: Ids of the other side's requests that we have not answered.
        """
        self.next_id = next_id
        self.asked: dict[Id, str] = dict(asked or {})
        self.owed: set[Id] = set(owed)

    def receive(self, line: bytes, *, cut: bool = False) -> Incoming:
        """Tell what a line from the other side means in this conversation.

        A request whose id is still owed an answer is Invalid: answering both would give one
        question two answers.
        """
        incoming = message.parse(line, cut=cut)
        if isinstance(incoming, Request):
            if incoming.id in self.owed:
                return Invalid(f"request id {incoming.id!r} used again before its answer", line)
            self.owed.add(incoming.id)
            return incoming
        if isinstance(incoming, message.Response):
            method = None if incoming.id is None else self.asked.pop(incoming.id, None)
            if incoming.id is None or method is None:
                return Stray(incoming.id, incoming.result, incoming.error)
            return Answer(incoming.id, method, incoming.result, incoming.error)
        return incoming

    def call(self, method: str, params: Any) -> tuple[int, bytes]:
        """Write a call of ours and return its id with the line."""
        identifier = self.next_id
        self.next_id += 1
        self.asked[identifier] = method
        return identifier, message.request(identifier, method, params)

    def answer(self, identifier: Id, result: Any) -> bytes:
        """Write the answer to a request of theirs.

        Raises:
            KeyError: No such request is open: it was answered before, or never asked.
            TypeError: The result is not JSON; the answer is still owed.
        """
        line = message.answer(identifier, result)
        self.settle(identifier)
        return line

    def settle(self, identifier: Id) -> None:
        """Note that a request of theirs is answered with a line made elsewhere.

        Raises:
            KeyError: No such request is open.
        """
        self.owed.remove(identifier)

    def refuse(self, identifier: Id, code: int, text: str, data: Any = None) -> bytes:
        """Write an error as the answer to a request of theirs; raises like `answer`."""
        line = message.refusal(identifier, code, text, data)
        self.owed.remove(identifier)
        return line
