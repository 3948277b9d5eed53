"""Colours of code in messages."""

import pytest
from rich.style import Style

from quarterdeck.model.hostile_text import clean, drop_unsafe
from quarterdeck.tui.widgets import output_code
from quarterdeck.tui.widgets.markdown_strips import markdown_strips
from quarterdeck.tui.widgets.output_code import _LEXERS, code_looks


def test_code_is_told_apart_by_what_it_is():
    code = "def f():\n    return 'x'  # why\n"
    looks = dict(code_looks(code, "py"))
    assert looks[code.index("def")] == "code-keyword"
    assert looks[code.index("f()")] == "code-name"
    assert looks[code.index("'x'")] == "code-string"
    assert looks[code.index("# why")] == "code-comment"


@pytest.mark.parametrize("language", sorted(_LEXERS))
def test_every_language_of_the_table_has_its_lexer(language: str):
    code_looks("x = 1\n", language)
    assert language in output_code._lexers


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("def f(): pass", "brainfuck"),
        ("def f(): pass", "../../x"),
        ("def f(): pass\n" * 1000, "python"),
        ("x = '" + "a" * 2000, "python"),
    ],
    ids=["unlisted", "path", "long", "long line"],
)
def test_what_is_unknown_or_long_is_plain(code: str, language: str):
    assert code_looks(code, language) == []


@pytest.mark.parametrize(
    "bad", ["\x1b[31m\x9b\u202e\u200b\ue000", "[@click=app.quit]x[/]", "漢字\u0301\u200d👩‍👧" * 40]
)
def test_coloured_code_keeps_every_character_and_no_unsafe_one(bad: str):
    code = clean(f"x = '{bad}'  # {bad}")
    strips = markdown_strips(f"```python\n{code}\n```", 60, Style(), {})
    assert strips is not None
    assert "".join(strip.text[2:].rstrip() for strip in strips).replace(" ", "") == code.replace(
        " ", ""
    )
    assert all(drop_unsafe(strip.text) == strip.text for strip in strips)
    assert {strip.cell_length for strip in strips} == {60}


def test_a_line_break_in_a_message_is_a_line_break():
    strips = markdown_strips("one\ntwo **b**\n\n- a\n  b\n", 20, Style(), {})
    assert strips is not None
    assert [strip.text.rstrip() for strip in strips] == ["one", "two b", "", " • a", "   b"]
