"""One line of the session list: what it shows, and how that is drawn."""

from collections.abc import Callable
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style

from quarterdeck.model.hostile_text import clean_line
from quarterdeck.model.states import Attention
from quarterdeck.tui.listed import Header, ListedRow
from quarterdeck.tui.widgets.cells import fit
from quarterdeck.tui.widgets.glyphs import Glyphs, state_word
from quarterdeck.tui.widgets.session_cells import (
    Columns,
    changes_cell,
    coarse_age,
    columns_for,
    context_cell,
    cost_cell,
    needs_cell,
    plan_cell,
)

STALE_WORD = "stale"
"""Said instead of a state that was true before the link went away."""
Look = Callable[..., Style]
"""Returns the style of one of the list's looks, later ones laid over earlier ones."""


class SessionLine(NamedTuple):
    """Everything a session's line shows: equal lines need no repaint."""

    attention: str
    """Empty if it is not known whether it is still true."""
    title: str
    agent: str
    status: str
    age: str
    needs: str
    plan: str
    context: str
    changes: str
    branch: str
    cost: str
    cursor: bool


class HeadLine(NamedTuple):
    """Everything the line of a group's header shows."""

    header: Header
    stale: bool
    cursor: bool


Line = SessionLine | HeadLine


class Shown(NamedTuple):
    """What lines depend on beside their rows."""

    glyphs: Glyphs
    columns: Columns
    now_ms: int
    stale: bool
    """Whether the states may no longer be true."""


def line_of(row: ListedRow, shown: Shown, *, cursor: bool) -> Line:
    """Return what the line of a row says."""
    if isinstance(row, Header):
        return HeadLine(row, shown.stale, cursor)
    pin = f"{shown.glyphs.pin} " if row.pinned else ""
    return SessionLine(
        attention="" if shown.stale else row.attention,
        title=pin + (row.title or row.session_id),
        agent=row.agent,
        status=STALE_WORD if shown.stale else state_word(row.state),
        age=coarse_age(row.state_since, shown.now_ms),
        needs=needs_cell(row),
        plan=plan_cell(row.plan, shown.columns.plan),
        context=context_cell(row.usage),
        changes=changes_cell(row.changes),
        branch=row.git_branch or "",
        cost=cost_cell(row.usage),
        cursor=cursor,
    )


def drawn(line: Line, width: int, glyphs: Glyphs, look: Look) -> list[Segment]:
    """Return a line of `width` cells, or a little more where that is very narrow."""
    if isinstance(line, HeadLine):
        return _head(line, width, glyphs, look)
    return _session(line, width, glyphs, look)


def _head(line: HeadLine, width: int, glyphs: Glyphs, look: Look) -> list[Segment]:
    header = line.header
    over = ("cursor",) if line.cursor else ()
    counts: list[Segment] = []
    for attention, count in header.counts:
        glyph = glyphs.stale if line.stale else glyphs.for_attention(attention)
        tone = _tone("" if line.stale else attention)
        counts.append(Segment(f" {glyph} {count}", look("header", tone, *over)))
    sign = glyphs.folded if header.folded else glyphs.unfolded
    room = max(0, width - sum(segment.cell_length for segment in counts) - 4)
    title = fit(clean_line(header.label[: room * 8 + 8]), room, ellipsis=glyphs.ellipsis)
    cursor = glyphs.cursor if line.cursor else " "
    style = look("header", *over)
    return [Segment(f"{cursor}{sign} {title}", style), *counts, Segment(" ", style)]


def _tone(attention: str) -> str:
    """Return the look of an attention; one that we do not know looks unknown."""
    if not attention:
        return "stale"
    known = attention in Attention.__members__.values()
    return attention if known else Attention.UNKNOWN.value


def _session(line: SessionLine, width: int, glyphs: Glyphs, look: Look) -> list[Segment]:
    columns = columns_for(width)
    over = ("cursor",) if line.cursor else ()

    def part(name: str, text: str, cells: int, right: bool = False) -> Segment:
        safe = fit(clean_line(text[: cells * 8 + 8]), cells, ellipsis=glyphs.ellipsis)
        told = safe.strip().rjust(cells) if right and safe.isascii() else safe
        return Segment(told, look(name, *over))

    tone = _tone(line.attention)
    calm = line.attention in (Attention.READ, Attention.UNREAD)
    glyph = glyphs.for_attention(line.attention) if line.attention else glyphs.stale
    room = max(0, width - columns.taken - 4)
    parts = [
        part(tone, glyphs.cursor if line.cursor else " ", 1),
        part(tone, glyph + " ", 2),
        part(tone if calm else "title", line.title, room),
        part("title", " ", 1),
    ]
    if columns.agent:
        parts.append(part("agent", line.agent, columns.agent + 1))
    if columns.with_age:
        parts.append(part(tone, line.status, 9))
        parts.append(part("age", line.age, columns.status - 9))
    else:
        parts.append(part(tone, line.status, columns.status))
    facts = (
        (line.plan, columns.plan, False),
        (line.context, columns.context, True),
        (line.cost, columns.cost, True),
        (line.branch, columns.branch, False),
        (line.changes, columns.changes, False),
    )
    for text, cells, right in facts:
        if cells:
            parts += [part("facts", " ", 1), part("facts", text, cells, right)]
    if columns.needs:
        parts.append(part("needs", " " + line.needs, columns.needs + 1))
    return parts
