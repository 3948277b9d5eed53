"""Quiet hours and the other settings of hooks and expiry."""

from datetime import time

import pytest
from pydantic import ValidationError

from quarterdeck.model.quiet_hours import is_quiet
from quarterdeck.supervisor.hook_settings import Approvals, Hooks, Notifications


@pytest.mark.parametrize(
    ("hours", "now", "quiet"),
    [
        (None, "03:00", False),
        ("22:00-07:00", "23:10", True),
        ("22:00-07:00", "06:59", True),
        ("22:00-07:00", "07:00", False),
        ("12:00-13:00", "12:30", True),
        ("12:00-13:00", "13:30", False),
    ],
)
def test_quiet_hours_also_over_midnight(hours: str | None, now: str, quiet: bool) -> None:
    assert is_quiet(hours, time.fromisoformat(now)) is quiet


@pytest.mark.parametrize("hours", ["22", "22:00-25:00", "a-b"])
def test_hours_that_are_none_are_refused(hours: str) -> None:
    with pytest.raises(ValidationError):
        Notifications(quiet_hours=hours)


def test_times_may_have_units() -> None:
    assert Approvals.model_validate({"expire_after": "30m"}).expire_after == 1800
    assert Approvals.model_validate({"expire_after": 5}).expire_after == 5


def test_a_misspelt_kind_is_refused() -> None:
    with pytest.raises(ValidationError):
        Hooks.model_validate({"turn.start": [["true"]]})
