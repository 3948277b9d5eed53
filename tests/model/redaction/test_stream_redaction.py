"""A secret split over chunks is in no released text; nothing else is changed or delayed."""

import json
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quarterdeck.model.redaction.redactor import Redactor
from quarterdeck.model.redaction.stream import StreamRedactor
from quarterdeck.model.redaction.user_patterns import compile_all
from tests.model.redaction.secret_samples import HARMLESS, PRIVATE_KEY, SAMPLES

PATTERNS = compile_all([r"ACME-[A-Z]{2,8}\d{4}\b", r"\bnode-\w+\.corp", r"(?i)blue(?:bird)?!"])
SECRETS = {
    "$PLUM": "plum-1234-pear",
    "$PLUMS": "plum-1234-pear-5678",
    "$ODD": "ghp_:- =aé",
    "$TAIL": "kiwi-99-token",
    "$LINE": "fig_77_",
}
REDACTOR = Redactor(PATTERNS, SECRETS)

FRAGMENTS = [
    *(around.format(secret) for _, around, secret in SAMPLES if len(secret) < 400),
    *HARMLESS,
    "plum-1234-pear-5678", "plum-1234-pear", "plum-", "ghp_", "ghp_:- =aé", "ACME-ABC1234", "ACME-",
    "node-12.corp", "BlueBird!", "token=", "password: ", "Bearer ", "authorization:", "://u:", "@h",
    "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "-----END", "--", "-", "eyJ", ".",
    "sk-", "ant-", "AKIA", "A" * 16, "a1B2" * 20, "‹redacted x short›", " ", "\n", '"', "\\n",
    "é", "_", "kiwi-99-token", "fig_77_", "--token ", "--password x1x1x1x1 ", "İ",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=5), max_size=8).map("".join)


class Journal:
    """Chunks by the offset they were fed with."""

    def __init__(self) -> None:
        self.texts: dict[int, str] = {}

    def note(self, text: str) -> int:
        at = len(self.texts) * 100
        self.texts[at] = text
        return at

    def text_at(self, at: int) -> str | None:
        return self.texts.get(at)


def released(chunks: list[str], redactor: Redactor = REDACTOR, key: str = "m") -> list[str]:
    """Return what a stream of these chunks releases, and last what its end does."""
    streams = StreamRedactor(redactor)
    texts = [streams.feed(key, chunk, at) for at, chunk in enumerate(chunks)]
    return [*texts, streams.flush(key)]


def cut(text: str, places: list[int]) -> list[str]:
    bounds = [0, *sorted(min(place, len(text)) for place in places), len(text)]
    return [text[begin:end] for begin, end in pairwise(bounds)]


@pytest.mark.parametrize(
    ("kind", "around", "secret"), SAMPLES, ids=[f"{n}-{s[0]}" for n, s in enumerate(SAMPLES)]
)
def test_a_secret_split_anywhere_is_found(kind: str, around: str, secret: str) -> None:
    """A2: all ways of cutting the text in two, and one of single characters."""
    text = around.format(secret)
    whole = REDACTOR.redact(text)
    assert f"redacted {kind}" in whole
    for place in range(len(text) + 1):
        assert "".join(released([text[:place], text[place:]])) == whole
    assert "".join(released(list(text))) == whole


@settings(max_examples=400, deadline=None)
@given(TEXTS, st.lists(st.integers(0, 900), max_size=12))
@example("token: 5 ghp_", [6, 9])
@example("authorization: bearer abcdefg1", [18, 21])
def test_chunks_do_not_matter(text: str, places: list[int]) -> None:
    """For any text and any cuts the released texts together are the redacted whole."""
    assert "".join(released(cut(text, places))) == REDACTOR.redact(text)


UNPATTERNED = Redactor((), SECRETS)
PLAIN = st.text("abc p\n", min_size=1, max_size=9)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(PLAIN | TEXTS.filter(bool), min_size=1, max_size=24),
    st.lists(st.integers(1, 24), max_size=5),
    st.sampled_from([REDACTOR, UNPATTERNED, Redactor()]),
)
@example(["say plum-12", "34-pear"], [2], UNPATTERNED)
@example(["my ghp", "_a1B2c3D4e5F6g7H8i9J0k1L2m3N4 ok"], [2], UNPATTERNED)
@example(["a", "k" * 5000, "plum", "-1234-pear", "b"], [5], UNPATTERNED)
def test_chunks_that_are_taken_together_come_out_as_one_by_one(
    chunks: list[str], sizes: list[int], redactor: Redactor
) -> None:
    """Texts and state are the same, so nothing of a secret passes with its neighbours."""
    together, single = StreamRedactor(redactor), StreamRedactor(redactor)
    at = 0
    for size in [*sizes, len(chunks)]:
        part = range(at, min(at + size, len(chunks)))
        texts = [chunks[n] for n in part]
        if texts:
            found = together.feed_all("m", texts, part)
            assert found == [single.feed("m", chunks[n], n) for n in part]
            assert together.dirty
            assert together.to_state() == single.to_state()
        at += size
    assert together.flush("m") == single.flush("m")


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_single_characters_do_not_matter(text: str) -> None:
    """The smallest chunks there are."""
    assert "".join(released(list(text))) == REDACTOR.redact(text)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), min_size=150, max_size=400).map("".join), st.data())
