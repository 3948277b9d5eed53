"""The Info pane's facts: times of the person's zone, long values below their beginning."""

from dataclasses import replace
from datetime import timedelta, timezone

from quarterdeck.model.records import RunView
from quarterdeck.tui.widgets.info_view import LABEL, Background, info_text
from tests.support.scripted_deck import ago, session

ZONE = timezone(timedelta(hours=2))


def test_times_are_of_the_zone_and_to_the_second():
    text = info_text(session(1, state_since=ago(20)), Background(), tz=ZONE, width=100)
    assert "state           idle since 2026-09-21 16:13:00, by event" in text
    assert "created         2026-09-21 15:13:20" in text
    assert "T1" not in text


def test_a_long_value_goes_on_in_its_own_column_and_no_word_is_broken():
    names = tuple(f"VARIABLE_{number}" for number in range(12))
    lines = info_text(session(1), Background((), names), tz=ZONE, width=60).splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("environment"))
    told = [line[LABEL:] for line in lines[first:]]
    assert len(told) > 1
    assert all(line.startswith(" " * LABEL) for line in lines[first + 1 :])
    assert all(len(line) <= 60 for line in lines)
    assert " ".join(told).split(", ") == list(names)


def test_of_a_trimmed_run_it_is_told_that_it_was_and_when():
    view = session(1)
    run = RunView("run_1", view.session_id, 1, "completed", 1200, ago(90), ago(80))
    run = replace(run, trimmed=1200, trimmed_at=ago(20))
    text = info_text(view, Background((run,)), tz=ZONE, width=200)
    assert "; 1,200 events trimmed by retention at 2026-09-21 16:13:00" in text


def test_what_became_of_runs_stands_under_a_heading_of_its_own():
    view = session(1, recovery_attempts=2)
    runs = (RunView("run_1", view.session_id, 1, "failed", 1, ago(90), ago(80), "it\x1b[2J died"),)
    text = info_text(view, Background(runs), tz=ZONE, width=100)
    assert text.split("\nRuns\n")[1].splitlines() == [
        "run 1           failed, 2026-09-21 16:11:50 to 2026-09-21 16:12:00: it\\x1b[2J died",
        "recoveries      2 failed attempts",
    ]
