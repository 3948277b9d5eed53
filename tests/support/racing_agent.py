"""An ACP agent that a test steers while it works; stdlib only, so that it starts at once.

It reads orders from the fifo $SCRIPTED_DIR/orders, a JSON object a line: `{"ask": TEXT, "id": ID}`
requests permission for the command TEXT under the JSON-RPC id ID, `{"withdraw": ID}` takes a
question back, `{"end": REASON}` ends the turn, `{"die": CODE}` ends the process. Every answer it
gets is appended to $SCRIPTED_DIR/heard as `[pid, id, result or error]`, in order; the first line
of a process is `[pid, null, "started"]`, and each prompt is `[pid, null, "prompted"]`.
"""

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

HOME = Path(os.environ["SCRIPTED_DIR"])


class Agent:
    def __init__(self) -> None:
        self.out = threading.Lock()
        self.session = "racing"
        self.prompt: Any = None

    def write(self, **message: Any) -> None:
        with self.out:
            sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
            sys.stdout.flush()

    def end(self, reason: str) -> None:
        with self.out:
            prompt, self.prompt = self.prompt, None
        if prompt is not None:
            self.write(id=prompt, result={"stopReason": reason})

    def follow_orders(self) -> None:
        with os.fdopen(os.open(HOME / "orders", os.O_RDWR), "r") as orders:
            for line in orders:
                self.obey(json.loads(line))

    def obey(self, order: dict[str, Any]) -> None:
        if "ask" in order:
            call = {
                "toolCallId": "the-call",
                "title": "Deploy",
                "kind": "execute",
                "rawInput": {"command": order["ask"]},
            }
            options = [
                {"optionId": f"yes {order['ask']}", "name": "Yes", "kind": "allow_once"},
                {"optionId": f"no {order['ask']}", "name": "No", "kind": "reject_once"},
            ]
            params = {"sessionId": self.session, "toolCall": call, "options": options}
            self.write(id=order["id"], method="session/request_permission", params=params)
        elif "withdraw" in order:
            self.write(method="$/cancel_request", params={"requestId": order["withdraw"]})
        elif "end" in order:
            self.end(order["end"])
        elif "die" in order:
            os._exit(order["die"])

    def hear(self, identifier: Any, told: Any) -> None:
        with (HOME / "heard").open("a") as heard:
            heard.write(json.dumps([os.getpid(), identifier, told]) + "\n")

    def serve(self) -> None:
        self.hear(None, "started")
        threading.Thread(target=self.follow_orders, daemon=True).start()
        for line in sys.stdin:
            message = json.loads(line)
            method = message.get("method")
            if method is None:
                self.hear(message["id"], message.get("result", message.get("error")))
            elif method == "session/prompt":
                self.prompt = message["id"]
                self.hear(None, "prompted")
            elif method == "session/cancel":
                self.end("cancelled")
            elif "id" in message:
                self.write(id=message["id"], result=self.opened(method))

    def opened(self, method: str) -> dict[str, Any]:
        if method == "initialize":
            return {"protocolVersion": 1, "agentCapabilities": {"loadSession": True}}
        return {"sessionId": self.session} if method == "session/new" else {}


if __name__ == "__main__":
    Agent().serve()
