"""What a person takes from the Output and the Trace: copies, files, places, types of events."""

import base64
import stat
from pathlib import Path

import pytest
from textual.pilot import Pilot

from quarterdeck.model.hostile_text import drop_unsafe
from quarterdeck.tui import clipboard, editor
from quarterdeck.tui.clipboard import TERMINAL_LIMIT, system_command
from quarterdeck.tui.screens.session_panes import SessionPanes
from quarterdeck.tui.widgets.output_view import OutputView
from quarterdeck.tui.widgets.trace_view import TraceView
from tests.support.piloting import screen_text, until, until_hidden, until_shown
from tests.support.scenes import app_of
from tests.support.scripted_deck import ScriptedSupervisor, event, session

BAD = "[/b][@click=app.quit]X[/]\x1b]52;c;cHduZWQ=\x07\x1b[2J\u202e"
TALL, WIDE = (80, 24), (160, 45)


def box_of(cwd: Path | str = "/srv/project") -> ScriptedSupervisor:
    box = ScriptedSupervisor()
    view = session(1, title="Work", cwd=str(cwd))
    call = {"tool_call_id": "t1", "title": f"Edit {BAD}", "status": "completed"}
    box.add(
        view,
        [
            event(view, 1, "user_message", text="Please"),
            event(view, 2, "tool_call", locations=[{"path": "src/a.py", "line": 7}], **call),
            event(view, 3, "error", message=f"boom {BAD}"),
            event(view, 4, "assistant_message", message_id="m", text=f"All **done** {BAD}"),
            event(view, 5, "terminal_status", stop_reason="end_turn"),
        ],
    )
    other = session(2, title="Other")
    lines = [event(other, n, "error", message=f"line {n}") for n in range(1, 101)]
    box.add(other, lines)
    return box


def clipboard_of(pilot: Pilot[None]) -> str:
    return pilot.app.clipboard


