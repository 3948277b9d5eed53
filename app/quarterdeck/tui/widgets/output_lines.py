"""The lines of prompts, tool calls, output, diffs and errors, drawn once they are on the screen."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from quarterdeck.tui.widgets.cells import fit
from quarterdeck.tui.widgets.glyphs import Glyphs
from quarterdeck.tui.widgets.output_ansi import coloured, readable
from quarterdeck.tui.widgets.output_blocks import MAX_LINES, Block, BlockKind, lines_left
from quarterdeck.tui.widgets.output_cards import Change, ToolCard
from quarterdeck.tui.widgets.text_rows import TextRows

_MAX_SUBJECT_ROWS = 40
_STATUS_LOOKS = {
    "pending": "card-pending",
    "in_progress": "card-running",
    "completed": "card-done",
}
_STATUS_WORDS = {"in_progress": "running", "completed": "done"}


@dataclass(frozen=True)
class Looks:
    """The styles and glyphs of the output."""

    base: Style
    style: Callable[[str], Style]
    """Takes `assistant`, `command`, `added`, …, the last part of a component class's name."""
    markdown: Mapping[str, Style]
    glyphs: Glyphs


def block_lines(block: Block, width: int, looks: Looks) -> list[Strip]:
    """Return the lines of a block that is no message, without the blank one behind it."""
    return _DRAWN[block.kind](block, width, looks)


def _line(text: str, width: int, style: Style, looks: Looks) -> Strip:
    return Strip([Segment(fit(text, width, ellipsis=looks.glyphs.ellipsis), style)], width)


def _turn_end(block: Block, width: int, looks: Looks) -> list[Strip]:
    rule = looks.glyphs.rule
    text = f"{rule}{rule} {block.head} "
    text += rule * (width - len(text))
    return [_line(text, width, looks.style("turn-end"), looks)]


def _note(block: Block, width: int, looks: Looks) -> list[Strip]:
    text = f"{looks.glyphs.ellipsis} {block.head}"
    return [_line(text, width, looks.style("note"), looks)]


def _signed(block: Block, sign: str, width: int, style: Style, looks: Looks) -> list[Strip]:
    """A text wrapped by word with a sign before its first line."""
    text = block.text
    rows = TextRows(width - 2, by_word=True, max_rows=MAX_LINES)
    rows.extend(text)
    strips = [
        _line(f"{' ' if row else sign} {rows.row(text, row)}", width, style, looks)
        for row in range(len(rows))
    ]
    left = lines_left(text[rows.end :], block.hidden_chars, block.hidden_lines)
    return strips + _more(left, width, looks)


def _error(block: Block, width: int, looks: Looks) -> list[Strip]:
    sign = looks.glyphs.for_event("error")
    return _signed(block, sign, width, looks.style("error"), looks)


def _prompt(block: Block, width: int, looks: Looks) -> list[Strip]:
    sign = looks.glyphs.for_event("user_message")
    return _signed(block, sign, width, looks.style("prompt"), looks)


def _command(block: Block, width: int, looks: Looks) -> list[Strip]:
    head = looks.style("command-header")
    sign = looks.glyphs.for_event("command_output")
    strips = [_line(f"{sign} {block.head}", width, head, looks)]
    return strips + _output(block.text, block.hidden_chars, block.hidden_lines, width, looks)


def _diff(block: Block, width: int, looks: Looks) -> list[Strip]:
    return _changed(block.head, block.text, block.hidden_lines, width, looks)


def _output(
    raw: str, hidden_chars: int, hidden_lines: int, width: int, looks: Looks
) -> list[Strip]:
    """Up to 200 rows of a command's output, which keep their columns and their colours."""
    found = coloured(raw)
    text, base = found.text, looks.style("command")
    rows = TextRows(width - 2, by_word=False, max_rows=MAX_LINES)
    rows.extend(text)
    margin = Segment(f"{looks.glyphs.bar} ", looks.style("command-header"))
    strips: list[Strip] = []
    for index in range(len(rows)):
        start = rows.start(index)
        pieces = found.pieces(start, start + len(rows.row(text, index)))
        segments = [Segment(part, readable(style, base)) for part, style in pieces]
        line = Strip([margin, *segments])
        strips.append(line.adjust_cell_length(width, base))
    return strips + _more(lines_left(text[rows.end :], hidden_chars, hidden_lines), width, looks)


