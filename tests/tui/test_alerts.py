"""What the terminal is told, and that nothing is written while nothing changes."""

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
    assert settings_from(file, {}) == AlertSettings()
    file.write_text("[screen]\nnotify = false\ntitle = false\nbell = 'x'\n")
    off = settings_from(file, {"TMUX": "1"})
    assert off == AlertSettings(notify=False, bell=False, title=False, tmux=True)
    alerts = Alerts(off)
    alerts.see(board())
    assert alerts.see(board(1)) == ""
