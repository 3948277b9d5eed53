"""Which word before the cursor can be completed, and with what."""

import pytest

from quarterdeck.tui.widgets.prompt_completion import (
    Completes,
    Partial,
    commands_for,
    partial_at,
)


@pytest.mark.parametrize(
    ("row", "before", "wanted"),
    [
        (0, "@", Partial(Completes.FILE, 0, 0, "")),
        (3, "see @src/ma", Partial(Completes.FILE, 3, 4, "src/ma")),
        (0, "/", Partial(Completes.COMMAND, 0, 0, "")),
        (0, "/com", Partial(Completes.COMMAND, 0, 0, "com")),
        (1, "/com", None),
        (0, "a /com", None),
        (0, "/com x", None),
        (0, "me@home", None),
        (0, "@a b", None),
        (0, "@" + "x" * 300, None),
        (0, "", None),
    ],
)
def test_the_word_before_the_cursor(row: int, before: str, wanted: Partial | None):
    assert partial_at(row, before) == wanted


def test_commands_that_begin_so_come_first():
    offered = (("pre-review", ""), ("review", "r"), ("", "nameless"), ("x\x1b", ""))
    assert [choice.name for choice in commands_for("Rev", offered)] == ["review", "pre-review"]
    assert [choice.name for choice in commands_for("", offered)][-1] == "x\\x1b"