def test_blocks_do_not_matter(text: str, data: st.DataObject) -> None:
    """Texts longer than what is scanned at once."""
    places = data.draw(st.lists(st.integers(0, len(text)), max_size=20))
    assert "".join(released(cut(text, places))) == REDACTOR.redact(text)


@pytest.mark.parametrize(
    "chunk",
    ["hello ", "count ", "hello", "to", "the pass", "token", "token: ", "ghp_", "a sk-", "https://",
     "my password is", "Authorization: ", "-----BEGIN ", "größe", "{", "x = 5\n", "chunk 17"],
)  # fmt: skip
def test_plain_text_is_not_delayed(chunk: str) -> None:
    """Only what may be part of a secret waits; a public head is not."""
    assert released([chunk], Redactor()) == [chunk, ""]


def test_what_is_held_comes_with_the_chunk_that_shows_it_harmless() -> None:
    """Every chunk has its event; held text moves to the next one."""
    assert released(["use sk-", "lea", "rn now"], Redactor()) == ["use sk-", "", "learn now", ""]
    assert released(["max plu", "m", "-1234 so"]) == ["max ", "", "plum-1234 so", ""]


TOKEN = "ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4"
LONG = "ghp_" + "a1B2c3D4" * 9


@pytest.mark.parametrize(
    "text",
    [
        f"kiwi-99-token{TOKEN}",
        f"kiwi-99-token=a8f5f167f44f4964{TOKEN}",
        "plum-1234-pearnode-12.corp",
        "fig_77_node-12.corp",
        f"{LONG} {LONG}--token a8f5f167f44f4964",
        f"{LONG}é--token a8f5f167f44f4964",
        f"whsec_{'a1B2c3D4' * 9}=--token a8f5f167f44f4964",
        "ACME-ABC12345 ACME-ABC1234 ACME-ABC1234x",
        "İ token=a8f5f167f44f4964 İ",
        f"a{TOKEN} _{TOKEN} é{TOKEN}",
        "password=" + "x1" * 40 + "</p>" + "y2" * 40,
        "plum-1234-plum-1234-pear-5678-pear",
        "-----BEGIN PRIVATE KEY-----" + "\nMIIEowIBAAKCAQEA7" * 12 + "\n------- a -----ENDED",
    ],
)
def test_what_borders_on_a_secret_is_judged_alike(text: str) -> None:
    """A head is looked at with the character before it, though that may be redacted."""
    whole = REDACTOR.redact(text)
    for place in range(len(text) + 1):
        assert "".join(released([text[:place], text[place:]])) == whole
    assert "".join(released(list(text))) == whole


def test_a_secret_is_marked_where_it_ends() -> None:
    """The chunk that makes it certain gets the marker."""
    texts = released(["x ghp_a1B2c3D4e5", "F6g7H8i9J0k1L2", "m3N4 y"], Redactor())
    assert texts == ["x ghp_", "", "‹redacted github-token medium› y", ""]
    assert released(["kiwi-99", "-token"]) == ["", "‹redacted $TAIL short›", ""]


def test_a_long_secret_is_not_held_to_its_end() -> None:
    """It is marked when certain, and the rest is dropped as it comes."""
    texts = released(["ghp_", *["a1B2c3D4" * 10] * 5, " on"], Redactor())
    assert texts == ["ghp_", "‹redacted github-token long›", "", "", "", "", " on", ""]


def test_a_key_block_is_dropped_line_by_line() -> None:
    """The text after its END line is released at once."""
    lines = PRIVATE_KEY.splitlines(keepends=True)
    texts = released([*lines, "\n", "after"], Redactor())
    assert "".join(texts[:-3]) == "-----BEGIN RSA PRIVATE KEY-----\n".rstrip("\n") + (
        "‹redacted private-key long›"
    )
    assert texts[-3:] == ["\n", "after", ""]


