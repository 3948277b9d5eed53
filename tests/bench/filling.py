"""Fills a store with many sessions and events, as quickly as SQLite takes them.

The rows are what the product would have written: its schema, its events, its search blocks. A
seed gives the same store each time. No session has an agent, so that a supervisor started on the
store recovers nothing.
"""

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from quarterdeck.model.event_types import EventType
from quarterdeck.store.schema import prepare
from quarterdeck.store.search_index import RunIndex, block_number
from quarterdeck.store.search_query import tag

BEGIN_MS = 1_760_000_000_000
RARE = "zanzibar"
"""Is said once in ten thousand events."""
COMMON = "the"
PHRASE = "tide and anchor"
PREFIX = "br"
"""Thousands of different words begin so."""
PROJECTS = 40
AGENTS = ("opencode", "codex", "gemini", "vibe")
_SYLLABLES = ("br", "an", "chor", "ti", "de", "ka", "lo", "mer", "sto", "vi", "qua", "ter", "ne")
_STATES = (
    *["asleep"] * 40,
    *["closed"] * 45,
    *["idle"] * 5,
    *["failed_needs_human"] * 4,
    *["running"] * 3,
    *["waiting"] * 2,
    *["unknown"] * 1,
)
_EVENT_SQL = "INSERT INTO events (run_no, seq, type, at, payload) VALUES (?, ?, ?, ?, ?)"
_BATCH = 20_000

Event = tuple[int, int, str, int, str]
"""run_no, seq, type, at, payload."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What a store was filled with."""

    sessions: list[str]
    runs: list[str]
    longest: str
    """The session with the most events."""
    blocks: int
    """Documents in the search index."""


class _Words:
    """Twenty thousand made-up words, a few of them much more often than others."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        made = {
            "".join(self._random.choices(_SYLLABLES, k=self._random.randint(2, 5)))
            for _ in range(20_000)
        }
        self._words = [COMMON, *sorted(made)]
        # Each rank weighs one part of its number, as words do in any language.
        total, self._weights = 0.0, []
        for rank in range(len(self._words)):
            total += 1 / (rank + 1)
            self._weights.append(total)

    def text(self, count: int) -> str:
        """Return a piece of text of so many words, with a space at its end."""
        words = self._random.choices(self._words, cum_weights=self._weights, k=count)
        chance = self._random.random()
        if chance < 0.0001:
            words.append(RARE)
        elif chance < 0.001:
            words.append(PHRASE)
        return " ".join(words) + " "


def fill(
    path: Path,
    *,
    sessions: int,
    events: int,
    seed: int = 1,
    indexed: bool = True,
) -> Filled:
    """Make a store at `path`, which must not exist yet.

    Args:
        path: The database file.
        sessions: How many; each has one ended run.
        events: How many in all; a tenth of them are the first session's.
        seed: Of all that is random.
        indexed: With the search index.
    """
    prepare(path)
    chance = random.Random(seed)
    counts = _spread(sessions, events)
    ids = [f"ses_{chance.getrandbits(120):030x}" for _ in range(sessions)]
    runs = [f"run_{chance.getrandbits(120):030x}" for _ in range(sessions)]
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for setting in ("synchronous = OFF", "cache_size = -200000", "temp_store = MEMORY"):
            db.execute(f"PRAGMA {setting}")
        db.execute("BEGIN")
        _put_sessions(db, ids, runs, counts, chance)
        indexes = _put_events(db, ids, counts, _Words(seed), indexed=indexed)
        blocks = _put_blocks(db, indexes)
        db.execute("UPDATE counters SET value = ? WHERE name = 'version'", (2 * sessions,))
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("PRAGMA optimize")
    return Filled(ids, runs, ids[0], blocks)


def _spread(sessions: int, events: int) -> list[int]:
    first = events if sessions == 1 else events // 10
    rest, more = divmod(events - first, max(1, sessions - 1))
    return [first, *(rest + (number < more) for number in range(sessions - 1))]


def _put_sessions(
    db: sqlite3.Connection,
    ids: list[str],
    runs: list[str],
    counts: list[int],
    chance: random.Random,
) -> None:
    rows = []
    for number, session_id in enumerate(ids):
        project = f"/home/me/project{number % PROJECTS}"
        state = chance.choice(_STATES)
        at = BEGIN_MS + chance.randrange(10**9)
        rows.append(
            (
                session_id,
                project,
                chance.choice(AGENTS),
                project,
                f"Session {number}",
                number + 1,
                state,
                at,
                runs[number],
                counts[number],
                int(state == "waiting"),
                int(chance.random() < 0.01),
                "terminal" if counts[number] else "idle",
                at,
                at,
            )
        )
    db.executemany(
        "INSERT INTO sessions (session_id, project, agent, cwd, title, version, state,"
        " state_since, state_source, last_run_id, last_event_seq, open_approvals, pinned,"
        " execution_state, created_at, last_activity)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'event', ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    db.executemany(
        "INSERT INTO runs (run_no, run_id, session_id, number, state, via, last_event_seq,"
        " created_at, ended_at) VALUES (?, ?, ?, 1, 'completed', 'new', ?, ?, ?)",
        [
            (number, run_id, ids[number - 1], counts[number - 1], BEGIN_MS, BEGIN_MS)
            for number, run_id in enumerate(runs, 1)
        ],
    )


def _put_events(
    db: sqlite3.Connection, ids: list[str], counts: list[int], words: _Words, *, indexed: bool
) -> Iterator[RunIndex]:
    """Write each run's events, and give out its index with what is due in it."""
    facts = {
        row[0]: row[1:] for row in db.execute("SELECT session_id, project, agent FROM sessions")
    }
    for number, session_id in enumerate(ids, 1):
        project, agent = facts[session_id]
        marks = (tag("s", session_id), tag("p", project), tag("a", agent))
        index = RunIndex(number, " ".join(marks), 0)
        events = _run(number, counts[number - 1], words)
        while batch := list(islice(events, _BATCH)):
            db.executemany(_EVENT_SQL, batch)
            if indexed:
                index.take(event[1:] for event in batch)
        yield index


