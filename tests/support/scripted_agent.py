"""A small ACP agent for tests, in a process of its own; stdlib only, so that it starts at once.

What it does is told by the words of the prompt, one instruction a line:

    say TEXT            one chunk
    count N [S]         N numbered chunks `#1 `, `#2 `, …, S seconds apart; numbers go on
                        over all turns and are kept in $SCRIPTED_DIR/counter
    wait FILE           until the file is there (relative to the session's directory)
    ask COMMAND         request permission, then say `allowed` or `refused` and run it if allowed
    read PATH           fs/read_text_file, say the content
    write PATH TEXT     fs/write_text_file
    terminal COMMAND    terminal/create, wait_for_exit, output, release; say the output
    update JSON         a session/update with these members
    usage JSON          usage_update if it has `used`, else the usage told with the turn's end
    die CODE            exit at once
    raw TEXT            write a line as it is
    rawfile FILE        write the lines of a file as they are
    edit PATH TEXT      request permission for an edit, then write that by fs/write_text_file
    myself PATH TEXT    the same, but the file is written before, not through the client
    mcp SERVER TOOL JSON  request permission for a tool of an MCP server, say what came of it
    fetch URL           request permission to fetch, say what came of it
    form JSON           elicitation/create with that schema, say the answer
    step ID STATUS      a tool_call_update of that call, or its tool_call if pending
    hang                never answer
    refuse              end the turn as refused
    fail TEXT           end the turn with this error

It appends each prompt it gets to $SCRIPTED_DIR/prompts, so that tests can count deliveries.
Environment: SCRIPTED_FAIL_START=exit|silent|error|load; SCRIPTED_NO_LOAD=1; SCRIPTED_MODELS=1 gives
it models, SCRIPTED_IMAGES=1 images in prompts, SCRIPTED_TITLE a title of its own;
SCRIPTED_FORK=works|fails gives it session/fork, with its calls in $SCRIPTED_DIR/forks.
"""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

HOME = Path(os.environ["SCRIPTED_DIR"])


