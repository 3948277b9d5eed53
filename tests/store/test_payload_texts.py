"""Payloads that are written many at once are those that are written one by one (A2)."""

from hypothesis import given, settings
from hypothesis import strategies as st

from quarterdeck.store.events import encode, encode_texts

TEXTS = st.lists(st.text() | st.sampled_from(['"', "\\", "\n\x00\x1f\x7f", "\ud800", "é\u2028"]))
MORE = st.dictionaries(st.sampled_from(["message_id", "n"]), st.text() | st.just("\udfff"))


@settings(deadline=None)
@given(MORE, TEXTS)
def test_many_at_once_are_as_one_by_one(more, texts):
    assert encode_texts(more, texts) == [encode({**more, "text": text}) for text in texts]
