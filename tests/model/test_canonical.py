"""One way to write JSON, so that a hash is about one exact text (DESIGN §4)."""

import json

from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.model.canonical import canonical, sha256

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(values)
def test_it_reads_back_and_writing_that_gives_the_same_text(value: object) -> None:
    text = canonical(value)
    assert json.loads(text) == value
    assert canonical(json.loads(text)) == text


def test_order_of_keys_and_white_space_do_not_matter() -> None:
    assert canonical({"b": 1, "a": [1, 2]}) == canonical(json.loads('{ "a":[1, 2],\n"b":1 }'))
    assert canonical({"b": 1, "a": 2}) == '{"a":2,"b":1}'


def test_lone_surrogates_can_be_hashed() -> None:
    assert canonical("\ud800") == '"\\ud800"'
    assert sha256("\ud800") != sha256("\ud801")


def test_the_hash_is_that_of_the_utf8_text() -> None:
    assert sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert sha256("ä") != sha256("a")
