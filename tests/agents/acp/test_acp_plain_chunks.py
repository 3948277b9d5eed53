"""Chunks that are read in a row come out as if each had been read by itself (A2, DESIGN §4)."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quarterdeck.agents.acp.driver import AcpDriver
from quarterdeck.agents.acp.facts import Event, Fact
from tests.agents.acp.conversation import SESSION, events, opened

KINDS = ("agent_message_chunk", "agent_thought_chunk")
TEXTS = st.text(max_size=12) | st.sampled_from(
    ["", "plain", 'a "quote"', "\n", "\\", "\\n", "é", "\U0001f600", "\ud800", "\x7f", "qd7probe"]
)


def line(
    text: Any, kind: str = KINDS[0], message: Any = None, *, ascii_: bool, wide: bool
) -> bytes:
    update: dict[str, Any] = {"sessionUpdate": kind, "content": {"type": "text", "text": text}}
    if message is not None:
        update["messageId"] = message
    told = {
        "jsonrpc": "2.0",
        "method": "session/update",
        "params": {"sessionId": SESSION, "update": update},
    }
    separators = (", ", ": ") if wide else (",", ":")
    written = json.dumps(told, ensure_ascii=ascii_, separators=separators)
    return written.encode("utf-8", "surrogatepass")


def other(raw: bytes) -> st.SearchStrategy[bytes]:
    """A line that looks like a chunk and is another thing."""
    return st.sampled_from(
        [
            raw.replace(b'"text": "', b'"text": 7, "text": "'),
            raw.replace(b'"text": "', b'"text": "x", "text": "'),
            raw.replace(b'"}}', b'", "text": "last"}}'),
            raw.replace(SESSION.encode(), b"another"),
            raw.replace(b'"text": "', b'"text": "\\q'),
            raw.replace(b'"text": "', b'"text": "\\u12'),
            raw.replace(b'"text": "', b'"text": "\xff'),
            raw.replace(b'"text": "', b'"text": "\x01'),
            raw.replace(b"}", b"", 1),
            raw + b" ",
            raw + b"\r",
            raw + b"x",
            b'{"jsonrpc": "2.0", "method": "session/update"}',
            b"",
            b"not json",
        ]
    )


LINES = st.builds(
    line,
    TEXTS,
    st.sampled_from(KINDS),
    st.sampled_from([None, "m1", "plain", "m2", 7]),
    ascii_=st.booleans(),
    wide=st.sampled_from([True, True, False]),
)
ANY = LINES.flatmap(lambda raw: st.just(raw) | st.just(raw) | st.just(raw) | other(raw))
STREAMS = st.lists(st.tuples(ANY, st.integers(1, 4)), min_size=1, max_size=12)


def ready_driver() -> AcpDriver:
    return opened().driver


def by_lines(driver: AcpDriver, data: bytes) -> list[Fact]:
    return [fact for raw in data.split(b"\n")[:-1] for fact in driver.receive(raw)]


def in_rows(driver: AcpDriver, data: bytes) -> tuple[list[Fact], int]:
    """Read as ingestion does, and count the chunks that were read in a row."""
    facts: list[Fact] = []
    at = rows = 0
    while at < len(data):
        said = driver.receive_chunks(data, at)
        if said is None:
            stop = data.index(b"\n", at)
            facts += driver.receive(data[at:stop])
            at = stop + 1
            continue
        assert [data[start - 1 : start] in (b"", b"\n") for start in said.starts]
        assert said.starts[0] == at
        facts += [Event(said.type, {**said.more, "text": text}) for text in said.texts]
        rows += len(said.texts)
        at = said.end
    return facts, rows


@given(STREAMS)
@settings(max_examples=300, deadline=None)
def test_whatever_comes_is_read_as_line_by_line(stream):
    data = b"".join((raw + b"\n") * times for raw, times in stream)
    found, _ = in_rows(ready_driver(), data)
    assert found == by_lines(ready_driver(), data)


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("message", [None, "m1"])
def test_chunks_of_one_message_are_read_in_a_row_from_the_third_on(wide, message):
    texts = [f"word {n}\n" for n in range(50)]
    data = b"".join(line(t, message=message, ascii_=True, wide=wide) + b"\n" for t in texts)
    found, rows = in_rows(ready_driver(), data)
    assert found == by_lines(ready_driver(), data)
    assert rows == len(texts) - 2


def test_a_text_that_is_also_something_else_of_the_line_changes_only_the_text():
    data = b"".join(
        line(text, message="plain", ascii_=True, wide=True) + b"\n"
        for text in ("plain", "plain", "more")
    )
    found, rows = in_rows(ready_driver(), data)
    assert rows == 1
    assert events(found)[-1] == {"text": "more", "message_id": "plain"}


def test_a_row_ends_at_a_line_that_is_not_whole():
    whole = line("a", ascii_=True, wide=True) + b"\n"
    driver = ready_driver()
    by_lines(driver, whole * 2)
    said = driver.receive_chunks(whole * 3 + whole[:-1], 0)
    assert said is not None
    assert (len(said.texts), said.end) == (3, 3 * len(whole))
    assert driver.receive_chunks(whole[:-1], 0) is None


def test_a_replay_is_not_read_in_a_row():
    """What an agent repeats of its history is counted and makes no event (R8)."""
    driver = ready_driver()
    whole = line("a", ascii_=True, wide=True) + b"\n"
    by_lines(driver, whole * 2)
    driver._state.replaying = True
    assert driver.receive_chunks(whole * 3, 0) is None
