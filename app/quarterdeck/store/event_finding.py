"""Finding events of a run by their types: the next one, and the places of all of them (A11)."""

from collections.abc import Collection

import aiosqlite

from quarterdeck.model.event_types import EventType
from quarterdeck.store.events import FREQUENT, RARE
from quarterdeck.store.transaction import one, rows

SEQS_LIMIT = 5_000


async def seqs(
    db: aiosqlite.Connection,
    run_id: str,
    types: Collection[EventType],
    *,
    after_seq: int = 0,
    limit: int = SEQS_LIMIT,
) -> tuple[list[int], int]:
    """Return the seqs of a run's events of some types, and the last seq examined.

    Args:
        db: A reading connection.
        run_id: An existing run.
        types: At least one.
        after_seq: Greater ones follow.
        limit: Clamped to 1..5000.
    """
    limit = max(1, min(limit, SEQS_LIMIT))
    run = await one(db, "SELECT run_no, last_event_seq FROM runs WHERE run_id = ?", (run_id,))
    if run is None:
        return [], after_seq
    found = await rows(
        db,
        f"SELECT seq FROM ({_union(types, '>')}) ORDER BY seq LIMIT {limit}",
        _values(types, run["run_no"], after_seq),
    )
    last = run["last_event_seq"]
    listed = [row["seq"] for row in found if row["seq"] <= last]
    if len(listed) == limit:
        return listed, listed[-1]
    return listed, max(after_seq, last)


async def nearest(
    db: aiosqlite.Connection,
    run_id: str,
    types: Collection[EventType],
    *,
    from_seq: int,
    forward: bool,
) -> int | None:
    """Return the seq of the nearest event of some types after or before `from_seq`."""
    run = await one(db, "SELECT run_no FROM runs WHERE run_id = ?", (run_id,))
    if run is None:
        return None
    least, sign = ("min", ">") if forward else ("max", "<")
    row = await one(
        db,
        f"SELECT {least}(seq) AS seq FROM ({_union(types, sign)})",
        _values(types, run["run_no"], from_seq),
    )
    return None if row is None else row["seq"]


def _union(types: Collection[EventType], sign: str) -> str:
    return " UNION ALL ".join(
        f"SELECT seq FROM events WHERE run_no = ? AND type = ? AND seq {sign} ?"
        + ("" if kind in FREQUENT else f" AND {RARE}")
        for kind in types
    )


def _values(types: Collection[EventType], run_no: int, seq: int) -> tuple[object, ...]:
    return tuple(value for kind in types for value in (run_no, kind.value, seq))
