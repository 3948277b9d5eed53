"""Ids (DESIGN §3)."""

import uuid

from quarterdeck.model.ids import Prefix, new_id, short, uuid7


def test_an_id_is_its_prefix_and_a_version_7_uuid() -> None:
    for prefix in Prefix:
        kind, _, digits = new_id(prefix).partition("_")
        parsed = uuid.UUID(digits)
        assert (kind, parsed.version, parsed.variant) == (prefix.value, 7, uuid.RFC_4122)


def test_the_time_stands_first_so_that_ids_sort_by_birth() -> None:
    assert uuid7(at_ms=0x0123456789AB).hex.startswith("0123456789ab7")
    assert uuid7(at_ms=1_000).hex < uuid7(at_ms=1_001).hex


def test_ids_of_one_moment_differ() -> None:
    assert len({uuid7(at_ms=1) for _ in range(1000)}) == 1000


def test_the_short_form_is_the_tail_which_differs_between_neighbours() -> None:
    assert short("ses_019ab3f0aaaa7bbbcccc00000001abcd") == "ses_0001abcd"
    assert short("no-prefix") == "no-prefix"
