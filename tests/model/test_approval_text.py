"""The exact text of what an approval would let happen (DESIGN §5, C5)."""

from typing import Any

from quarterdeck.model.approval_text import subject


def call(**members: Any) -> dict[str, Any]:
    return {"tool_call": members, "cwd": "/home/ada/project"}


def test_a_command_is_shown_as_it_is() -> None:
    assert subject(call(raw_input={"command": "make  test\n"})) == "make  test\n"


def test_every_other_argument_follows_by_name() -> None:
    raw = {"command": "make", "timeout": 5, "env": {"A": "1"}, "cwd": "/elsewhere"}
    lines = subject(call(raw_input=raw)).splitlines()
    assert lines[:2] == ["make", "timeout: 5"]
    assert 'env: {"A": "1"}' in lines
    assert "cwd: /elsewhere" in lines


def test_the_directory_is_left_out_only_where_it_is_the_one_shown_anyway() -> None:
    assert subject(call(raw_input={"command": "make", "cwd": "/home/ada/project"})) == "make"


def test_a_command_that_is_a_list_is_quoted_so_that_its_words_stay_apart() -> None:
    text = subject(call(raw_input={"command": ["rm", "-rf", "a b"]}))
    assert text == "rm -rf 'a b'"


def test_an_edit_is_shown_as_a_diff() -> None:
    change = {"type": "diff", "path": "a.txt", "old_text": "one\ntwo\n", "new_text": "one\n2\n"}
    assert subject(call(content=[change])).splitlines() == [
        "--- a.txt",
        "+++ a.txt",
        "@@ -1,2 +1,2 @@",
        " one",
        "-two",
        "+2",
    ]


def test_a_new_file_is_a_diff_from_nothing() -> None:
    change = {"type": "diff", "path": "new.txt", "old_text": None, "new_text": "x\n"}
    lines = subject(call(content=[change])).splitlines()
    assert lines[:2] == ["--- /dev/null", "+++ new.txt"] and lines[-1] == "+x"


def test_several_edits_are_all_shown() -> None:
    changes = [
        {"type": "diff", "path": f"{n}.txt", "old_text": "", "new_text": f"text {n}"}
        for n in range(3)
    ]
    text = subject(call(content=changes))
    assert all(f"+text {n}" in text for n in range(3))


def test_arguments_the_diff_shows_whole_are_not_repeated_and_others_are() -> None:
    change = {"type": "diff", "path": "a.txt", "old_text": "", "new_text": "body"}
    raw = {"path": "a.txt", "content": "body", "mode": "0777"}
    text = subject(call(raw_input=raw, content=[change]))
    assert text.count("body") == 1 and "mode: 0777" in text


def test_text_beside_a_command_is_shown_too() -> None:
    said = {"type": "content", "content": {"type": "text", "text": "It changes what users see."}}
    text = subject(call(raw_input={"command": "deploy"}, content=[said]))
    assert text.splitlines() == ["deploy", "It changes what users see."]


def test_input_that_is_no_object_is_shown() -> None:
    assert subject(call(raw_input="rm -rf /")) == "rm -rf /"
    assert "rm" in subject(call(raw_input=["rm"]))


def test_without_details_the_places_are_shown_and_without_those_that_is_said() -> None:
    assert subject(call(locations=[{"path": "/etc/passwd"}])) == "/etc/passwd"
    assert "no details" in subject(call())
    assert "no details" in subject(call(raw_input={}, content=[], locations=[]))


def test_a_question_without_a_tool_call_is_its_text_or_all_of_it() -> None:
    assert subject({"text": "Resume?"}) == "Resume?"
    assert '"other": 1' in subject({"other": 1})


def test_a_claimed_title_is_never_part_of_it() -> None:
    assert "harmless" not in subject(call(title="harmless", raw_input={"command": "rm x"}))


def test_nothing_of_the_input_is_left_unseen() -> None:
    """Also members that look like a command beside the one that is taken for it."""
    text = subject(call(raw_input={"command": "ls", "cmd": "rm -rf /"}))
    assert "ls" in text and "rm -rf /" in text


def test_a_change_of_line_ends_only_is_shown() -> None:
    change = {"type": "diff", "path": "a", "old_text": "x\n", "new_text": "x"}
    assert "No newline at end of file" in subject(call(content=[change]))
    change = {"type": "diff", "path": "a", "old_text": "x\n", "new_text": "x\r\n"}
    assert "+x\r" in subject(call(content=[change]))


def test_a_path_cannot_forge_lines_of_its_diff() -> None:
    change = {"type": "diff", "path": "a\n+++ b", "old_text": "", "new_text": "x\n"}
    lines = subject(call(content=[change])).split("\n")
    assert [line for line in lines if line.startswith("+++")] == ["+++ a\\n+++ b"]


def test_it_can_always_be_stored() -> None:
    assert subject(call(raw_input={"command": "echo \ud800"})) == "echo \\ud800"


def test_content_that_is_not_understood_is_shown_raw() -> None:
    odd = {"type": "diff", "path": 7, "new_text": "x"}
    assert '"path": 7' in subject(call(content=[odd]))
    assert subject(call(content="no list")).startswith("(no details")
