"""Events: a run's trace, numbered without gaps (A2, A3, A11)."""

import json
from collections.abc import Collection, Sequence
from json.encoder import encode_basestring
from typing import Any

import aiosqlite

from quarterdeck.model.clock import iso
from quarterdeck.model.event_types import OUTPUT_TYPES, EventType
from quarterdeck.model.records import EventView
from quarterdeck.store.transaction import Tx, one, rows

PAGE_LIMIT = 500
PAGE_CHARACTERS = 4 * 1024 * 1024
_OUTPUT = ", ".join(f"'{kind.value}'" for kind in EventType if kind in OUTPUT_TYPES)
FREQUENT = frozenset(
    {
        EventType.ASSISTANT_MESSAGE,
        EventType.THOUGHT,
        EventType.COMMAND_OUTPUT,
        EventType.OTHER,
    }
)
RARE = "type NOT IN ({})".format(
    ", ".join(f"'{kind.value}'" for kind in EventType if kind in FREQUENT)
)
"""As the index `events_rare` says it, letter by letter: only then SQLite uses it."""

EventRow = tuple[int, int, str, int, str]
"""run_no, seq, type, at, payload: as `insert_many` takes them."""


def encode(payload: dict[str, Any]) -> str:
    """Write a payload; lone surrogates stay escaped, so SQLite always takes it."""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(payload, separators=(",", ":"))
    return text


def encode_texts(more: dict[str, Any], texts: Sequence[str]) -> list[str]:
    """Write payloads that differ in their text only, each as `encode` would.

    Args:
        more: What stands before `text` in all of them.
        texts: The text of each.
    """
    head = json.dumps({**more, "text": ""}, ensure_ascii=False, separators=(",", ":"))[:-3]
    payloads = [f"{head}{encode_basestring(text)}}}" for text in texts]
    try:
        "".join(payloads).encode()
    except UnicodeEncodeError:
        return [encode({**more, "text": text}) for text in texts]
    return payloads


async def insert_many(tx: Tx, batch: Sequence[EventRow]) -> None:
    """Add events; their seqs must continue their run's."""
    if batch:
        await tx.many(
            "INSERT INTO events (run_no, seq, type, at, payload) VALUES (?, ?, ?, ?, ?)", batch
        )


async def page(
    db: aiosqlite.Connection,
    run_id: str,
    *,
    after_seq: int = 0,
    limit: int = 100,
    output: bool = False,
    types: Collection[EventType] | None = None,
) -> tuple[list[EventView], int]:
    """Return a page of a run's trace or output and the last seq examined (A3, A11).

    Args:
        db: A reading connection.
        run_id: An existing run.
        after_seq: Events with a greater seq follow.
        limit: Clamped to 1..500.
        output: Only assistant messages, command output, diffs, errors and terminal status;
            the page is filled to its limit, and the cursor tells how far was looked even if
            nothing matched.
        types: Only events of these types, at least one; the cursor is as for `output`.

    A page ends early once its payloads are over 4 MiB: one message must hold it.
    """
    limit = max(1, min(limit, PAGE_LIMIT))
    run = await one(db, "SELECT run_no, last_event_seq FROM runs WHERE run_id = ?", (run_id,))
    if run is None:
        return [], after_seq
    branches = 1
    if types is None:
        kinds = ""
        if output:
            kinds = f" AND type IN ({_OUTPUT})"
        query = (
            f"SELECT seq, type, at, payload FROM events WHERE run_no = ? AND seq > ?{kinds}"
            f" AND seq <= ? ORDER BY seq LIMIT {limit}"
        )
    else:
        query, branches = typed_query(types, limit)
    found = await rows(db, query, (run["run_no"], after_seq, run["last_event_seq"]) * branches)
    views: list[EventView] = []
    size = 0
    for row in found:
        views.append(
            EventView(row["seq"], run_id, row["type"], iso(row["at"]), decode(row["payload"]))
        )
        size += len(row["payload"])
        if size > PAGE_CHARACTERS:
            break
    cursor = views[-1].seq if views else after_seq
    if len(views) < limit and size <= PAGE_CHARACTERS:
        cursor = max(after_seq, run["last_event_seq"])
    return views, cursor


def typed_query(types: Collection[EventType], limit: int) -> tuple[str, int]:
    """Return a query for the events of some types in order, and how often it takes its values.

    Each kind of event is looked up in the index that holds it, and only the payloads of the page
    are read. The values are run_no, the seq to start after and the last seq.
    """
    conditions: list[str] = []
    if chosen := OUTPUT_TYPES.intersection(types):
        only = "" if chosen == OUTPUT_TYPES else f" AND type IN ({_quoted(chosen)})"
        conditions.append(f"type IN ({_OUTPUT}){only}")
    rest = frozenset(types) - OUTPUT_TYPES
    conditions += [f"type = '{kind.value}' AND {RARE}" for kind in sorted(rest - FREQUENT)]
    if unindexed := rest & FREQUENT:
        conditions.append(f"type IN ({_quoted(unindexed)})")
    found = " UNION ALL ".join(
        "SELECT * FROM (SELECT event_no, seq FROM events WHERE run_no = ? AND seq > ?"
        f" AND seq <= ? AND {condition} ORDER BY seq LIMIT {limit})"
        for condition in conditions
    )
    query = (
        "SELECT e.seq, e.type, e.at, e.payload"
        f" FROM (SELECT event_no, seq FROM ({found}) ORDER BY seq LIMIT {limit}) AS f"
        " CROSS JOIN events AS e ON e.event_no = f.event_no ORDER BY f.seq"
    )
    return query, len(conditions)


def _quoted(types: Collection[EventType]) -> str:
    return ", ".join(f"'{kind.value}'" for kind in EventType if kind in types)


def decode(text: str) -> dict[str, Any]:
    """Read a payload; a damaged one is shown as what it is instead of hiding the event (C9)."""
    try:
        value = json.loads(text)
    except ValueError:
        return {"damaged": text}
    return value if isinstance(value, dict) else {"damaged": text}
