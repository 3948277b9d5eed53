"""Agents that speak ACP, and do by chance what agents do: ask, withdraw, repeat, hang, die."""

import asyncio
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.simulation.clockwork import Process

if TYPE_CHECKING:
    from tests.simulation.keepers import Keeper
    from tests.simulation.world import World

THINKING = (0.0, 0.001, 0.005, 0.02, 0.1, 0.4)
OPTIONS = [
    {"optionId": "yes", "name": "Allow", "kind": "allow_once"},
    {"optionId": "no", "name": "Reject", "kind": "reject_once"},
]


class Agent:
    """One agent process; what it gets and says is kept for the checks."""

    def __init__(self, world: "World", keeper: "Keeper") -> None:
        self.world, self.keeper = world, keeper
        self.process = Process(world.loop, f"agent-{keeper.process.name}")
        self.inbox: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.session = ""
        self.prompts: list[str] = []
        """The texts of the prompts it got."""
        self.asked: dict[int, str] = {}
        """Its permission requests: the command by request id."""
        self.answers: dict[int, list[Any]] = {}
        self.reading: set[int] = set()
        """Its requests for a file that have no answer."""
        self.turn_open = False
        self._called: set[int] = set()
        self._sent: Counter[int] = Counter()
        """How often it sent each request of its own."""
        self._answered: dict[int, asyncio.Event] = {}
        self._cancelled = asyncio.Event()
        self._next_id = 0
        self._said = 0
        self.process.start(self._listen())

    def end_of_input(self) -> None:
        """Its stdin is at its end."""
        self.inbox.put_nowait(None)

    @property
    def _wild(self) -> bool:
        """Whether it may misbehave: not in the calm at the end."""
        return not self.world.calm

    def _chance(self, of: float) -> bool:
        return self.world.rng.random() < of

    async def _think(self) -> None:
        await asyncio.sleep(self.world.rng.choice(THINKING))

    async def _listen(self) -> None:
        while (lines := await self.inbox.get()) is not None:
            for line in lines.splitlines():
                await self._take(json.loads(line))
        if not (self._wild and self._chance(0.1)):  # else it ignores the end of its input
            await self._think()
            self._exit(0)

    def _exit(self, code: int) -> None:
        self.process.dead = True
        self.keeper.process.soon(self.keeper.agent_ended, code)

    def _write(self, message: dict[str, Any]) -> None:
        line = json.dumps({"jsonrpc": "2.0", **message}) + "\n"
        self.keeper.take(line.encode())

    def _update(self, **update: Any) -> None:
        params = {"sessionId": self.session, "update": update}
        self._write({"method": "session/update", "params": params})

    def _say(self, text: str) -> None:
        self._update(sessionUpdate="agent_message_chunk", content={"type": "text", "text": text})

    async def _take(self, message: dict[str, Any]) -> None:
        method = message.get("method")
        if method is None:
            self._take_answer(message)
            return
        if "id" in message and message["id"] in self._called:
            self.world.violation(f"the id {message['id']} was used again in {self.keeper.run_id}")
        self._called.add(message.get("id", -1))
        if method == "session/prompt":
            text = message["params"]["prompt"][0]["text"]
            self.prompts.append(text)
            self.world.prompted(self, text)
            self.process.start(self._turn(message["id"]))
        elif method == "session/cancel":
            self._cancelled.set()
        else:
            await self._think()
            self._take_opening(method, message)

    def _take_answer(self, message: dict[str, Any]) -> None:
        request_id = message["id"]
        result = message.get("result", message.get("error"))
        self.reading.discard(request_id)
        self.answers.setdefault(request_id, []).append(result)
        if len(self.answers[request_id]) > self._sent[request_id]:
            self.world.violation(f"request {request_id} of {self.keeper.run_id} answered twice")
        if request_id in self._answered:
            self._answered[request_id].set()

    def _take_opening(self, method: str, message: dict[str, Any]) -> None:
        if self._wild and self._chance(0.03):
            self._exit(3)
            return
        if self._wild and self._chance(0.02):
            return  # it never answers
        if self._wild and self._chance(0.03):
            error = {"code": -32603, "message": "not now"}
            self._write({"id": message["id"], "error": error})
            return
        result: dict[str, Any] = {}
        if method == "initialize":
            result = {"protocolVersion": 1, "agentCapabilities": {"loadSession": True}}
        elif method == "session/new":
            self.session = f"conversation-{self.process.pid}"
            result = {"sessionId": self.session}
        elif method == "session/load":
            self.session = message["params"]["sessionId"]
            self._say("(what was said before) ")
        self._write({"id": message["id"], "result": result})

    async def _turn(self, call_id: int) -> None:
        self._cancelled.clear()
        self.turn_open = True
        for _ in range(self.world.rng.randrange(6)):
            if self._cancelled.is_set():
                break
            await self._think()
            await self._act()
        if self._wild and self._chance(0.04):
            await asyncio.Event().wait()  # it never ends this turn, not even when cancelled
        await self._think()
        stop = "cancelled" if self._cancelled.is_set() else "end_turn"
        self.turn_open = False
        self._write({"id": call_id, "result": {"stopReason": stop}})
        if self._chance(0.03):
            self._write({"id": call_id, "result": {"stopReason": stop}})

    async def _act(self) -> None:
        drawn = self.world.rng.random()
        if self.world.storm == "disk" and self._chance(0.3):
            await self._read_file()
        elif drawn < 0.40:
            self._count()
        elif drawn < 0.68:
            await self._ask()
        elif drawn < 0.72:
            self.keeper.take(b"this is no message\n")
        elif drawn < 0.75:
            self._write({"id": 10_000, "result": {}})
        elif drawn < 0.78:
            self._update(sessionUpdate="usage_update", used=10, size=100)
        elif drawn < 0.84:
            self._tool()
        elif drawn < 0.96:
            await self._read_file()
        elif self._wild and drawn < 0.98:
            self._exit(9)
        elif self._wild:
            await self._cancelled.wait()

    def _count(self) -> None:
        for _ in range(self.world.rng.choice((1, 2, 3, 15))):
            self._said += 1
            self._say(f"#{self._said} ")

    def _tool(self) -> None:
        self._update(
            sessionUpdate="tool_call", toolCallId=f"look-{self._said}", title="Look", kind="read"
        )

    async def _read_file(self) -> None:
        self._next_id += 1
        params = {"sessionId": self.session, "path": "/none/such"}
        request_id = self._next_id
        self.reading.add(request_id)
        await self._wait(request_id, "fs/read_text_file", params)

    async def _ask(self) -> None:
        self._next_id += 1
        request_id = self._next_id
        command = f"make target-{self.keeper.process.pid}-{request_id}"
        self.asked[request_id] = command
        call = {
            "toolCallId": f"call-{request_id}",
            "title": command,
            "kind": "execute",
            "rawInput": {"command": command},
        }
        params = {"sessionId": self.session, "toolCall": call, "options": OPTIONS}
        drawn = self.world.rng.random()
        if drawn < 0.1:
            self.process.start(self._wait(request_id, "session/request_permission", params))
            await self._think()
            self._write({"method": "$/cancel_request", "params": {"requestId": request_id}})
        elif drawn < 0.15:
            # It goes on, perhaps to the end of the turn, without an answer.
            self.process.start(self._wait(request_id, "session/request_permission", params))
        else:
            await self._wait(request_id, "session/request_permission", params)

    async def _wait(self, request_id: int, method: str, params: dict[str, Any]) -> None:
        self._answered[request_id] = asyncio.Event()
        message = {"id": request_id, "method": method, "params": params}
        self._sent[request_id] += 1
        self._write(message)
        if self._chance(0.02):
            self._sent[request_id] += 1
            self._write(message)  # the same id again, before its answer
        await self._answered[request_id].wait()
