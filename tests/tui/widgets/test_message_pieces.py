"""Where a finished message may be cut."""

from quarterdeck.tui.widgets.message_pieces import pieces

PARAGRAPH = "some words " * 250 + "\n\n"
ITEM = "- an item of a list\n"


def test_pieces_together_are_the_message() -> None:
    text = "# Head\n\n" + PARAGRAPH * 5 + ITEM * 400 + "end"
    assert "".join(part for part, _ in pieces(text)) == text
    assert len(list(pieces(text))) > 5


def test_a_code_fence_is_never_cut() -> None:
    code = "```py\n" + "x = 1\n\n# not a heading\n" * 300 + "```\n"
    parts = [part for part, _ in pieces(PARAGRAPH + code + "\n" + PARAGRAPH)]
    assert code in "".join(parts[1:2])
    assert parts[2].startswith("some words")


def test_a_longer_fence_holds_a_shorter_one() -> None:
    code = "````\n```\n" + "text\n\n" * 600 + "```\n````\n"
    assert len(list(pieces(code))) == 1


def test_a_cut_within_a_list_asks_for_no_blank_line() -> None:
    spaced = [follows for _, follows in pieces(ITEM * 400)]
    assert spaced[:-1] == [False] * (len(spaced) - 1)
    assert spaced[-1]


def test_a_short_message_is_one_piece() -> None:
    assert list(pieces("a\n\nb")) == [("a\n\nb", True)]
    assert list(pieces("")) == []