class Agent:
    def __init__(self) -> None:
        self.cwd = Path.cwd()
        self.next_id = 0
        self.answers: dict[int, Any] = {}
        self.arrived = threading.Condition()
        self.cancelled = threading.Event()
        self.out = threading.Lock()
        self.session = "none"
        self.usage: Any = None
        self.error: str | None = None

    def write(self, message: dict[str, Any]) -> None:
        with self.out:
            sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
            sys.stdout.flush()

    def update(self, **update: Any) -> None:
        self.write(
            {"method": "session/update", "params": {"sessionId": self.session, "update": update}}
        )

    def say(self, text: str) -> None:
        self.update(sessionUpdate="agent_message_chunk", content={"type": "text", "text": text})

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        with self.arrived:
            identifier = self.next_id
            self.next_id += 1
        params = {"sessionId": self.session, **params}
        self.write({"id": identifier, "method": method, "params": params})
        with self.arrived:
            while identifier not in self.answers:
                self.arrived.wait()
            return self.answers.pop(identifier)

    def serve(self) -> None:
        for line in sys.stdin:
            message = json.loads(line)
            if "method" not in message:
                with (HOME / "replies").open("a") as file:
                    file.write(json.dumps([os.getpid(), message["id"]]) + "\n")
                with self.arrived:
                    self.answers[message["id"]] = message
                    self.arrived.notify_all()
            elif message["method"] == "session/prompt":
                self.cancelled.clear()  # here: a cancel that follows at once is for this turn
                threading.Thread(target=self.turn, args=(message,), daemon=True).start()
            elif message["method"] == "session/cancel":
                self.cancelled.set()
            elif "id" in message:
                self.answer(message)

    def answer(self, message: dict[str, Any]) -> None:
        method, params = message["method"], message.get("params") or {}
        fail = os.environ.get("SCRIPTED_FAIL_START", "")
        if method == "initialize":
            if fail == "exit":
                print("cannot go on", file=sys.stderr)
                os._exit(7)
            if fail == "silent":
                return
            if fail == "error":
                error = {"code": -32000, "message": "not logged in"}
                self.write({"id": message["id"], "error": error})
                return
            load = "SCRIPTED_NO_LOAD" not in os.environ
            abilities: dict[str, Any] = {"loadSession": load}
            if "SCRIPTED_IMAGES" in os.environ:
                abilities["promptCapabilities"] = {"image": True}
            if "SCRIPTED_FORK" in os.environ:
                abilities["sessionCapabilities"] = {"fork": {}}
            result: Any = {"protocolVersion": 1, "agentCapabilities": abilities}
            if "SCRIPTED_TITLE" in os.environ:
                title = os.environ["SCRIPTED_TITLE"]
                result["agentInfo"] = {"name": "scripted", "version": "1", "title": title}
        elif method == "session/new":
            self.cwd = Path(params["cwd"])
            self.session = f"scripted-{os.getpid()}-{time.monotonic_ns()}"
            result = {"sessionId": self.session}
            if "SCRIPTED_MODELS" in os.environ:
                result["models"] = {"availableModels": [], "currentModelId": "small"}
        elif method == "session/fork":
            with (HOME / "forks").open("a") as file:
                file.write(json.dumps(params["sessionId"]) + "\n")
            if os.environ["SCRIPTED_FORK"] == "fails":
                error = {"code": -32603, "message": "cannot fork that"}
                self.write({"id": message["id"], "error": error})
                return
            self.cwd = Path(params["cwd"])
            self.session = f"scripted-fork-{os.getpid()}"
            self.say("(a replay of history)")
            result = {"sessionId": self.session}
        elif method in ("session/set_mode", "session/set_model"):
            value = str(params.get("modeId") or params.get("modelId"))
            if value.startswith("no-such"):
                error = {"code": -32602, "message": f"unknown: {value}"}
                self.write({"id": message["id"], "error": error})
                return
            result = {}
        elif method == "session/load":
            with (HOME / "loads").open("a") as file:
                file.write(params["sessionId"] + "\n")
            if (HOME / "fail-load").exists():
                error = {"code": -32603, "message": "no such history"}
                self.write({"id": message["id"], "error": error})
                return
            self.cwd, self.session = Path(params["cwd"]), params["sessionId"]
            self.say("(a replay of history)")
            result = {}
        else:
            self.write({"id": message["id"], "error": {"code": -32601, "message": method}})
            return
        self.write({"id": message["id"], "result": result})

    def turn(self, message: dict[str, Any]) -> None:
        text = "".join(part.get("text", "") for part in message["params"]["prompt"])
        with (HOME / "prompts").open("a") as file:
            file.write(json.dumps(text) + "\n")
        if images := [part for part in message["params"]["prompt"] if part["type"] == "image"]:
            with (HOME / "images").open("a") as file:
                file.write(json.dumps(images) + "\n")
        for line in text.splitlines():
            word, _, rest = line.partition(" ")
            if word == "hang":
                self.cancelled.wait()
            if self.cancelled.is_set():
                break
            getattr(self, f"do_{word}", lambda rest: None)(rest)
        refused = "refuse" in text.splitlines()
        stop = "cancelled" if self.cancelled.is_set() else "refusal" if refused else "end_turn"
        told, self.usage = self.usage, None
        if self.error is not None:
            error, self.error = {"code": -32603, "message": self.error}, None
            self.write({"id": message["id"], "error": error})
            return
        result = {"stopReason": stop} | ({} if told is None else {"usage": told})
        self.write({"id": message["id"], "result": result})

    def do_say(self, rest: str) -> None:
        self.say(rest)

    def do_count(self, rest: str) -> None:
        amount, _, pause = rest.partition(" ")
        counter = HOME / "counter"
        number = int(counter.read_text()) if counter.exists() else 0
        for _ in range(int(amount)):
            number += 1
            if self.cancelled.is_set():
                break
            # By rename: killed in between, this agent must not leave an empty file to the next.
            counter.with_suffix(".new").write_text(str(number))
            counter.with_suffix(".new").replace(counter)
            self.say(f"#{number} ")
            if pause:
                time.sleep(float(pause))

    def do_wait(self, rest: str) -> None:
        while not (self.cwd / rest).exists() and not self.cancelled.wait(0.01):
            pass

    def do_ask(self, rest: str) -> None:
        call = {
            "toolCallId": f"call-{time.monotonic_ns()}",
            "title": f"Run {rest}",
            "kind": "execute",
            "rawInput": {"command": rest},
        }
        self.update(sessionUpdate="tool_call", status="pending", **call)
        options = [
            {"optionId": "y", "name": "Yes", "kind": "allow_once"},
            {"optionId": "n", "name": "No", "kind": "reject_once"},
        ]
        answer = self.call("session/request_permission", toolCall=call, options=options)
        outcome = answer["result"]["outcome"]
        with (HOME / "answers").open("a") as file:
            file.write(json.dumps(outcome) + "\n")
        if outcome.get("optionId") == "y":
            subprocess.run(rest, shell=True, cwd=self.cwd, check=False, stdin=subprocess.DEVNULL)
        self.say("allowed" if outcome.get("optionId") == "y" else "refused")

    def permit(self, call: dict[str, Any]) -> bool:
        options = [
            {"optionId": "y", "name": "Yes", "kind": "allow_once"},
            {"optionId": "n", "name": "No", "kind": "reject_once"},
        ]
        answer = self.call("session/request_permission", toolCall=call, options=options)
        with (HOME / "answers").open("a") as file:
            file.write(json.dumps(answer["result"]) + "\n")
        allowed = answer["result"]["outcome"].get("optionId") == "y"
        self.say("allowed" if allowed else "refused")
        return allowed

    def do_mcp(self, rest: str) -> None:
        server, tool, given = rest.split(" ", 2)
        call = {"toolCallId": f"call-{time.monotonic_ns()}", "title": f"mcp__{server}__{tool}"}
        self.permit(call | {"kind": "other", "rawInput": json.loads(given)})

    def do_fetch(self, rest: str) -> None:
        call = {"toolCallId": f"call-{time.monotonic_ns()}", "title": "Fetch a page"}
        self.permit(call | {"kind": "fetch", "rawInput": {"url": rest}})

    def do_form(self, rest: str) -> None:
        schema = json.loads(rest)
        answer = self.call(
            "elicitation/create", mode="form", message="Which one?", requestedSchema=schema
        )
        self.say(json.dumps(answer.get("result") or answer.get("error")))

    def do_step(self, rest: str) -> None:
        called, status = rest.split()
        kind = "tool_call" if status == "pending" else "tool_call_update"
        told = {"title": called, "kind": "other"} if status == "pending" else {}
        self.update(sessionUpdate=kind, toolCallId=called, status=status, **told)

    def do_read(self, rest: str) -> None:
        answer = self.call("fs/read_text_file", path=str(self.cwd / rest))
        self.say(answer["result"]["content"] if "result" in answer else answer["error"]["message"])

    def do_write(self, rest: str) -> None:
        path, _, text = rest.partition(" ")
        answer = self.call("fs/write_text_file", path=str(self.cwd / path), content=text)
        self.say("written" if "result" in answer else answer["error"]["message"])

    def do_myself(self, rest: str) -> None:
        self.do_edit(rest, myself=True)

    def do_edit(self, rest: str, *, myself: bool = False) -> None:
        path, _, text = rest.partition(" ")
        diff = {"type": "diff", "path": str(self.cwd / path), "oldText": None, "newText": text}
        call = {
            "toolCallId": f"call-{time.monotonic_ns()}",
            "title": f"Edit {path}",
            "kind": "edit",
            "rawInput": {"path": path},
            "content": [diff],
        }
        options = [
            {"optionId": "y", "name": "Yes", "kind": "allow_once"},
            {"optionId": "n", "name": "No", "kind": "reject_once"},
        ]
        answer = self.call("session/request_permission", toolCall=call, options=options)
        if answer["result"]["outcome"].get("optionId") == "y":
            if myself:
                (self.cwd / path).write_text(text)
            self.do_write(rest)

    def do_terminal(self, rest: str) -> None:
        made = self.call("terminal/create", command=rest, args=[], cwd=str(self.cwd))
        if "error" in made:
            self.say(f"no terminal: {made['error']['message']}")
            return
        terminal = made["result"]["terminalId"]
        status = self.call("terminal/wait_for_exit", terminalId=terminal)["result"]
        output = self.call("terminal/output", terminalId=terminal)["result"]
        self.call("terminal/release", terminalId=terminal)
        self.say(f"exit {status.get('exitCode')}: {output['output']}")

    def do_update(self, rest: str) -> None:
        self.update(**json.loads(rest))

    def do_usage(self, rest: str) -> None:
        told = json.loads(rest)
        if "used" in told:
            self.update(sessionUpdate="usage_update", **told)
        else:
            self.usage = told

    def do_fail(self, rest: str) -> None:
        self.error = rest

    def do_die(self, rest: str) -> None:
        os._exit(int(rest))

    def do_rawfile(self, rest: str) -> None:
        self.do_raw((self.cwd / rest).read_text().strip())

    def do_raw(self, rest: str) -> None:
        with self.out:
            sys.stdout.write(rest + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    Agent().serve()