@pytest.mark.parametrize("size", [TALL, WIDE])
async def test_what_the_mark_is_on_is_copied_and_a_file_is_offered(
    size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(clipboard.tempfile, "tempdir", str(tmp_path))
    async with app_of(box_of()).run_test(size=size, notifications=True) as pilot:
        await until_shown(pilot, "turn ended")
        await pilot.press("y")
        await until_shown(pilot, "Copied the message")
        assert clipboard_of(pilot).startswith("All **done** [/b][@click=app.quit]X[/]")
        assert drop_unsafe(clipboard_of(pilot)) == clipboard_of(pilot)
        await pilot.press("Y")
        await until_shown(pilot, "The message is in")
        (written,) = tmp_path.iterdir()
        assert written.read_text() == clipboard_of(pilot)
        assert stat.S_IMODE(written.stat().st_mode) == 0o600
        await pilot.press("enter", "left_square_bracket", "y")
        await until(pilot, lambda: clipboard_of(pilot).startswith("boom"))
        await pilot.press("2", "k", "k", "k", "y")
        await until(pilot, lambda: clipboard_of(pilot).startswith("2 · tool_call"))
        await pilot.press("enter", "y")
        await until_shown(pilot, "Copied the event")
        assert drop_unsafe(screen_text(pilot.app)) == screen_text(pilot.app)


async def test_a_hunk_of_the_diff_is_copied():
    box = box_of()
    text = "@@ -1,2 +1,2 @@\n same\n-old\n+new\n@@ -9 +9 @@\n-x\n+y\n"
    changed = {"path": "src/a.py", "status": "modified", "added": 2, "removed": 2}
    box.answers["session.diff"] = {"top": "/srv", "base": None, "more": False, "files": [changed]}
    box.answers["session.diff_file"] = {"path": "src/a.py", "text": text}
    async with app_of(box).run_test(size=WIDE, notifications=True) as pilot:
        await until_shown(pilot, "turn ended")
        await pilot.press("3")
        await until_shown(pilot, "same")
        await pilot.press("y")
        await until_shown(pilot, "Copied the hunk")
        assert clipboard_of(pilot) == "@@ -1,2 +1,2 @@\n same\n-old\n+new"
        await pilot.press("tab", "enter", "G", "y")
        await until(pilot, lambda: clipboard_of(pilot) == "@@ -9 +9 @@\n-x\n+y")


async def test_what_no_terminal_takes_goes_to_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(clipboard.tempfile, "tempdir", str(tmp_path))
    box = box_of()
    text = "word " * (TERMINAL_LIMIT // 4)
    events = box.events[f"run_{1:032x}"]
    events[3] = event(box.sessions[0], 4, "assistant_message", text=text)
    async with app_of(box).run_test(size=TALL, notifications=True) as pilot:
        await until_shown(pilot, "turn ended")
        await pilot.press("y")
        await until_shown(pilot, "too much for a")
        await until(pilot, lambda: list(tmp_path.iterdir()))
        assert clipboard_of(pilot) == ""
        assert next(tmp_path.iterdir()).read_text() == text


def command_in(folder: Path, name: str, then: str) -> dict[str, str]:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{then}\n")
    program.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin", "WAYLAND_DISPLAY": "wayland-0"}


async def test_the_clipboard_command_of_the_desktop_takes_the_text(tmp_path: Path):
    environ = command_in(tmp_path, "wl-copy", f"cat > {tmp_path}/taken")
    command = system_command(environ) or []
    assert command == [f"{tmp_path}/wl-copy"]
    assert await clipboard.give_to_command(command, "täxt\ud800", environ)
    assert (tmp_path / "taken").read_bytes() == "täxt?".encode()
    environ = command_in(tmp_path, "wl-copy", "exit 1")
    assert not await clipboard.give_to_command(command, "x", environ)
    assert not await clipboard.give_to_command([f"{tmp_path}/none"], "x", environ)


def test_without_a_desktop_there_is_no_clipboard_command(tmp_path: Path):
    environ = command_in(tmp_path, "wl-copy", "")
    del environ["WAYLAND_DISPLAY"]
    assert system_command({**environ, "PATH": str(tmp_path)}) is None


@pytest.mark.parametrize("pane", ["1", "2"])
async def test_the_file_of_a_call_is_opened_at_its_line(
    pane: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.py").write_text("x")
    opened: list[tuple[Path, int | None]] = []
    monkeypatch.setattr(editor, "run", lambda app, env, path, line: opened.append((path, line)))
    async with app_of(box_of(tmp_path)).run_test(size=WIDE, notifications=True) as pilot:
        await until_shown(pilot, "turn ended")
        await pilot.press("o")
        await until_shown(pilot, "This names no file")
        await pilot.press(pane, "tab")
        steps = ["left_square_bracket"] * 2 if pane == "1" else ["k", "k", "k"]
        await pilot.press(*steps, "o")
        await until(pilot, lambda: opened)
    assert opened == [(tmp_path / "src/a.py", 7)]


@pytest.mark.parametrize("size", [TALL, WIDE])
async def test_the_place_in_each_session_and_pane_is_kept(size: tuple[int, int]):
    box = box_of()
    async with app_of(box).run_test(size=size) as pilot:
        await until_shown(pilot, "turn ended")
        await pilot.press("j", "enter")
        await until_shown(pilot, "line 100")
        await pilot.press("pageup", "k")
        await until_shown(pilot, "scrolled back, G follows")
        shown = pilot.app.screen.query_one(OutputView)
        before = [shown.render_line(y).text for y in range(shown.size.height)]
        await pilot.press("escape", "k")
        await until_shown(pilot, "turn ended")
        assert "G follows" not in screen_text(pilot.app)
        await pilot.press("j")
        await until(
            pilot,
            lambda: before == [shown.render_line(y).text for y in range(shown.size.height)],
        )
        await until_shown(pilot, "scrolled back, G follows")
        await pilot.press("2", "enter")
        await until_shown(pilot, "line 100")
        await pilot.press("g", "j", "escape", "k", "j")
        trace = pilot.app.screen.query_one(TraceView)
        await until(pilot, lambda: trace.cursor_seq == 2)


async def test_what_comes_below_is_marked_in_the_bar_until_it_is_followed():
    box = box_of()
    async with app_of(box).run_test(size=WIDE) as pilot:
        await until_shown(pilot, "turn ended")
        await pilot.press("j", "enter")
        await until_shown(pilot, "line 100")
        await pilot.press("pageup")
        await until_shown(pilot, "scrolled back, G follows")
        other = box.sessions[1]
        box.events[other.run_id or ""].append(event(other, 101, "error", message="news"))
        box.replace(other.session_id, last_event_seq=101, version=9)
        box.push()
        await until_shown(pilot, "↓ new below, G follows")
        await pilot.press("G")
        await until_hidden(pilot, "new below")
        await until_shown(pilot, "news")


@pytest.mark.parametrize("size", [TALL, WIDE])
async def test_the_types_of_events_are_chosen_in_a_dialog(size: tuple[int, int]):
    box = box_of()
    box.answers["event.seqs"] = {"run_id": "run_1", "seqs": [3], "cursor": 5}
    box.answers["event.nearest"] = {"run_id": "run_1", "seq": 3}
    async with app_of(box).run_test(size=size) as pilot:
        await until_shown(pilot, "turn ended")
        await pilot.press("2", "enter", "t")
        await until_shown(pilot, "what went wrong")
        await pilot.press("down", "enter")
        await until_shown(pilot, "only errors")
        trace = pilot.app.screen.query_one(TraceView)
        await until(pilot, lambda: trace.cursor_seq == 3)
        assert "boom [/b][@click" in screen_text(pilot.app)
        await pilot.press("t", "up", "enter")
        await until_hidden(pilot, "only errors")
        await until_shown(pilot, "end_turn")
        await pilot.press("E")
        await until(pilot, lambda: trace.cursor_seq == 3)
        assert pilot.app.screen.query_one(SessionPanes).copied()


async def test_a_copy_reaches_the_terminal_as_base64_alone():
    """OSC 52 from hostile text: what is copied cannot end the sequence it travels in."""
    async with app_of(box_of()).run_test(size=TALL) as pilot:
        await until_shown(pilot, "turn ended")
        written: list[str] = []
        driver = pilot.app._driver
        assert driver is not None
        driver.write = written.append  # type: ignore[method-assign]
        await pilot.press("y")
        await until(pilot, lambda: any("]52;" in text for text in written))
        (sent,) = [text for text in written if "]52;" in text]
        body = sent.removeprefix("\x1b]52;c;").removesuffix("\a")
        assert base64.b64decode(body, validate=True).decode() == clipboard_of(pilot)
