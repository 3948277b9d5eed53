"""Our own messages, each made a Send with the id that the conversation gives it."""

from typing import Any

from quarterdeck.agents.acp.facts import Send
from quarterdeck.rpc import message
from quarterdeck.rpc.message import Id
from quarterdeck.rpc.peer import Peer


class Outgoing:
    """The speaking side of a conversation."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    def call(self, method: str, params: Any, command_id: str | None = None) -> Send:
        """Return a call under the next id."""
        call_id, line = self.peer.call(method, params)
        return Send(line, method, call_id, "call", command_id)

    def notify(self, method: str, params: Any) -> Send:
        """Return a notification."""
        return Send(message.notification(method, params), method, None, "notification")

    def owes(self, request_id: Id) -> bool:
        """Tell whether a request of the agent has no answer yet."""
        return request_id in self.peer.owed

    def answer(self, request_id: Id, result: Any) -> Send:
        """Return the answer to an open request."""
        return Send(self.peer.answer(request_id, result), None, request_id, "answer")

    def refuse(self, request_id: Id, code: int, text: str) -> Send:
        """Return an error as the answer to an open request."""
        return Send(self.peer.refuse(request_id, code, text), None, request_id, "answer")
