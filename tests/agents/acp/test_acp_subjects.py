"""The exact text of an approval (DESIGN §5)."""

from typing import Any

import pytest

from quarterdeck.model.approval_text import subject


def _subject(raw_input: Any = None, content: Any = (), **call: Any) -> str:
    call |= {"raw_input": raw_input, "content": list(content)}
    return subject({"kind": "tool_call", "tool_call": call, "cwd": "/p"})


def _diff(new: str, old: str | None = "", path: str = "/p/a") -> dict[str, Any]:
    return {"type": "diff", "path": path, "old_text": old, "new_text": new}


def test_a_command_comes_first_and_every_other_argument_follows() -> None:
    text = _subject({"timeout": 5, "command": "make\nmake install", "cwd": "/p", "env": {"A": "1"}})
    assert text == 'make\nmake install\ntimeout: 5\nenv: {"A": "1"}'


def test_a_command_given_as_a_list_is_quoted() -> None:
    assert _subject({"command": ["sh", "-c", "a; b"]}) == "sh -c 'a; b'"


def test_a_second_command_is_not_hidden_by_the_first() -> None:
    assert _subject({"command": "ls", "cmd": "rm -r /"}) == "ls\ncmd: rm -r /"
    assert _subject({"command": "", "cmd": "rm -r /"}).startswith("rm -r /")


def test_another_directory_is_shown() -> None:
    assert _subject({"command": "ls", "workdir": "/other"}) == "ls\nworkdir: /other"


def test_an_edit_is_a_diff_without_repeating_path_and_text() -> None:
    text = _subject({"path": "/p/a", "content": "b\n", "mode": "w"}, [_diff("b\n", "a\n")])
    assert text == "--- /p/a\n+++ /p/a\n@@ -1 +1 @@\n-a\n+b\nmode: w"


@pytest.mark.parametrize("odd", ["\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_no_character_of_an_edit_is_lost(odd: str) -> None:
    """Only a newline cuts a line; other separators stay to be spelled out on the screen."""
    assert f"+a{odd}b" in _subject(None, [_diff(f"a{odd}b\n")])


def test_a_missing_last_newline_is_told() -> None:
    assert "No newline" in _subject(None, [_diff("a", "a\n")])
    assert "No newline" not in _subject(None, [_diff("a\n", "b\n")])


def test_a_new_empty_file_and_no_change_are_told_apart() -> None:
    assert _subject(None, [_diff("", None)]) == "/p/a: a new empty file"
    assert _subject(None, [_diff("x", "x")]) == "/p/a: no change of text"


def test_a_path_cannot_forge_lines_of_the_diff() -> None:
    text = _subject(None, [_diff("b\n", "a\n", path="/p/a\n+harmless")])
    assert "+harmless" not in text.splitlines()


def test_content_of_any_kind_is_shown() -> None:
    items = [
        {"type": "content", "content": {"type": "text", "text": "why"}},
        {"type": "hologram", "x": 1},
        {"type": "diff", "path": "/p/a"},
    ]
    text = _subject({"command": "ls"}, items)
    assert text == ('ls\nwhy\n{"type": "hologram", "x": 1}\n{"path": "/p/a", "type": "diff"}')


def test_without_details_the_title_is_told_as_a_claim() -> None:
    assert _subject(title="do things") == "(no details but the agent's own title: do things)"
    assert _subject(locations=[{"path": "/p/a"}]) == "/p/a"


@pytest.mark.parametrize("raw", ["text", 5, ["a"], "bad \ud800"])
def test_any_input_has_a_text_that_can_be_stored(raw: Any) -> None:
    assert _subject(raw).encode()
    assert _subject({"command": raw}).encode()
