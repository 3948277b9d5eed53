"""A client in a process of its own that works without a pause and is made to be killed.

`python pressing_client.py NOTES SEED`: it prompts every session, decides every approval and reads
every trace. What it is about to do it notes first, what was acknowledged it notes afterwards, so
that the test can ask for all of it after any crash. Started again on the same notes, it looks what
became of what had no answer, and repeats it with the same key or token.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import random
import sys
from pathlib import Path
from typing import Any

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.places import Places
from quarterdeck.model.records import ApprovalView, EventView, SessionView

OPEN_MOST = 3
LIVE = ("idle", "running", "waiting")


def notes(folder: Path, kind: str) -> list[Any]:
    """Return what was noted of a kind: intents, acks, choices, decided or seen."""
    whole = file.read_bytes().rpartition(b"\n")[0] if (file := folder / kind).exists() else b""
    return [json.loads(line) for line in whole.splitlines()]


def digest(event: EventView) -> str:
    """Return what an event said, in short."""
    told = json.dumps([event.type, event.payload], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


class PressingClient:
    """What it has noted, and the connection it presses on with."""

    def __init__(self, folder: Path, seed: str) -> None:
        self._folder, self._random = folder, random.Random(seed)
        acknowledged = {key for key, _ in notes(folder, "acks")}
        self._unanswered = [n for n in notes(folder, "intents") if n["key"] not in acknowledged]
        decided = {token for token, _, _ in notes(folder, "decided")}
        self._undecided = [n for n in notes(folder, "choices") if n["token"] not in decided]
        self._cursors = {run_id: seq for run_id, seq, _ in notes(folder, "seen")}
        self._chosen = {n["approval_id"] for n in notes(folder, "choices")}

    def _note(self, kind: str, *values: Any) -> None:
        # One write of whole lines to an O_APPEND file: SIGKILL comes before or after it.
        text = "".join(json.dumps(value) + "\n" for value in values).encode()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        descriptor = os.open(self._folder / kind, flags, 0o600)
        os.write(descriptor, text)
        os.close(descriptor)

    async def press(self) -> None:
        """Work until killed, through every end of a supervisor."""
        while True:
            with contextlib.suppress(QuarterdeckError, OSError):
                deck = await Deck.connect(
                    Places.from_environment(), reader="presser", client="presser"
                )
                try:
                    await self._work(deck)
                finally:
                    await deck.close()
            await asyncio.sleep(0.02)

    async def _work(self, deck: Deck) -> None:
        while self._unanswered:
            await self._ask_again(deck, self._unanswered[0])
            self._unanswered.pop(0)
        while self._undecided:
            await self._decide(deck, self._undecided[0])
            self._undecided.pop(0)
        while True:
            sessions, _ = await deck.sessions(state="all")
            self._random.shuffle(sessions)
            for session in sessions:
                await self._attend(deck, session)
            for approval in await deck.approvals():
                await self._answer(deck, approval)
            await asyncio.sleep(self._random.uniform(0, 0.03))

    async def _attend(self, deck: Deck, session: SessionView) -> None:
        await self._read(deck, session)
        if session.state not in LIVE or (self._folder / "quiet").exists():
            return
        commands = await deck.commands(session.session_id)
        waiting = [c for c in commands if c.state in ("pending", "acknowledged")]
        if len(waiting) >= OPEN_MOST:
            return
        key = f"key-{self._random.getrandbits(64):016x}"
        text = f"say {key}\ncount {self._random.randrange(1, 20)} 0.01"
        if self._random.random() < 0.5:
            text += f"\nask echo {key} >> asked\ncount 2"
        intent = {
            "key": key,
            "session_id": session.session_id,
            "run_id": session.run_id,
            "text": text,
        }
        self._note("intents", intent)
        self._unanswered.append(intent)
        await self._send(deck, intent)
        self._unanswered.pop()

    async def _send(self, deck: Deck, intent: dict[str, Any]) -> None:
        try:
            command = await deck.send(
                intent["session_id"], intent["text"], run_id=intent["run_id"], key=intent["key"]
            )
        except QuarterdeckError as error:
            if error.code in ("unreachable", "shutting_down"):
                raise
            self._note("refused", [intent["key"], error.code])
            return
        self._note("acks", [intent["key"], command.command_id])

    async def _ask_again(self, deck: Deck, intent: dict[str, Any]) -> None:
        """Repeat a prompt whose answer never came, unless its run is over: then look for it."""
        for command in await deck.commands(intent["session_id"]):
            if command.text == intent["text"]:
                self._note("acks", [intent["key"], command.command_id])
                return
        await self._send(deck, intent)

    async def _answer(self, deck: Deck, approval: ApprovalView) -> None:
        if approval.approval_id in self._chosen:
            return
        recovery = approval.kind == "session_recovery_required"
        choice = {
            "token": f"token-{self._random.getrandbits(64):016x}",
            "approval_id": approval.approval_id,
            "run_id": approval.run_id,
            "payload_sha256": approval.payload_sha256,
            "action": "approve" if recovery else self._random.choice(["approve", "deny"]),
            "option": self._random.choice(["resume", "restart"]) if recovery else None,
        }
        self._chosen.add(approval.approval_id)
        self._note("choices", choice)
        self._undecided.append(choice)
        await self._decide(deck, choice)
        self._undecided.pop()

    async def _decide(self, deck: Deck, choice: dict[str, Any]) -> None:
        try:
            decision = await deck.decide(**choice)
        except QuarterdeckError as error:
            if error.code in ("unreachable", "shutting_down"):
                raise
            self._note("refused", [choice["token"], error.code])
            return
        self._note("decided", [choice["token"], decision.decision_id, decision.approval_id])

    async def _read(self, deck: Deck, session: SessionView) -> None:
        if session.run_id is None:
            return
        after = self._cursors.get(session.run_id, 0)
        run_id, events, _ = await deck.events(
            session.session_id, run_id=session.run_id, after_seq=after, limit=500
        )
        if events and run_id is not None:
            self._note("seen", *([run_id, event.seq, digest(event)] for event in events))
            self._cursors[run_id] = events[-1].seq


if __name__ == "__main__":
    asyncio.run(PressingClient(Path(sys.argv[1]), sys.argv[2]).press())
