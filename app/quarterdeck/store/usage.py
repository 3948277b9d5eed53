"""Tokens and cost as agents report them, per turn; sums by session, project and day."""

import json
import math
from dataclasses import dataclass
from typing import Any, Literal

import aiosqlite

from quarterdeck.model.clock import iso, local_day
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.usage_line import UsageLine
from quarterdeck.store.transaction import Row, Tx, one, rows

MICROS = 1_000_000
"""Cost is summed in whole millionths of its currency, so sums are exact."""
_GREATEST = 1 << 50
By = Literal["turn", "session", "project", "day"]
_TOKENS = ("input_tokens", "output_tokens", "cached_tokens", "total_tokens")


@dataclass(frozen=True, slots=True)
class Place:
    """Whose usage it is: a turn, or what happened between two turns (`command_id` empty)."""

    session_id: str
    run_id: str
    command_id: str
    project: str
    agent: str
    conversation: str
    """The agent's own session, over which it counts up."""


async def add_cost(tx: Tx, place: Place, cost: Any) -> None:
    """Take in a session's cost so far as `{"amount", "currency"}`; what was added is stored.

    An amount below the last one means that the agent began to count anew.
    """
    if not isinstance(cost, dict):
        return
    amount, currency = cost.get("amount"), cost.get("currency")
    if not isinstance(amount, int | float) or not isinstance(currency, str):
        return
    if not math.isfinite(amount) or not 0 <= amount * MICROS < _GREATEST:
        return
    currency = currency.upper()[:8]
    added = await _growth(tx, place, f"cost {currency}", round(amount * MICROS))
    await _add(tx, place, currency, {"cost_micros": added})


async def add_tokens(tx: Tx, place: Place, told: Any, *, whole_session: bool) -> None:
    """Take in the tokens an agent reports with the end of a turn.

    Args:
        tx: The transaction.
        place: The turn.
        told: `input_tokens`, `output_tokens`, `total_tokens` and so on.
        whole_session: Whether the agent counts over the whole session instead of the turn.
    """
    if not isinstance(told, dict):
        return
    cached = [_count(told.get(name)) for name in ("cached_read_tokens", "cached_write_tokens")]
    counts = {
        "input_tokens": _count(told.get("input_tokens")),
        "output_tokens": _count(told.get("output_tokens")),
        "cached_tokens": sum(cached),
        "total_tokens": _count(told.get("total_tokens")),
    }
    if not counts["total_tokens"]:
        counts["total_tokens"] = sum(counts.values()) + _count(told.get("thought_tokens"))
    if whole_session:
        counts = {name: await _growth(tx, place, name, value) for name, value in counts.items()}
    await _add(tx, place, "", counts)


def _count(value: Any) -> int:
    known = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _GREATEST
    return value if known else 0


async def _growth(tx: Tx, place: Place, what: str, amount: int) -> int:
    """Return by how much a running total grew, and remember it."""
    key = (place.session_id, place.conversation, what)
    before = await tx.one(
        "SELECT amount FROM usage_marks WHERE session_id = ? AND conversation = ? AND what = ?",
        key,
    )
    await tx.run(
        "INSERT INTO usage_marks (session_id, conversation, what, amount) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET amount = excluded.amount",
        (*key, amount),
    )
    last = 0 if before is None else before["amount"]
    return amount - last if amount >= last else amount


async def _add(tx: Tx, place: Place, currency: str, counts: dict[str, int]) -> None:
    """Add to the turn's row; cost has a row for each currency, tokens one without."""
    if not any(counts.values()):
        return
    names = list(counts)
    await tx.run(
        "INSERT INTO usage (session_id, run_id, command_id, project, agent, day, currency, at,"
        f" {', '.join(names)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?{', ?' * len(names)})"
        " ON CONFLICT (session_id, command_id, day, currency) DO UPDATE SET at = excluded.at, "
        + ", ".join(f"{name} = {name} + excluded.{name}" for name in names),
        (
            place.session_id,
            place.run_id,
            place.command_id,
            place.project,
            place.agent,
            local_day(tx.at),
            currency,
            tx.at,
            *counts.values(),
        ),
    )


_SCOPES = {"session": "session_id", "project": "project", "day": "day"}


