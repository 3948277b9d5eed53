"""Cuts a finished message where Markdown allows it, so that only what is shown is parsed."""

import re
from collections.abc import Iterator

_PIECE = 2_048
"""Characters a piece has at least, but for the last one."""
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_STARTS_ANEW = re.compile(r"(?:[-*+] |\d{1,9}[.)] |#{1,6} )")


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Yield parts of a Markdown text that can be rendered one by one.

    A part begins at an unindented line after a blank one, at an item of a list or at a
    heading, and never inside a code fence. With each part comes whether a blank line follows.
    """
    start = position = 0
    fence = ""
    after_blank = False
    for line in text.splitlines(keepends=True):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line[mark.end() :].strip():
                fence = ""
        else:
            unindented = bool(line.strip()) and not line[0].isspace()
            if (
                position - start >= _PIECE
                and unindented
                and (after_blank or _STARTS_ANEW.match(line))
            ):
                yield text[start:position], after_blank
                start = position
            if mark:
                fence = mark[1]
        after_blank = not line.strip()
        position += len(line)
    if start < len(text):
        yield text[start:], True
