"""Redaction of whole texts and JSON values (A2)."""

import json
import random
import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.model.redaction.known_secrets import KnownSecrets
from quarterdeck.model.redaction.redactor import DEPTH_LIMIT, Redactor
from quarterdeck.model.redaction.scanning import BLOCK, Flow, Scan
from quarterdeck.model.redaction.user_patterns import UserPattern

TOKEN = "ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
MARKED = "ghp_‹redacted github-token medium›"

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)


def test_texts_are_redacted_wherever_they_nest() -> None:
    """Values and keys, dicts and lists."""
    value = {"a": [{"b": f"x {TOKEN}"}, 1, None, True, 2.5], TOKEN: "key"}
    assert Redactor().redact_value(value) == {
        "a": [{"b": f"x {MARKED}"}, 1, None, True, 2.5],
        MARKED: "key",
    }
    assert value["a"][0] == {"b": f"x {TOKEN}"}


def test_keys_that_become_the_same_stay_two() -> None:
    """No member is lost."""
    value = {TOKEN: 1, TOKEN[:-1] + "9": 2}
    assert Redactor().redact_value(value) == {MARKED: 1, MARKED + " 2": 2}


def test_a_value_is_judged_by_its_key() -> None:
    """As if both stood in one line."""
    redact = Redactor().redact_value
    assert redact({"password": "hunter22"}) == {"password": "‹redacted password short›"}
    assert redact({"headers": {"Authorization": "Bearer abc.123.def"}}) == {
        "headers": {"Authorization": "Bearer ‹redacted bearer-token short›"}
    }
    assert redact({"title": "hunter22"}) == {"title": "hunter22"}


def test_a_value_is_judged_by_the_name_beside_it() -> None:
    """Environment variables come as name and value."""
    value = [{"name": "API_KEY", "value": "a8f5f167f44f4964e6c9"}]
    assert Redactor().redact_value(value) == [
        {"name": "API_KEY", "value": "‹redacted secret medium›"}
    ]


def test_an_argument_is_judged_by_the_flag_before_it() -> None:
    """A command line comes as a list."""
    argv = ["login", "--password", "hunter22", "--host", "hunter22"]
    assert Redactor().redact_value(argv) == [
        "login", "--password", "‹redacted password short›", "--host", "hunter22",
    ]  # fmt: skip


def test_json_within_a_string_is_redacted() -> None:
    """Tool output is often JSON in JSON in JSON."""
    inner = json.dumps({"password": "hunter22", "t": TOKEN})
    for _ in range(3):
        assert "hunter22" not in (told := json.dumps(Redactor().redact_value({"out": inner})))
        assert TOKEN not in told
        inner = json.dumps({"out": inner})


def test_what_nests_too_deep_is_replaced_whole() -> None:
    """Nothing passes unread."""
    value: Any = TOKEN
    for _ in range(DEPTH_LIMIT + 50):
        value = [value]
    told = json.dumps(Redactor().redact_value(value), ensure_ascii=False)
    assert TOKEN not in told
    assert "‹redacted deep-nesting short›" in told


@given(JSON_VALUES)
def test_harmless_values_stay_equal(value: Any) -> None:
    """Redaction changes nothing but secrets."""
    assert Redactor().redact_value(value) == value


def test_work_per_character_does_not_grow_with_the_text() -> None:
    """Linear time: every block of a text is handed to the scan once, with bounded rests.

    What is scanned again is what was held and the context, and both have bounds whatever the
    text, so the work is at most proportional to the number of blocks.
    """
    hostile = [
        "sk-",
        "eyJ.",
        "eyJab-",
        "://a:",
        "token=",
        "-----BEGIN PRIVATE KEY-----\n",
        "plum-",
        "@",
    ]
    scan = Scan([UserPattern(r"\w+@corp\.example")], KnownSecrets({"$K": "plum-plum-plum-9"}))
    rng = random.Random(7)
    for unit in [*hostile, "mixed"]:
        flow = Flow()
        for _ in range(40):
            block = "".join(rng.choices(hostile, k=900)) if unit == "mixed" else unit * BLOCK
            scan.advance(flow, block[:BLOCK])
            assert len(flow.held) <= 4096
            assert len(flow.context) <= 128


def test_ten_times_the_text_takes_about_ten_times_as_long() -> None:
    """Quadratic work would be a factor of a hundred; three times ten leaves room for noise."""
    redactor = Redactor([UserPattern(r"ACME-\d+")], {"$K": "plum-1234-pear"})
    unit = f"line of output, path=/tmp/x task-7 key: 5 {TOKEN} plum-1234 ACME-7 tokens\n"

    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        begin = time.process_time()
        redactor.redact(text)
        return time.process_time() - begin

    small = min(seconds(500_000) for _ in range(2))
    assert seconds(5_000_000) < 30 * small
