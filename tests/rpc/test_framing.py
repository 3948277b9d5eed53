"""Bounded framing: whole lines in order, memory limited whatever comes (DESIGN §4)."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.rpc.framing import LINE_LIMIT, LineSplitter

LIMIT = 8
# Few different bytes and a small limit: newlines, long lines and their edges come up all the time.
streams = st.lists(st.sampled_from([b"\n", b"a", b"b", b"\xff", b"12345678"])).map(b"".join)


def expected(stream: bytes) -> list[tuple[bytes, bool]]:
    """Return data and cut flag of every line, by the plain definition."""
    *whole, rest = stream.split(b"\n")
    lines = [(line[:LIMIT], len(line) > LIMIT) for line in whole]
    return lines + [(rest[:LIMIT], True)] * (len(rest) > LIMIT)


@st.composite
def split_streams(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    stream = draw(streams)
    cuts = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    edges = [0, *cuts, len(stream)]
    return stream, [stream[a:b] for a, b in pairwise(edges)]


@given(split_streams())
def test_any_split_of_any_bytes_gives_the_same_lines(given: tuple[bytes, list[bytes]]) -> None:
    stream, chunks = given
    splitter = LineSplitter(limit=LIMIT)
    lines = [line for chunk in chunks for line in splitter.feed(chunk)]
    assert [(line.data, line.cut) for line in lines] == expected(stream)


@given(split_streams())
def test_consumed_and_held_account_for_every_byte(given: tuple[bytes, list[bytes]]) -> None:
    """After each chunk: what was consumed, then what is held, is exactly what came."""
    _, chunks = given
    splitter, fed = LineSplitter(limit=LIMIT), b""
    for chunk in chunks:
        splitter.feed(chunk)
        fed += chunk
        assert splitter.consumed + len(splitter.held) == len(fed)
        assert fed.endswith(splitter.held)
        assert len(splitter.held) <= LIMIT


@given(split_streams())
def test_a_reader_that_starts_again_at_any_line_repeats_and_skips_nothing(
    given: tuple[bytes, list[bytes]],
) -> None:
    """DESIGN §4: a new splitter, from the committed offset and with its flag, goes on exactly."""
    stream, chunks = given
    lines: list[tuple[bytes, bool]] = []
    offset, skipping = 0, False
    for end in [sum(map(len, chunks[: n + 1])) for n in range(len(chunks))]:
        splitter = LineSplitter(limit=LIMIT, skipping=skipping)
        lines += [(line.data, line.cut) for line in splitter.feed(stream[offset:end])]
        offset, skipping = offset + splitter.consumed, splitter.skipping
    assert lines == expected(stream)


@given(split_streams())
def test_each_line_tells_where_it_ends(given: tuple[bytes, list[bytes]]) -> None:
    """Restarting right after a line gives exactly the lines that follow it."""
    stream, _ = given
    lines = LineSplitter(limit=LIMIT).feed(stream)
    for number, line in enumerate(lines):
        rest = LineSplitter(limit=LIMIT, skipping=line.cut and not _at_newline(stream, line.end))
        assert [(x.data, x.cut) for x in rest.feed(stream[line.end :])] == [
            (x.data, x.cut) for x in lines[number + 1 :]
        ]


def _at_newline(stream: bytes, end: int) -> bool:
    return stream[end - 1 : end] == b"\n"


def test_a_line_of_the_limit_is_whole_and_one_byte_more_is_cut() -> None:
    splitter = LineSplitter()
    whole, cut, after = splitter.feed(
        b"x" * LINE_LIMIT + b"\n" + b"y" * (LINE_LIMIT + 1) + b"\nz\n"
    )
    assert (len(whole.data), whole.cut) == (LINE_LIMIT, False)
    assert (len(cut.data), cut.cut) == (LINE_LIMIT, True)
    assert (after.data, after.cut) == (b"z", False)


def test_a_cut_line_comes_before_its_newline_does() -> None:
    """So that a line without end cannot hold back what is known of it."""
    splitter = LineSplitter(limit=LIMIT)
    (line,) = splitter.feed(b"123456789")
    assert (line.data, line.cut, splitter.skipping) == (b"12345678", True, True)
    assert splitter.feed(b"still the same line") == []
    assert [x.data for x in splitter.feed(b"\nnext\n")] == [b"next"]


def test_empty_lines_are_lines() -> None:
    assert [line.data for line in LineSplitter().feed(b"\n\na\n")] == [b"", b"", b"a"]