async def spent(db: aiosqlite.Connection, scope: str, name: str) -> dict[str, float]:
    """Return what a session, project or day has used: `tokens`, and `cost` in its dearest currency.

    Costs in several currencies are not added up: the greatest counts.
    """
    row = await one(
        db,
        f"SELECT COALESCE(sum(tokens), 0) AS tokens, COALESCE(max(micros), 0) AS micros FROM ("
        f" SELECT sum(total_tokens) AS tokens, sum(cost_micros) AS micros FROM usage"
        f" WHERE {_SCOPES[scope]} = ? GROUP BY currency)",
        (name,),
    )
    assert row is not None
    return {"tokens": row["tokens"], "cost": row["micros"] / MICROS}


async def raises(db: aiosqlite.Connection, scope: str, name: str, metric: str) -> int:
    """Return how many times a person has raised a cap."""
    row = await one(
        db,
        "SELECT times FROM cap_raises WHERE scope = ? AND name = ? AND metric = ?",
        (scope, name, metric),
    )
    return 0 if row is None else row["times"]


async def raise_cap(tx: Tx, scope: str, name: str, metric: str, times: int) -> None:
    """Note that a cap was raised to `times` more than it says; a smaller number changes nothing."""
    await tx.run(
        "INSERT INTO cap_raises (scope, name, metric, times) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET times = max(times, excluded.times)",
        (scope, name, metric, times),
    )


_BY: dict[str, str] = {
    "turn": "session_id, command_id",
    "session": "session_id",
    "project": "project",
    "day": "day",
}


async def report(
    db: aiosqlite.Connection,
    by: By,
    *,
    session_id: str | None = None,
    project: str | None = None,
    since: str | None = None,
    until: str | None = None,
    offset: int = 0,
    limit: int = 100,
) -> tuple[list[UsageLine], int | None]:
    """Return sums, the latest first, and the offset of the next page.

    Args:
        db: A reading connection.
        by: What is added up: the rows of a turn, a session, a project or a day.
        session_id: Only of this session.
        project: Only of this project.
        since: First day, as `2026-11-21`.
        until: Last day.
        offset: How many lines to pass over.
        limit: Clamped to 1..100 (A3).
    """
    if by not in _BY:
        raise QuarterdeckError("invalid_params", f"by: {by!r} is none of {', '.join(_BY)}")
    limit = max(1, min(limit, 100))
    given = {
        "u.session_id = ?": session_id,
        "u.project = ?": project,
        "u.day >= ?": since,
        "u.day <= ?": until,
    }
    narrowed = {part: value for part, value in given.items() if value is not None}
    where = " AND ".join(("1", *narrowed))
    key = _BY[by]
    found = await rows(
        db,
        f"""WITH u AS (SELECT * FROM usage u WHERE {where}),
        costs AS (
            SELECT {key}, json_group_object(currency, micros) AS costs FROM (
                SELECT {key}, currency, sum(cost_micros) AS micros FROM u
                WHERE currency <> '' GROUP BY {key}, currency
            ) GROUP BY {key}
        )
        SELECT session_id, run_id, command_id, project, agent, day, costs,
            (SELECT title FROM sessions s WHERE s.session_id = u.session_id) AS title,
            {", ".join(f"sum({name}) AS {name}" for name in _TOKENS)},
            max(at) AS at, count(DISTINCT NULLIF(command_id, '')) AS turns
        FROM u LEFT JOIN costs USING ({key}) GROUP BY {key}
        ORDER BY max(at) DESC, {key} LIMIT {limit + 1} OFFSET ?""",
        (*narrowed.values(), offset),
    )
    lines = [_line(by, row) for row in found[:limit]]
    return lines, offset + limit if len(found) > limit else None


def _line(by: By, row: Row) -> UsageLine:
    micros = json.loads(row["costs"] or "{}")
    costs = {currency: amount / MICROS for currency, amount in micros.items()}
    of_session = by in ("turn", "session")
    return UsageLine(
        turns=row["turns"],
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        cached_tokens=row["cached_tokens"],
        total_tokens=row["total_tokens"],
        cost=costs,
        at=iso(row["at"]),
        session_id=row["session_id"] if of_session else None,
        session_title=row["title"] if of_session else None,
        agent=row["agent"] if of_session else None,
        command_id=(row["command_id"] or None) if by == "turn" else None,
        run_id=row["run_id"] if by == "turn" else None,
        project=None if by == "day" else row["project"],
        day=row["day"] if by == "day" else None,
    )