def test_what_may_still_become_a_secret_is_released_at_the_end() -> None:
    """Nothing is lost, and the key begins anew."""
    streams = StreamRedactor(REDACTOR)
    assert streams.feed("m", "ghp_abc", 0) == "ghp_"
    assert streams.keys == ["m"]
    assert streams.flush("m") == "abc"
    assert streams.flush("m") == ""
    assert streams.keys == [] and streams.needed_from is None


def test_streams_do_not_mix() -> None:
    """A thought between two chunks of a message belongs to another stream."""
    streams = StreamRedactor(REDACTOR)
    assert streams.feed("m", "plum-12", 0) == ""
    assert streams.feed("t", "34-pear", 10) == "34-pear"
    assert streams.feed("m", "34-pear ", 20) == "‹redacted $PLUM short› "
    assert streams.flush("t") == ""


def test_the_journal_is_needed_from_where_held_text_is() -> None:
    """Lines before may be trimmed."""
    streams = StreamRedactor(REDACTOR)
    streams.feed("m", "text", 0)
    assert streams.needed_from is None
    streams.feed("m", "a plum", 100)
    streams.feed("t", "ghp_x", 200)
    streams.feed("m", "-1", 300)
    assert streams.needed_from == 100
    streams.feed("m", "!", 400)
    assert streams.needed_from == 200


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.lists(st.integers(0, 900), max_size=8), st.sets(st.integers(0, 9)))
def test_a_restart_changes_nothing(text: str, places: list[int], restarts: set[int]) -> None:
    """DESIGN §4: what was held is read from the journal again, however often."""
    journal, streams, texts = Journal(), StreamRedactor(REDACTOR), []
    for number, chunk in enumerate(cut(text, places)):
        texts.append(streams.feed("m", chunk, journal.note(chunk)))
        if number in restarts:
            state = json.loads(json.dumps(streams.to_state()))
            streams = StreamRedactor.from_state(REDACTOR, state, journal.text_at)
    texts.append(streams.flush("m"))
    assert "".join(texts) == REDACTOR.redact(text)


def test_a_rolled_back_chunk_can_be_fed_again() -> None:
    """The state before it is loaded again, and the outcome is the same."""
    journal, streams = Journal(), StreamRedactor(REDACTOR)
    first, second = "a plum-", "1234-pear "
    streams.feed("m", first, journal.note(first))
    state = streams.to_state()
    lost = streams.feed("m", second, 100)
    again = StreamRedactor.from_state(REDACTOR, state, journal.text_at)
    assert again.feed("m", second, journal.note(second)) == lost == "‹redacted $PLUM short› "


def test_the_state_has_no_held_text() -> None:
    """It goes into the database: at every place of every secret, none of it is in there."""
    for _, around, secret in SAMPLES:
        text = around.format(secret)
        begin = text.index(secret)
        for length in range(6, min(len(secret), 120)):
            streams = StreamRedactor(REDACTOR)
            told = streams.feed("m", text[: begin + length], 0)
            if secret[:6] not in told:
                assert secret[:6] not in json.dumps(streams.to_state()["m"], ensure_ascii=False)


def test_the_state_is_told_to_be_written_when_it_changed() -> None:
    """A transaction without chunks writes none."""
    streams = StreamRedactor(REDACTOR)
    assert not streams.dirty
    streams.feed("m", "plum", 0)
    assert streams.dirty
    streams.to_state()
    assert not streams.dirty
    streams.flush("m")
    assert streams.dirty


@pytest.mark.parametrize("found", [None, "", "shorter"])
def test_held_text_that_cannot_be_read_again_is_marked(found: str | None) -> None:
    """After a loss of power the journal may lack its end."""
    streams = StreamRedactor(REDACTOR)
    streams.feed("m", "some text, plum-12", 0)
    again = StreamRedactor.from_state(REDACTOR, streams.to_state(), lambda _: found)
    assert again.needed_from is None
    assert again.feed("m", "34 x", 50) == "‹redacted lost-text short›34 x"
    assert again.feed("m", " y", 90) == " y"


def test_a_state_with_an_unknown_shape_goes_on_dropping() -> None:
    """An update of Quarterdeck may come in the middle of a secret."""
    streams = StreamRedactor(REDACTOR)
    streams.feed("m", "ghp_" + "a1B2" * 30, 0)
    state = streams.to_state()
    state["m"]["swallowing"] = "a shape of old"
    again = StreamRedactor.from_state(REDACTOR, state, lambda _: None)
    assert again.feed("m", "c3D4 on", 50) == " on"
