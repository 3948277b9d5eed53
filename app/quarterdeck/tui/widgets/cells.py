"""Text cut and filled to an exact number of terminal cells."""

from rich.cells import cell_len, get_character_cell_size

_JOINER = "\u200d"
_EMOJI_STYLE = "\ufe0f"


def end_of_cells(text: str, start: int, cells: int) -> int:
    """Return the index before which `text[start:]` fills at most `cells` cells.

    What has no width stays with the character before it, joined emoji stay whole. The end is
    never more than eight code points per cell away, so that stacked marks cost nothing.
    """
    used = 0
    index = start
    joined = False
    last = min(len(text), start + cells * 8)
    while index < last:
        char = text[index]
        if joined or char == _JOINER:
            size = 0
            joined = not joined
        elif char == _EMOJI_STYLE:
            size = cell_len(text[start : index + 1]) - used
        else:
            size = get_character_cell_size(char)
        if used + size > cells and index > start:
            break
        used += size
        index += 1
    return index


def fit(text: str, cells: int, *, ellipsis: str = "…") -> str:
    """Return safe one-line `text` as exactly `cells` cells: filled with blanks or cut."""
    if cells <= 0:
        return ""
    if text.isascii():
        if len(text) <= cells:
            return text.ljust(cells)
        return text[: cells - 1] + ellipsis
    # More code points than could be shown are not even measured.
    width = cell_len(text) if len(text) <= cells * 8 else cells + 1
    if width <= cells:
        return text + " " * (cells - width)
    cut = text[: end_of_cells(text, 0, cells - 1)] if cells > 1 else ""
    room = cells - 1 - cell_len(cut)
    if room < 0:  # a wide character in a single cell
        cut, room = "", cells - 1
    return cut + ellipsis + " " * room
