"""Which secrets are found in a text and how they are named, and what is left alone (A2, A15)."""

import pytest

from quarterdeck.model.redaction.marker import length_class
from quarterdeck.model.redaction.patterns import HEAD_LIMIT, SHAPES
from quarterdeck.model.redaction.redactor import Redactor
from tests.model.redaction.secret_samples import HARMLESS, PRIVATE_KEY, SAMPLES


@pytest.mark.parametrize(
    ("kind", "around", "secret"), SAMPLES, ids=[f"{n}-{s[0]}" for n, s in enumerate(SAMPLES)]
)
def test_a_secret_is_replaced_by_its_kind_and_the_rest_stays(
    kind: str, around: str, secret: str
) -> None:
    """A2: nothing of the secret is left, nothing else is changed."""
    redacted = Redactor().redact(around.format(secret))
    before, after = around.format("\0").split("\0")
    assert redacted.startswith(before + f"‹redacted {kind} ")
    assert redacted.endswith("›" + after)
    assert redacted.count("‹") == 1


def test_every_shape_has_a_sample() -> None:
    """A shape that nothing tries may as well be broken."""
    tried = {kind for kind, _, _ in SAMPLES}
    assert {shape.kind for shape in SHAPES} - tried == {"google-token"}
    assert "google-token" in Redactor().redact("ya29.a0AfH6SMBx1y2z3Ab4Cd5Ef6Gh7")


def test_names_of_shapes_are_their_own() -> None:
    """A stored stream finds its shape by name."""
    assert len({shape.name for shape in SHAPES}) == len(SHAPES)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays(text: str) -> None:
    """Hashes, ids, paths, code and prose are left as they are."""
    assert Redactor().redact(text) == text


@pytest.mark.parametrize(
    ("length", "name"),
    [(1, "short"), (15, "short"), (16, "medium"), (63, "medium"), (64, "long"), (9999, "long")],
)
def test_length_classes(length: int, name: str) -> None:
    """A redacted span keeps the class of its length."""
    assert length_class(length) == name


@pytest.mark.parametrize(("length", "name"), [(20, "medium"), (63, "medium"), (64, "long")])
def test_the_marker_has_the_length_class(length: int, name: str) -> None:
    """It is that of the secret part, without the head."""
    redacted = Redactor().redact("hf_" + ("a1" * 50)[:length])
    assert redacted == f"hf_‹redacted huggingface-token {name}›"


def test_a_redacted_text_is_not_redacted_again() -> None:
    """Export and import may redact twice."""
    for _, around, secret in SAMPLES:
        once = Redactor().redact(around.format(secret))
        assert Redactor().redact(once) == once


def test_a_key_block_ends_at_its_end_line() -> None:
    """The text after the block is kept, a second block is found."""
    text = f"one {PRIVATE_KEY}\nkept text\n{PRIVATE_KEY} two"
    opened = "-----BEGIN RSA PRIVATE KEY-----‹redacted private-key long›"
    assert Redactor().redact(text) == f"one {opened}\nkept text\n{opened} two"


def test_a_key_block_without_end_is_redacted_too() -> None:
    """Output may be cut in the middle of a block."""
    assert "s3cR3t" not in Redactor().redact(PRIVATE_KEY[:400])


def test_a_secret_of_any_length_is_redacted_whole() -> None:
    """What is judged by its beginning is dropped to its end."""
    assert Redactor().redact("ghp_" + "aB3" * 30_000 + " x") == "ghp_‹redacted github-token long› x"


def test_a_value_that_ends_before_its_run_does_hides_no_more() -> None:
    """What is between tags is the password, however long the line."""
    text = "<password>hunter22</password>" + "<next>" * 20
    assert Redactor().redact(text) == text.replace("hunter22", "‹redacted password short›")


def test_a_head_is_within_its_limit() -> None:
    """The remembered context is long enough for the longest heads."""
    longest = [
        "://" + "u" * 64 + ":",
        "-----BEGIN " + "A" * 40 + "PRIVATE KEY BLOCK-----",
        "--" + "abcdefghijkl-" * 3 + "passphrase" + " " * 8 + '"' * 4,
        "Authorization" + '"' * 4 + " " * 8 + ":" + " " * 8 + '"' * 4 + "bearer" + " " * 8,
        "secret_access_key" + '"' * 4 + " " * 8 + ":=" + " " * 10,
    ]
    for text in longest:
        ends = [head.end() for shape in SHAPES if (head := shape.head.match(text))]
        assert ends == [len(text)] or len(text) in ends
        assert len(text) <= HEAD_LIMIT
