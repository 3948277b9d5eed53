"""What was said in a session up to a point, as a text that another agent can be given (C1)."""

import json
from dataclasses import dataclass

import aiosqlite

from quarterdeck.model.event_types import EventType
from quarterdeck.store import forks
from quarterdeck.store.transaction import one, rows

LIMIT_CHARACTERS = 200_000


@dataclass(slots=True)
class Message:
    """One message: its role and what was said."""

    role: str
    text: str


async def text(db: aiosqlite.Connection, session_id: str, run_id: str | None, seq: int) -> str:
    """Return the conversation up to and with event `seq` of a run; empty if nothing was said.

    Of one longer than 200,000 characters the beginning is left out.
    """
    said, whole = await messages(db, session_id, run_id, seq)
    fork = await forks.find(db, session_id) if whole else None
    blocks = [f"{message.role}:\n{_quoted(message.text)}" for message in said]
    if fork is not None and fork["history"]:
        blocks.insert(0, fork["history"])
    told = "\n\n".join(blocks)
    if whole and len(told) <= LIMIT_CHARACTERS:
        return told
    return "(the beginning is left out)\n\n" + told[-LIMIT_CHARACTERS:]


async def messages(
    db: aiosqlite.Connection, session_id: str, run_id: str | None, seq: int
) -> tuple[list[Message], bool]:
    """Return the last messages up to a point, oldest first, and whether these are all."""
    point = await one(db, "SELECT number FROM runs WHERE run_id = ?", (run_id,))
    if point is None:
        return [], True
    found = await rows(
        db,
        "SELECT run_no, number FROM runs WHERE session_id = ? AND number <= ? ORDER BY number DESC",
        (session_id, point["number"]),
    )
    said: list[Message] = []
    room = LIMIT_CHARACTERS
    for run in found:
        upto = seq if run["number"] == point["number"] else None
        room = await _of_run(db, run["run_no"], upto, said, room)
        if room <= 0:
            break
    return said[::-1], room > 0


async def _of_run(
    db: aiosqlite.Connection, run_no: int, upto: int | None, said: list[Message], room: int
) -> int:
    """Add a run's messages to `said`, newest first, and return how much room is left."""
    bound = "" if upto is None else " AND seq <= ?"
    values = (run_no,) if upto is None else (run_no, upto)
    sql = (
        "SELECT type, payload FROM events WHERE run_no = ?"
        f" AND type IN ('user_message', 'assistant_message'){bound} ORDER BY seq DESC"
    )
    open_pieces: list[str] = []
    async with db.execute(sql, values) as cursor:
        async for row in cursor:
            piece, from_agent = _piece(row["payload"])
            if row["type"] == EventType.ASSISTANT_MESSAGE.value:
                open_pieces.append(piece)
            elif not from_agent:
                _close(said, open_pieces)
                said.append(Message("User", piece))
            room -= len(piece)
            if room <= 0:
                break
    _close(said, open_pieces)
    return room


def _close(said: list[Message], pieces: list[str]) -> None:
    if pieces:
        said.append(Message("Assistant", "".join(reversed(pieces))))
        pieces.clear()


def _piece(payload: str) -> tuple[str, bool]:
    """Return the text of a message's event, and whether the agent put it in the user's mouth."""
    try:
        value = json.loads(payload)
        return str(value.get("text", "")), value.get("from") == "agent"
    except (ValueError, AttributeError):
        return "", False


def _quoted(said: str) -> str:
    """Quote every line, so that nothing said can pass for a heading or for a new prompt."""
    return "\n".join(f"> {line}" for line in said.splitlines())
