"""The rules of when a key may decide (DESIGN §5)."""

from quarterdeck.tui.dialogs.arming import Arming, Hold
from tests.support.scenes import SteppedClock


def armed_after(seconds: float, *, end: bool, needs_end: bool) -> Hold | None:
    clock = SteppedClock()
    arming = Arming(clock)
    arming.changed()
    if end:
        arming.end_on_screen()
    clock.now += seconds
    return arming.hold(needs_end=needs_end)


def test_nothing_decides_before_the_text_appeared():
    clock = SteppedClock()
    arming = Arming(clock)
    clock.now += 10
    assert arming.hold(needs_end=False) is Hold.MOMENT


def test_approving_needs_the_end_and_300_ms():
    assert armed_after(0.299, end=True, needs_end=True) is Hold.MOMENT
    assert armed_after(0.301, end=True, needs_end=True) is None
    assert armed_after(99.0, end=False, needs_end=True) is Hold.READ


def test_denying_needs_only_the_300_ms():
    assert armed_after(0.299, end=False, needs_end=False) is Hold.MOMENT
    assert armed_after(0.301, end=False, needs_end=False) is None


def test_a_change_starts_the_300_ms_anew_but_what_was_read_stays_read():
    clock = SteppedClock()
    arming = Arming(clock)
    arming.changed()
    arming.end_on_screen()
    clock.now += 1
    arming.changed()
    assert arming.hold(needs_end=True) is Hold.MOMENT
    clock.now += 0.31
    assert arming.hold(needs_end=True) is None
