"""Output as blocks (A11)."""

import pytest

from quarterdeck.model.records import EventView
from quarterdeck.tui.widgets import output_blocks
from quarterdeck.tui.widgets.output_blocks import BlockKind, OutputBlocks
from tests.tui.widgets.line_host import event


def blocks_of(*events: EventView, cursor: int | None = None) -> OutputBlocks:
    blocks = OutputBlocks()
    blocks.add(events, cursor if cursor is not None else events[-1].seq)
    return blocks


def shown(blocks: OutputBlocks) -> list[tuple[str, str, bool]]:
    return [(block.kind.value, block.text or block.head, block.closed) for block in blocks.blocks]


def test_chunks_of_one_message_are_one_block() -> None:
    blocks = blocks_of(
        event(1, text="Hel", message_id="m1"),
        event(2, text="lo", message_id="m1"),
        event(3, text="next", message_id="m2"),
    )
    assert shown(blocks) == [("message", "Hello", True), ("message", "next", False)]


def test_without_an_id_only_adjacent_chunks_are_one_message() -> None:
    """Between the chunks 2 and 5 the agent called a tool, which is no output."""
    blocks = blocks_of(event(1, text="a "), event(2, text="b"), event(5, text="after"))
    assert shown(blocks) == [("message", "a b", True), ("message", "after", False)]


def test_a_message_is_closed_by_what_comes_after_it() -> None:
    done = ("terminal_status", {"stop_reason": "end_turn"})
    blocks = blocks_of(event(1, text="hi"), event(2, done[0], **done[1]))
    assert shown(blocks) == [("message", "hi", True), ("turn-end", "turn ended: end_turn", True)]
    assert shown(blocks_of(event(1, text="hi"), cursor=2)) == [("message", "hi", True)]
    assert shown(blocks_of(event(1, text="hi"))) == [("message", "hi", False)]


def test_a_message_interrupted_by_others_goes_on_in_its_block() -> None:
    blocks = OutputBlocks()
    blocks.add([event(1, text="one ", message_id="m")], 3)
    blocks.add([event(4, text="two ", message_id="m")], 6)
    blocks.add([event(7, text="three", message_id="m")], 9)
    assert shown(blocks) == [("message", "one two three", False)]


def test_a_long_message_becomes_pieces_when_it_is_finished() -> None:
    text = "words and words\n\n" * 1000
    blocks = blocks_of(event(1, text=text))
    assert len(blocks) == 1
    blocks.add([], 2)
    assert len(blocks) > 5
    assert "".join(block.text for block in blocks.blocks) == text
    numbers = [block.number for block in blocks.blocks]
    assert numbers == sorted(set(numbers))


def test_a_message_too_long_for_markdown_stays_one_block() -> None:
    blocks = blocks_of(event(1, text="words\n\n" * 20_000), cursor=2)
    assert len(blocks) == 1


def test_output_of_one_command_is_one_block_of_bounded_size() -> None:
    chunk = "line\n" * 1000
    events = [event(n, "command_output", tool_call_id="c1", text=chunk) for n in range(1, 51)]
    blocks = blocks_of(*events)
    (block,) = blocks.blocks
    assert block.size < 100_000
    assert block.breaks + block.hidden_lines == 50_000


def test_a_diff_is_kept_as_its_lines() -> None:
    blocks = blocks_of(event(1, "diff", path="a.py", old_text="a\n", new_text="b\n"))
    (block,) = blocks.blocks
    assert block.head == "a.py +1 -1"
    assert block.text.split("\n")[1:] == ["-a", "+b"]


def test_the_oldest_blocks_go_and_a_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_blocks, "MAX_BLOCKS", 10)
    blocks = OutputBlocks()
    for seq in range(1, 100):
        blocks.add([event(seq, "error", message=f"e{seq}")], seq)
    assert len(blocks) == 11
    assert blocks.blocks[0].kind is BlockKind.NOTE
    assert [block.text for block in blocks.blocks[1:]] == [f"e{n}" for n in range(90, 100)]


def test_the_text_of_all_blocks_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_blocks, "MAX_TEXT", 5_000)
    blocks = OutputBlocks()
    for seq in range(1, 100):
        blocks.add([event(seq, text="x" * 1000, message_id=str(seq))], seq)
    assert sum(block.size for block in blocks.blocks) <= 5_000
    assert blocks.blocks[0].kind is BlockKind.NOTE


def test_one_endless_message_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_blocks, "MAX_MESSAGE", 5_000)
    blocks = OutputBlocks()
    for seq in range(1, 100):
        blocks.add([event(seq, text="x" * 1000)], seq)
    (block,) = blocks.blocks
    assert (block.size, block.hidden_chars) == (5_000, 94_000)
