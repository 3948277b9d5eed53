"""The columns of the session list: which of them there is room for, and what they say."""

from typing import Any, NamedTuple

from quarterdeck.model.clock import from_iso
from quarterdeck.model.records import SessionView


class Columns(NamedTuple):
    """Cells of each column; 0 leaves it out. The title has what the others leave."""

    status: int
    with_age: bool = True
    needs: int = 0
    agent: int = 0
    plan: int = 0
    context: int = 0
    changes: int = 0
    branch: int = 0
    cost: int = 0

    @property
    def taken(self) -> int:
        """Cells of all of them, a blank before each but the status."""
        others = (
            self.needs,
            self.agent,
            self.plan,
            self.context,
            self.changes,
            self.branch,
            self.cost,
        )
        return self.status + sum(cells + 1 for cells in others if cells)


# From the widest: the least width of the list, and the columns it then has.
_BY_WIDTH: tuple[tuple[int, Columns], ...] = (
    (180, Columns(12, True, 12, 16, 36, 4, 12, 24, 8)),
    (150, Columns(12, True, 12, 14, 24, 4, 12, 20, 8)),
    (126, Columns(12, True, 12, 12, 20, 4, 12, 14)),
    (110, Columns(12, True, 12, 12, 6, 4, 12, 12)),
    (94, Columns(12, True, 12, 10, 6, 4, 12)),
    (82, Columns(12, True, 12, 10, 6, 4)),
    (72, Columns(12, True, 12, 10, 6)),
    (64, Columns(12, True, 12, 10)),
    (46, Columns(12, True, 12)),
    (31, Columns(12)),
    (0, Columns(8, False)),
)


def columns_for(width: int) -> Columns:
    """Return the columns a list of this many cells has."""
    return next(columns for least, columns in _BY_WIDTH if width >= least)


_STEPS = (
    (365 * 86_400, "y", tuple(range(1, 100))),
    (86_400, "d", (1, 2, 3, 4, 5, 6, 7, 14, 21, 30, 60, 90)),
    (3_600, "h", (1, 2, 3, 4, 6, 8, 12, 18)),
    (60, "m", (1, 2, 3, 5, 10, 15, 20, 30, 45)),
)


def coarse_age(since: str, now_ms: int) -> str:
    """Return the age of an ISO time in ever longer steps: `<1m`, `1m`, `5m`, `2h`, `14d`, `1y`.

    None takes more than the three cells of its column. `10m` is ten minutes or more, up to the
    next step. So a screen on which nothing happens is seldom written to; the exact time stands
    over the panes.

    Args:
        since: ISO 8601 with a zone; one from the future counts as now.
        now_ms: Unix milliseconds.
    """
    try:
        seconds = max(0, (now_ms - from_iso(since)) // 1000)
    except (TypeError, ValueError, OverflowError):
        return ""
    for size, unit, steps in _STEPS:
        if seconds >= size:
            passed = seconds // size
            return f"{max(step for step in steps if step <= passed)}{unit}"
    return "<1m"


def plan_cell(plan: dict[str, Any] | None, cells: int) -> str:
    """Return how far the agent's plan is: `2/5`, with the step where there is room."""
    done, total = (plan or {}).get("done"), (plan or {}).get("total")
    if not isinstance(done, int) or not isinstance(total, int) or total <= 0:
        return ""
    step = (plan or {}).get("step")
    return f"{done}/{total} {step}" if isinstance(step, str) and cells > 8 else f"{done}/{total}"


def context_cell(usage: dict[str, Any] | None) -> str:
    """Return how full the context window is: `83%`."""
    used, size = (usage or {}).get("used"), (usage or {}).get("size")
    if not isinstance(used, int) or not isinstance(size, int) or size <= 0:
        return ""
    return f"{min(100 * used // size, 999)}%"


def cost_cell(usage: dict[str, Any] | None) -> str:
    """Return what the session cost: `$1.23`, `€0.40`, or with the currency's letters."""
    cost = (usage or {}).get("cost")
    amount = cost.get("amount") if isinstance(cost, dict) else None
    if not isinstance(cost, dict) or isinstance(amount, bool):
        return ""
    if not isinstance(amount, int | float):
        return ""
    currency = str(cost.get("currency") or "")[:3]
    sign = {"USD": "$", "EUR": "€", "GBP": "£"}.get(currency)
    number = f"{amount:.2f}" if abs(amount) < 1000 else f"{amount:.0f}"
    return f"{sign}{number}" if sign else f"{number} {currency}".rstrip()


def changes_cell(changes: dict[str, Any] | None) -> str:
    """Return how many lines of the work tree differ: `+120 -14`."""
    added, removed = (changes or {}).get("added"), (changes or {}).get("removed")
    if not isinstance(added, int) or not isinstance(removed, int) or not (added or removed):
        return ""
    return f"+{_short(added)} -{_short(removed)}"


def needs_cell(row: SessionView) -> str:
    """Return what waits in the session for a person or for the turn to end."""
    needs: list[str] = []
    if row.open_approvals:
        needs.append(f"{row.open_approvals} approval{'s' if row.open_approvals != 1 else ''}")
    if row.queued:
        needs.append(f"{row.queued} queued")
    return ", ".join(needs)


def _short(lines: int) -> str:
    return str(lines) if lines < 10_000 else f"{lines // 1000}k"
