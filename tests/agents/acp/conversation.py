"""A conversation with a made-up agent, held line by line."""

import json
from typing import Any, TypeVar

from quarterdeck.agents.acp.driver import AcpDriver
from quarterdeck.agents.acp.facts import Event, Fact, Send, Via
from quarterdeck.model.event_types import EventType

CWD = "/home/me/project"
SESSION = "agent-session"
F = TypeVar("F")

ONCE = {"optionId": "o", "name": "Once", "kind": "allow_once"}
ALWAYS = {"optionId": "a", "name": "Always", "kind": "allow_always"}
NO = {"optionId": "n", "name": "No", "kind": "reject_once"}
NEVER = {"optionId": "v", "name": "Never", "kind": "reject_always"}


class Conversation:
    """The agent's side as methods, the driver's facts as results."""

    def __init__(
        self,
        via: Via = "new",
        *,
        session: str | None = None,
        mode: str | None = None,
        keep_replay: bool = False,
    ) -> None:
        self.driver, facts = AcpDriver.start(
            cwd=CWD, via=via, agent_session_id=session, mode=mode, keep_replay=keep_replay
        )
        self.last_call = sent(facts)[0]["id"]

    def say(self, message: Any) -> list[Fact]:
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        facts = self.driver.receive(line)
        for message in sent(facts):
            if "method" in message and "id" in message:
                self.last_call = message["id"]
        return facts

    def result(self, result: Any, call_id: Any = None) -> list[Fact]:
        return self.say({"jsonrpc": "2.0", "id": call_id or self.last_call, "result": result})

    def error(self, code: int, text: str, data: Any = None) -> list[Fact]:
        error = {"code": code, "message": text, "data": data}
        return self.say({"jsonrpc": "2.0", "id": self.last_call, "error": error})

    def notify(self, method: str, params: Any) -> list[Fact]:
        return self.say({"jsonrpc": "2.0", "method": method, "params": params})

    def request(self, request_id: Any, method: str, params: Any) -> list[Fact]:
        message = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
        return self.say(message)

    def update(self, kind: str, /, **members: Any) -> list[Fact]:
        update = {"sessionUpdate": kind, **members}
        return self.notify("session/update", {"sessionId": SESSION, "update": update})

    def says(self, text: str) -> list[Fact]:
        return self.update("agent_message_chunk", content={"type": "text", "text": text})

    def ask(self, request_id: Any = 0, options: list[Any] | None = None, **call: Any) -> list[Fact]:
        options = [ONCE, ALWAYS, NO] if options is None else options
        call = {"toolCallId": "t1", **call}
        params = {"sessionId": SESSION, "toolCall": call, "options": options}
        return self.request(request_id, "session/request_permission", params)

    def greet(self, version: Any = 1, **abilities: Any) -> list[Fact]:
        return self.result({"protocolVersion": version, "agentCapabilities": abilities})

    def prompt(self, text: str = "do it", command_id: str = "cmd_1") -> list[Fact]:
        facts = self.driver.prompt(command_id, text)
        self.last_call = sent(facts)[0]["id"]
        return facts


def opened(**more: Any) -> Conversation:
    """Return a conversation in a new session that is ready."""
    talk = Conversation(**more)
    talk.greet()
    talk.result({"sessionId": SESSION})
    return talk


def prompted(text: str = "do it", **more: Any) -> Conversation:
    """Return a conversation with an open prompt."""
    talk = opened(**more)
    talk.prompt(text)
    return talk


def sent(facts: list[Fact]) -> list[dict[str, Any]]:
    """Return the messages the facts send, decoded."""
    return [json.loads(fact.line) for fact in facts if isinstance(fact, Send)]


def of(facts: list[Fact], kind: type[F]) -> list[F]:
    return [fact for fact in facts if isinstance(fact, kind)]


def events(facts: list[Fact], kind: EventType | None = None) -> list[dict[str, Any]]:
    found = of(facts, Event)
    return [event.payload for event in found if kind is None or event.type is kind]


def kinds(facts: list[Fact]) -> list[EventType]:
    return [event.type for event in of(facts, Event)]
