"""How a question looks as one row of the inbox."""

from quarterdeck.model.approval_text import headline
from quarterdeck.model.hostile_text import clean
from quarterdeck.tui.expiring import left_text
from quarterdeck.tui.inbox import Item
from quarterdeck.tui.risk import Level
from quarterdeck.tui.widgets.ages import age_text
from quarterdeck.tui.widgets.row_list import Cell, ListRow

_LOOKS = {Level.HIGH: "bad", Level.MEDIUM: "warning", Level.LOW: "muted"}
_SHOWN = 300


def inbox_row(item: Item, now_ms: int) -> ListRow:
    """Return the row: selected or not, risk, age, session, beginning of the exact text."""
    view, deciding = item.deciding.view, item.deciding
    sign = "x" if item.chosen else " "
    if deciding.held:
        state = "held"
    elif deciding.sending:
        state = "sent"
    elif deciding.settled:
        state = "over"
    else:
        state = item.risk.level.word
    line = clean(headline(deciding.asked.text)[:_SHOWN], strict=True)
    left = left_text(view.expires_at, now_ms)
    return ListRow(
        item.key,
        (
            Cell(f"[{sign}]", "accent" if item.chosen else "muted", 4),
            Cell(state, _LOOKS[item.risk.level] if item.open else "muted", 7),
            Cell(age_text(view.created_at, now_ms), "muted", 5),
            *([Cell(f"‹{left}›", "warning", 9)] if left else []),
            Cell(view.session_title or view.session_id, "text", 18),
            Cell("", "text", 1),
            Cell(line, "muted"),
        ),
    )