def _changed(head: str, text: str, hidden: int, width: int, looks: Looks) -> list[Strip]:
    """A header and up to 200 rows of a diff."""
    look = looks.style("diff-header")
    sign = looks.glyphs.for_event("diff")
    strips = [_line(f"{sign} {head}", width, look, looks)]
    rows = TextRows(width - 2, by_word=False, max_rows=MAX_LINES)
    rows.extend(text)
    margin = Segment(f"{looks.glyphs.bar} ", look)
    style = looks.style("diff")
    begins_line = True
    for index in range(len(rows)):
        row = rows.row(text, index)
        if begins_line:
            style = looks.style(_DIFF_TONES.get(row[:1], "diff"))
        begins_line = rows.ends_line(text, index)
        fitted = fit(row, width - 2, ellipsis=looks.glyphs.ellipsis)
        strips.append(Strip([margin, Segment(fitted, style)]))
    return strips + _more(lines_left(text[rows.end :], 0, hidden), width, looks)


def _more(left: int, width: int, looks: Looks) -> list[Strip]:
    if not left:
        return []
    noun = "line" if left == 1 else "lines"
    text = f"  {looks.glyphs.ellipsis} {left:,} {noun} more (open the trace)"
    return [_line(text, width, looks.style("note"), looks)]


def _card(block: Block, width: int, looks: Looks) -> list[Strip]:
    card = block.card or ToolCard()
    strips = [_card_head(card, width, looks)]
    if not card.opened:
        return strips
    if card.subject:
        strips += _subject(card.subject, width, looks)
    if card.output_size:
        strips += _output(card.output, card.hidden_chars, card.hidden_lines, width, looks)
    strips += _changes(card.changes, width, looks)
    if card.changes_left:
        note = f"  {looks.glyphs.ellipsis} {card.changes_left:,} changes more (open the trace)"
        strips.append(_line(note, width, looks.style("note"), looks))
    if len(strips) == 1:
        strips.append(_line("  nothing more is known of it", width, looks.style("note"), looks))
    return strips


def _card_head(card: ToolCard, width: int, looks: Looks) -> Strip:
    """One line: what it is to the left, how it stands to the right; the title gives way."""
    glyphs = looks.glyphs
    sign = glyphs.unfolded if card.opened else glyphs.folded
    look = looks.style(_STATUS_LOOKS.get(card.status, "card-failed" if card.status else "note"))
    word = _STATUS_WORDS.get(card.status, card.status)
    said = [card.duration, "not asked" if card.unasked else "", card.lines_changed, word]
    about = "  ".join(filter(None, said)) if width >= _WITH_WORDS else word
    mark = glyphs.for_tool(card.status)
    about = fit(about, min(cell_len(about), width // 2), ellipsis=glyphs.ellipsis)
    status = f" {about} {mark} " if about else f" {mark} "
    room = max(0, width - len(status))
    title = fit(f"{sign} {card.name}", room, ellipsis=glyphs.ellipsis)
    segments = [Segment(title, looks.style("card")), Segment(status, look)]
    return Strip(segments).adjust_cell_length(width, looks.base)


def _subject(text: str, width: int, looks: Looks) -> list[Strip]:
    rows = TextRows(width - 2, by_word=False, max_rows=_MAX_SUBJECT_ROWS)
    rows.extend(text)
    style = looks.style("card-subject")
    shown = [_line(f"  {rows.row(text, index)}", width, style, looks) for index in range(len(rows))]
    return shown + _more(lines_left(text[rows.end :], 0, 0), width, looks)


def _changes(changes: Iterable[Change], width: int, looks: Looks) -> list[Strip]:
    strips: list[Strip] = []
    for change in changes:
        strips += _changed(change.head, "\n".join(change.lines), change.hidden, width, looks)
    return strips


_WITH_WORDS = 48
"""Cells from which on a card's line has more than its status."""
_DIFF_TONES = {"+": "added", "-": "removed", "@": "hunk"}
_DRAWN: dict[BlockKind, Callable[[Block, int, Looks], list[Strip]]] = {
    BlockKind.PROMPT: _prompt,
    BlockKind.CARD: _card,
    BlockKind.COMMAND: _command,
    BlockKind.DIFF: _diff,
    BlockKind.ERROR: _error,
    BlockKind.TURN_END: _turn_end,
    BlockKind.NOTE: _note,
}
