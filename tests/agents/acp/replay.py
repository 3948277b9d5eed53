"""Play a recorded conversation of a real agent against the driver."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from quarterdeck.agents.acp.driver import AcpDriver
from quarterdeck.agents.acp.facts import (
    Event,
    Fact,
    PermissionAsked,
    Ready,
    Send,
    Via,
)
from quarterdeck.model.event_types import EventType
from quarterdeck.model.states import Action

FOLDER = Path(__file__).parent / "transcripts"
TRANSCRIPTS = sorted(path.stem for path in FOLDER.glob("*.jsonl"))
_VIA: dict[str, Via] = {
    "session/new": "new",
    "session/load": "load",
    "session/resume": "resume",
}
_ACTIONS = {
    "allow_once": Action.APPROVE,
    "allow_always": Action.APPROVE,
    "reject_once": Action.DENY,
    "reject_always": Action.DENY,
}
_FOREIGN = 10_000
"""Added to the ids of recorded calls that the driver has no door for."""

F = TypeVar("F")
Doer = Callable[[AcpDriver], list[Fact]]


def processes(name: str) -> list[list[dict[str, Any]]]:
    """Return the recorded lines of each process that was greeted and opened a session."""
    lines = [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text().splitlines()]
    numbers = sorted({line["p"] for line in lines})
    split = [[line for line in lines if line["p"] == number] for number in numbers]
    return [run for run in split if run[0]["msg"].get("method") == "initialize" and _opening(run)]


def _opening(lines: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the call that opened the session which the recorded client then prompted."""
    found = None
    for line in lines:
        if line["msg"].get("method") == "session/prompt":
            break
        if line["dir"] == "c>a" and line["msg"].get("method") in _VIA:
            found = line["msg"]
    return found


class Kept:
    """A driver that lives on."""

    def __init__(self, driver: AcpDriver) -> None:
        self.driver = driver

    def do(self, act: Doer) -> list[Fact]:
        return act(self.driver)


class Rebuilt(Kept):
    """A driver that is built anew before every act, from the state it asked to be stored."""

    def __init__(self, driver: AcpDriver) -> None:
        super().__init__(driver)
        self.stored = json.dumps(driver.to_state())

    def do(self, act: Doer) -> list[Fact]:
        driver = AcpDriver.from_state(json.loads(self.stored))
        facts = act(driver)
        if driver.dirty:
            self.stored = json.dumps(driver.to_state())
        return facts


@dataclass
class Replay:
    """What came of one recorded process."""

    facts: list[Fact] = field(default_factory=list)
    steps: list[list[Fact]] = field(default_factory=list)
    chosen: list[tuple[str, str]] = field(default_factory=list)
    """Option ids: the recorded one and the driver's, where both chose by kind."""

    def of(self, kind: type[F]) -> list[F]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def events(self, kind: EventType) -> list[dict[str, Any]]:
        return [event.payload for event in self.of(Event) if event.type is kind]

    def counts(self) -> dict[str, int]:
        kinds = [event.type.value for event in self.of(Event)]
        return {kind: kinds.count(kind) for kind in sorted(set(kinds))}

    def text(self) -> str:
        return "".join(said["text"] for said in self.events(EventType.ASSISTANT_MESSAGE))

    @property
    def ready(self) -> Ready:
        return self.of(Ready)[0]


class Player:
    """Turns what the recorded client sent into calls of the driver."""

    def __init__(self, lines: list[dict[str, Any]], hold: type[Kept] = Kept) -> None:
        self.lines = lines
        self.replay = Replay()
        self.ids: dict[Any, Any] = {}
        self.asked: dict[Any, dict[str, Any]] = {}
        opening = _opening(lines)
        assert opening is not None
        params = opening["params"]
        self.opening = opening["id"]
        driver, facts = AcpDriver.start(
            cwd=params["cwd"],
            via=_VIA[opening["method"]],
            agent_session_id=params.get("sessionId"),
        )
        self.held = hold(driver)
        self.ids[1] = 1
        self._note(facts)

    def play(self) -> Replay:
        for line in self.lines[1:]:
            (self._agent if line["dir"] == "a>c" else self._client)(line["msg"])
        return self.replay

    def _note(self, facts: Iterable[Fact]) -> list[Fact]:
        step = list(facts)
        self.replay.facts += step
        self.replay.steps.append(step)
        for fact in step:
            if isinstance(fact, Send) and fact.method in _VIA:
                self.ids[self.opening] = fact.rpc_id
        return step

    def _do(self, act: Doer) -> list[Fact]:
        return self._note(self.held.do(act))

    def _agent(self, msg: Any) -> None:
        if "method" in msg and "id" in msg:
            self.asked[msg["id"]] = msg
        if "method" not in msg and "id" in msg:
            own = self.ids.get(msg["id"])
            msg = {**msg, "id": own if own is not None else _FOREIGN + len(self.replay.steps)}
        line = json.dumps(msg).encode()
        self._do(lambda driver: driver.receive(line))

    def _client(self, msg: Any) -> None:
        method, params = msg.get("method"), msg.get("params", {})
        if method == "session/prompt":
            self._prompt(msg["id"], params)
        elif method == "session/cancel":
            self._do(lambda driver: driver.cancel())
        elif method == "session/set_mode" and self.replay.of(Ready):
            facts = self._do(lambda driver: driver.set_mode(params["modeId"]))
            self.ids[msg["id"]] = _sent(facts).rpc_id
        elif method is None and "id" in msg and msg["id"] in self.asked:
            self._answer(msg)

    def _prompt(self, recorded_id: Any, params: dict[str, Any]) -> None:
        text = "".join(block["text"] for block in params.get("prompt", []))
        opened = [ready.agent_session_id for ready in self.replay.of(Ready)]
        if text and params["sessionId"] in opened:
            command = f"cmd_{recorded_id}"
            facts = self._do(
                lambda driver: [] if driver.prompting else driver.prompt(command, text)
            )
            if facts:
                self.ids[recorded_id] = _sent(facts).rpc_id

    def _answer(self, msg: dict[str, Any]) -> None:
        request = self.asked.pop(msg["id"])
        outcome = msg.get("result", {}).get("outcome", {})
        options = request["params"].get("options", [])
        kinds = {option["optionId"]: option["kind"] for option in options}
        recorded = outcome.get("optionId")
        if recorded in kinds:
            action = _ACTIONS[kinds[recorded]]
            facts = self._do(lambda driver: driver.answer_permission(msg["id"], action))
            own = json.loads(_sent(facts).line)["result"]["outcome"]["optionId"]
            self.replay.chosen.append((recorded, own))
        elif "error" in msg:
            error = msg["error"]
            self._do(lambda driver: driver.refuse(msg["id"], error["code"], error["message"]))
        else:
            self._do(lambda driver: driver.answer_permission(msg["id"], Action.DENY))


def replays(name: str, hold: type[Kept] = Kept) -> list[Replay]:
    """Play every process of a transcript."""
    return [Player(lines, hold).play() for lines in processes(name)]


def every_permission() -> list[tuple[str, PermissionAsked]]:
    """Return every permission asked in any transcript, with the transcript's name."""
    return [
        (name, asked)
        for name in TRANSCRIPTS
        for replay in replays(name)
        for asked in replay.of(PermissionAsked)
    ]


def _sent(facts: list[Fact]) -> Send:
    return next(fact for fact in facts if isinstance(fact, Send))
