"""What the terminal is told, and that nothing is written while nothing changes."""

from datetime import datetime
from pathlib import Path

from quarterdeck.tui.alerts import Alerts, AlertSettings, settings_from
from quarterdeck.tui.board import Board, LinkState
from tests.support.scripted_deck import approval, session, shell

OF = session(1, title="Deploy")


def board(*numbers: int, title: str = "Deploy", **changes: object) -> Board:
    views = tuple(approval(n, OF, shell("x"), session_title=title) for n in numbers)
    sessions = (session(1, **changes),)
    return Board(sessions=sessions, approvals=views, link=LinkState.UP, fetched=True)


def test_the_first_board_sets_the_title_and_notifies_of_nothing():
    assert Alerts(AlertSettings()).see(board(1, 2)) == "\x1b]2;(2) qd\x1b\\"


def test_a_new_approval_is_told_once_and_then_nothing_is_written():
    alerts = Alerts(AlertSettings(bell=True))
    alerts.see(board())
    assert alerts.see(board(1)) == (
        "\x1b]9;Deploy waits for an approval\x1b\\"
        "\x1b]777;notify;Quarterdeck;Deploy waits for an approval\x1b\\"
        "\x07\x1b]2;(1) qd\x1b\\"
    )
    assert alerts.see(board(1)) == ""


def test_several_at_once_are_one_notification():
    alerts = Alerts(AlertSettings(title=False))
    alerts.see(board())
    assert alerts.see(board(1, 2, 3)).count("3 new approvals wait") == 2


def test_a_failure_is_told():
    alerts = Alerts(AlertSettings())
    alerts.see(board())
    assert "Session 1 failed" in alerts.see(board(attention="failed"))


def test_a_hostile_title_cannot_end_the_sequence_or_part_its_fields():
    alerts = Alerts(AlertSettings(title=False))
    alerts.see(board())
    said = alerts.see(board(1, title="a;b\x1b]52;c;AAAA\x07\x9c"))
    assert said.count("\x1b") == 4
    assert "\x07" not in said
    assert "\x9c" not in said
    assert "a,b" in said


def test_inside_tmux_the_sequences_are_handed_on():
    alerts = Alerts(AlertSettings(title=False, tmux=True))
    alerts.see(board())
    assert alerts.see(board(1)).startswith("\x1bPtmux;\x1b\x1b]9;Deploy")


def test_everything_can_be_turned_off_in_the_config(tmp_path: Path):
    file = tmp_path / "config.toml"
    assert settings_from(file, {}) == AlertSettings(collapse=10.0)
    file.write_text("[screen]\nnotify = false\ntitle = false\nbell = 'x'\n")
    off = settings_from(file, {"TMUX": "1"})
    assert off == AlertSettings(notify=False, bell=False, title=False, tmux=True, collapse=10.0)
    alerts = Alerts(off)
    alerts.see(board())
    assert alerts.see(board(1)) == ""


class Clock:
    """Seconds that a test lets pass, and the time of day."""

    def __init__(self, hour: int = 12) -> None:
        self.seconds, self.hour = 100.0, hour

    def alerts(self, settings: AlertSettings) -> Alerts:
        return Alerts(
            settings,
            monotonic=lambda: self.seconds,
            wall=lambda: datetime(2026, 1, 1, self.hour),
        )


def test_what_follows_at_once_is_told_together_when_the_time_is_over():
    clock = Clock()
    alerts = clock.alerts(AlertSettings(title=False, collapse=10))
    alerts.see(board())
    assert alerts.wait is None
    assert "Deploy waits" in alerts.see(board(1))
    clock.seconds += 2
    assert alerts.see(board(1, 2)) == ""
    clock.seconds += 2
    assert alerts.see(board(1, 2, 3, 4)) == ""
    assert alerts.wait == 6
    assert alerts.overdue() == ""
    assert alerts.see(board(1, 2, 4)) == ""
    clock.seconds += 6
    assert "2 new approvals wait" in alerts.overdue()
    assert (alerts.wait, alerts.overdue()) == (None, "")


def test_what_was_answered_meanwhile_is_not_told():
    clock = Clock()
    alerts = clock.alerts(AlertSettings(title=False, collapse=10))
    alerts.see(board())
    alerts.see(board(1))
    alerts.see(board(1, 2))
    alerts.see(board(1))
    clock.seconds += 20
    assert alerts.overdue() == ""


def test_quiet_hours_hold_for_the_terminal_and_leave_the_count():
    clock = Clock(hour=23)
    alerts = clock.alerts(AlertSettings(bell=True, quiet_hours="22:00-07:00"))
    alerts.see(board())
    assert alerts.see(board(1)) == "\x1b]2;(1) qd\x1b\\"
    clock.hour = 8
    assert alerts.see(board(1)) == ""
    assert "Deploy waits" in alerts.see(board(1, 2))


def test_kinds_choose_what_the_terminal_is_told_of():
    ends = Alerts(AlertSettings(title=False, kinds=("turn.ended",)))
    ends.see(board(attention="active"))
    assert ends.see(board(1, attention="waiting")) == ""
    ends.see(board(attention="active"))
    assert "Session 1 has ended its turn" in ends.see(board(attention="unread"))
    by_default = Alerts(AlertSettings(title=False))
    by_default.see(board(attention="active"))
    assert by_default.see(board(attention="unread")) == ""


def test_notifications_are_read_for_the_terminal_too(tmp_path: Path):
    file = tmp_path / "config.toml"
    file.write_text(
        "[notifications]\nkinds = ['turn.ended']\nquiet_hours = '22:00-07:00'\ncollapse = '1m'\n"
    )
    assert settings_from(file, {}) == AlertSettings(
        kinds=("turn.ended",), quiet_hours="22:00-07:00", collapse=60.0
    )
    file.write_text("[notifications]\nkinds = 5\nquiet_hours = 'never'\ncollapse = -1\n")
    assert settings_from(file, {}) == AlertSettings(collapse=10.0)


def test_a_terminal_of_tmux_is_known_by_its_name_over_ssh(tmp_path: Path):
    file = tmp_path / "config.toml"
    assert settings_from(file, {"TERM": "tmux-256color"}).tmux
    assert not settings_from(file, {"TERM": "xterm-256color"}).tmux
    file.write_text("[screen]\ntmux = true\n")
    assert settings_from(file, {"TERM": "screen-256color"}).tmux
    file.write_text("[screen]\ntmux = false\n")
    assert not settings_from(file, {"TMUX": "1"}).tmux
