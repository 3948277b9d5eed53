"""Ages in few cells."""

import pytest

from quarterdeck.tui.widgets.ages import age_text

NOW = 1_700_000_000_000
AT = "2023-11-14T22:13:20.000Z"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "0s"),
        (0, "0s"),
        (59, "59s"),
        (60, "1m"),
        (3_599, "59m"),
        (7_200, "2h"),
        (86_400 * 4, "4d"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(seconds: int, shown: str) -> None:
    assert age_text(AT, NOW + seconds * 1000) == shown


def test_what_is_no_time_has_no_age() -> None:
    assert age_text("yesterday", NOW) == ""
    assert age_text("", NOW) == ""
