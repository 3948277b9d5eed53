"""What `--always` would add is printed with the exact text (C5)."""

from quarterdeck.cli.approval_commands import exact_text
from tests.support.scripted_deck import approval, session, shell


def test_the_rule_that_is_offered_is_printed_before_it_is_taken() -> None:
    offer = {"option_id": "always", "name": "allow", "kind": "amend", "prefix": "cargo\x1b test"}
    view = approval(1, session(1), shell("cargo test --all"), options=[offer])
    assert "offered for good: cargo\\x1b test" in exact_text(view)
    assert "offered" not in exact_text(approval(2, session(1), shell("cargo test --all")))