def _run(number: int, count: int, words: _Words) -> Iterator[Event]:
    """Give out a run's events: turns of a prompt, an answer in pieces, tools and their output."""
    for seq in range(1, count + 1):
        kind, payload = _event(seq, words)
        at = BEGIN_MS + number * 100_000 + seq
        yield number, seq, kind.value, at, json.dumps(payload, separators=(",", ":"))


def _event(seq: int, words: _Words) -> tuple[EventType, dict[str, str]]:
    place = seq % 50
    if place == 1:
        return EventType.USER_MESSAGE, {"text": words.text(12)}
    if place in (20, 30):
        title = f"Read {words.text(2).strip()}"
        call = {"tool_call_id": f"call{seq}", "title": title, "kind": "read", "status": "completed"}
        return EventType.TOOL_CALL, call
    if place in (21, 31):
        return EventType.COMMAND_OUTPUT, {"text": words.text(40)}
    if place == 40:
        return EventType.DIFF, {"path": "src/a.py", "old": words.text(8), "new": words.text(8)}
    if place == 0:
        return EventType.TERMINAL_STATUS, {"status": "end_turn", "stop_reason": "end_turn"}
    kind = EventType.THOUGHT if place < 8 else EventType.ASSISTANT_MESSAGE
    return kind, {"text": words.text(3)}


def _put_blocks(db: sqlite3.Connection, indexes: Iterator[RunIndex]) -> int:
    """Write the search index; returns how many documents it has."""
    texts: list[tuple[int, str, str]] = []
    rows: list[tuple[int, int, str, int, int]] = []
    free: dict[int, int] = {}
    for index in indexes:
        for block in index.due(growing=True):
            number = free.get(block.at, block_number(block.at))
            free[block.at] = number + 1
            tags = f"{index.tags} {tag('t', block.kind)}"
            texts.append((number, "".join(block.pieces), tags))
            rows.append((number, index.run_no, block.kind, block.seqs[0], block.seqs[-1]))
    texts.sort(key=lambda row: row[0])
    db.executemany("INSERT INTO search_text (rowid, text, tags) VALUES (?, ?, ?)", texts)
    db.executemany(
        "INSERT INTO search_blocks (block_no, run_no, type, first_seq, last_seq)"
        " VALUES (?, ?, ?, ?, ?)",
        rows,
    )
    return len(rows)
