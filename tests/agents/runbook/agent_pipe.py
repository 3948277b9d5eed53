"""The real runbook agent at the other end of two pipes, spoken to in plain JSON-RPC lines."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

Message = dict[str, Any]
LIMIT_SECONDS = 60.0


class AgentPipe:
    """One agent process; everything it says is kept in `said`, in order."""

    def __init__(self, progress_dir: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "quarterdeck.agents.runbook", "--progress-dir", progress_dir],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.said: list[Message] = []
        self._news = threading.Condition()
        self._next_id = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.said.append(json.loads(line))
                self._news.notify_all()

    def wait_for(self, wanted: Callable[[Message], object], after: int = 0) -> Message:
        """Return the first message from place `after` on that is `wanted`."""

        def found() -> Message | None:
            return next((message for message in self.said[after:] if wanted(message)), None)

        with self._news:
            message = self._news.wait_for(found, LIMIT_SECONDS)
        assert message, f"never came; the last said: {self.said[-3:]}"
        return message

    def send(self, **message: Any) -> None:
        self.send_raw(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def send_raw(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def ask(self, method: str, **params: Any) -> str:
        self._next_id += 1
        identifier = f"c{self._next_id}"
        self.send(id=identifier, method=method, params=params)
        return identifier

    def answer_to(self, identifier: str) -> Message:
        return self.wait_for(lambda message: message.get("id") == identifier)

    def call(self, method: str, **params: Any) -> Any:
        answer = self.answer_to(self.ask(method, **params))
        assert "error" not in answer, answer
        return answer["result"]

    def refusal(self, method: str, **params: Any) -> Message:
        answer = self.answer_to(self.ask(method, **params))
        assert "result" not in answer, answer
        return answer["error"]

    def session(self, cwd: Path) -> "PipedSession":
        found = self.call("session/new", cwd=str(cwd), mcpServers=[])
        return PipedSession(self, found["sessionId"])

    def close(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        code = self.process.wait(LIMIT_SECONDS)
        self._let_go()
        return code

    def kill(self) -> None:
        """End the agent as kill -9 does."""
        self.process.kill()
        self.process.wait(LIMIT_SECONDS)
        assert self.process.stdin is not None
        self.process.stdin.close()
        self._let_go()

    def _let_go(self) -> None:
        self._reader.join(LIMIT_SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()


class PipedSession:
    """One session of an agent: its turns, its updates, its questions."""

    def __init__(self, pipe: AgentPipe, session_id: str) -> None:
        self.pipe = pipe
        self.id = session_id

    def start(self, text: str) -> str:
        prompt = [{"type": "text", "text": text}]
        return self.pipe.ask("session/prompt", sessionId=self.id, prompt=prompt)

    def end_of(self, turn: str) -> str:
        answer = self.pipe.answer_to(turn)
        assert "error" not in answer, answer
        return answer["result"]["stopReason"]

    def work(self, text: str) -> str:
        return self.end_of(self.start(text))

    def cancel(self) -> None:
        self.pipe.send(method="session/cancel", params={"sessionId": self.id})

    def updates(self, kind: str) -> list[Message]:
        return [
            message["params"]["update"]
            for message in list(self.pipe.said)
            if message.get("method") == "session/update"
            and message["params"]["sessionId"] == self.id
            and message["params"]["update"]["sessionUpdate"] == kind
        ]

    def spoken(self) -> str:
        return "".join(update["content"]["text"] for update in self.updates("agent_message_chunk"))

    def calls(self) -> list[Message]:
        """Return the tool calls in their final form, updates merged into their start."""
        calls = {update["toolCallId"]: dict(update) for update in self.updates("tool_call")}
        for update in self.updates("tool_call_update"):
            calls[update["toolCallId"]].update(update)
        return list(calls.values())

    def plan(self) -> list[tuple[str, str]]:
        entries = self.updates("plan")[-1]["entries"]
        return [(entry["content"], entry["status"]) for entry in entries]

    def question(self, number: int = 1) -> Message:
        """Return this session's question of that number, counted from 1."""

        def enough(_: Message) -> bool:
            return len(self._questions()) >= number

        self.pipe.wait_for(enough)
        return self._questions()[number - 1]

    def question_count(self) -> int:
        return len(self._questions())

    def _questions(self) -> list[Message]:
        return [
            message
            for message in list(self.pipe.said)
            if message.get("method") == "session/request_permission"
            and message["params"]["sessionId"] == self.id
        ]

    def choose(self, question: Message, option: str) -> None:
        outcome = {"outcome": "selected", "optionId": option}
        self.pipe.send(id=question["id"], result={"outcome": outcome})
