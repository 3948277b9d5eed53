"""The prompt by keys: lines, history, completion, the person's own editor."""

import stat
from pathlib import Path

import pytest
from textual.events import Paste
from textual.pilot import Pilot

from quarterdeck.client.prompting import Offers
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.hostile_text import clean
from quarterdeck.tui.keymap import EATEN
from quarterdeck.tui.keys import Where, keys_of
from quarterdeck.tui.widgets.prompt_completion import CompletionList
from quarterdeck.tui.widgets.prompt_editor import PromptEditor
from tests.support.piloting import screen_text, until, until_hidden, until_shown
from tests.support.scenes import app_of
from tests.support.scripted_deck import ScriptedSupervisor, session

HOSTILE = "a\x1b[31mb\u202ec\nd[@click=app.quit]"


def behind() -> ScriptedSupervisor:
    box = ScriptedSupervisor()
    box.add(session(1, title="Alpha"))
    return box


def editor(pilot: Pilot[None]) -> PromptEditor:
    return pilot.app.screen_stack[0].query_one(PromptEditor)


def choices(pilot: Pilot[None]) -> CompletionList:
    return pilot.app.screen_stack[0].query_one(CompletionList)


async def until_choosing(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: editor(pilot).choosing, "choices are open")


async def send(pilot: Pilot[None], *texts: str) -> None:
    for text in texts:
        await pilot.press(*text, "enter")
        await until(pilot, lambda: editor(pilot).text == "")


def test_no_key_of_the_prompt_is_one_that_terminals_keep():
    named = {key for entry in keys_of(Where.PROMPT) for key in entry.keys.split(",")}
    assert not named & (EATEN | {"ctrl+o"})


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_it_grows_from_one_row_to_eight_and_sends_every_line(size: tuple[int, int]):
    box = behind()
    async with app_of(box).run_test(size=size) as pilot:
        await until_shown(pilot, "Alpha")
        assert editor(pilot).region.height == 1
        await pilot.press("i", "a")
        for number, height in ((1, 2), (7, 8), (10, 8)):
            while editor(pilot).document.line_count <= number:
                await pilot.press("ctrl+j")
            await until(pilot, lambda h=height: editor(pilot).region.height == h)
        await pilot.press("z")
        await until_shown(pilot, "z")
        await pilot.press("enter")
        await until(pilot, lambda: editor(pilot).region.height == 1)
    assert box.called("send")[0]["text"] == "a" + "\n" * 10 + "z"


async def test_a_long_line_is_wrapped_and_its_cursor_stays_on_screen():
    async with app_of(behind()).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("i")
        editor(pilot).post_message(Paste("word " * 60 + "end"))
        await until_shown(pilot, "word end")
        assert 1 < editor(pilot).region.height <= 8


async def test_pasted_lines_and_carriage_returns_stay_lines():
    async with app_of(behind()).run_test() as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("i")
        editor(pilot).post_message(Paste("one\r\ntwo\rthree"))
        await until(pilot, lambda: editor(pilot).text == "one\ntwo\nthree")
        assert editor(pilot).region.height == 3


async def test_nothing_wakes_while_nothing_is_typed():
    async with app_of(behind()).run_test() as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("i", "a")
        assert not editor(pilot).cursor_blink
        assert not editor(pilot).blink_timer._active.is_set()


async def test_pasted_escapes_are_text_with_a_visible_mark():
    app = app_of(behind())
    app.get_line_filters = list  # without the last guard the first layer stands alone
    async with app.run_test() as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("i")
        editor(pilot).post_message(Paste(HOSTILE))
        await until_shown(pilot, "d[@click=app.quit]")
        for line in screen_text(pilot.app).split("\n"):
            assert clean(line) == line
        assert editor(pilot).text == HOSTILE


# History


async def test_up_goes_through_what_was_sent_and_down_back_to_ones_own_text():
    async with app_of(behind()).run_test() as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("i")
        await send(pilot, "one", "two", "two")
        await pilot.press(*"own", "up")
        await until(pilot, lambda: editor(pilot).text == "two")
        await pilot.press("up")
        await until(pilot, lambda: editor(pilot).text == "one")
        await pilot.press("up")
        await pilot.pause()
        assert editor(pilot).text == "one"
        await pilot.press("down", "down")
        await until(pilot, lambda: editor(pilot).text == "own")


async def test_an_earlier_prompt_sent_again_leaves_ones_own_text():
    box = behind()
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("i")
        await send(pilot, "one")
        await pilot.press(*"own", "up")
        await until(pilot, lambda: editor(pilot).text == "one")
        await pilot.press("!", "enter")
        await until(pilot, lambda: editor(pilot).text == "own")
    assert [call["text"] for call in box.called("send")] == ["one", "one!"]


async def test_up_inside_a_text_moves_the_cursor_only():
    async with app_of(behind()).run_test() as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("i")
        await send(pilot, "one")
        await pilot.press("a", "ctrl+j", "b", "up", "x")
        await until(pilot, lambda: editor(pilot).text == "ax\nb")


async def test_a_history_that_cannot_be_fetched_is_said_so():
    box = behind()
    box.refusals["commands"] = [QuarterdeckError("internal", "no \x1b[2J history")]
    async with app_of(box).run_test(size=(120, 30), notifications=True) as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("i", *"own", "up")
        await until_shown(pilot, "history")
        assert editor(pilot).text == "own"


# Completion


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
@pytest.mark.parametrize("key", ["enter", "tab"])
async def test_a_file_is_completed_above_the_prompt(size: tuple[int, int], key: str):
    box = behind()
    box.files = ["src/main.py", "src/mainly.py"]
    async with app_of(box).run_test(size=size) as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("i", *"see @mai")
        await until_shown(pilot, "src/mainly.py")
        assert choices(pilot).region.bottom == editor(pilot).region.y
        await pilot.press("down", key)
        await until(pilot, lambda: editor(pilot).text == "see @src/mainly.py ")
        await until_hidden(pilot, " src/main.py")
        assert editor(pilot).has_focus
        await pilot.press("enter")
        await until(pilot, lambda: box.called("send"))
    assert box.called("send")[0]["text"] == "see @src/mainly.py "


async def test_escape_closes_the_choices_and_then_leaves():
    box = behind()
    box.files = ["src/main.py"]
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("i", *"@m")
        await until_choosing(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: not choices(pilot).display)
        assert editor(pilot).has_focus
        await pilot.press("a")  # the same word stays without choices
        await pilot.pause(0.1)
        assert not choices(pilot).display
        await pilot.press("escape")
        await until(pilot, lambda: not editor(pilot).has_focus)
        assert editor(pilot).text == "@ma"


async def test_an_address_is_no_file():
    box = behind()
    box.files = ["b.org"]
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("i", *"a@b")
        await pilot.pause(0.1)
        assert not choices(pilot).display


async def test_the_agents_commands_are_completed_at_the_start_only():
    box = behind()
    box.offers = Offers((("compact", "Make it shorter"), ("review", "Look at it")), images=False)
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("i", "slash")
        await until_shown(pilot, "/review")
        assert "Make it shorter" in screen_text(pilot.app)
        await pilot.press("r")
        await until_hidden(pilot, "Make it shorter")
        await pilot.press("enter")
        await until(pilot, lambda: editor(pilot).text == "/review ")
        await pilot.press("slash")
        await pilot.pause(0.1)
        assert not choices(pilot).display


async def test_a_command_that_is_written_out_is_sent_by_enter():
    box = behind()
    box.offers = Offers((("review", ""),), images=False)
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("i", *"/review")
        await until_choosing(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: box.called("send"))
    assert box.called("send")[0]["text"] == "/review"


async def test_hostile_names_are_text_in_the_list_and_in_the_prompt():
    box = behind()
    box.files = [f"x/{HOSTILE}"]
    box.offers = Offers(((f"c{HOSTILE}", HOSTILE),), images=False)
    app = app_of(box)
    app.get_line_filters = list
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("i", "at")
        await until_shown(pilot, "x/a\\x1b[31mb\\u202ec⏎d[@click=app.quit]")
        await pilot.press("tab")
        await until(pilot, lambda: editor(pilot).text.endswith("quit] "))
        assert clean(editor(pilot).text) == editor(pilot).text
        assert "\n" not in editor(pilot).text
        editor(pilot).clear()
        await pilot.press("slash")
        await until_shown(pilot, "/ca\\x1b")
        for line in screen_text(pilot.app).split("\n"):
            assert clean(line) == line


async def test_why_there_are_no_choices_is_said_and_enter_sends():
    box = behind()
    box.refusals["files"] = [QuarterdeckError("git_failed", "git is \x1bgone")]
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("i", *"@")
        await until_shown(pilot, "git is \\x1bgone")
        await pilot.press("enter")
        await until(pilot, lambda: box.called("send"))


# The person's own editor


def script(path: Path, words: str) -> str:
    path.write_text(f"#!/bin/sh\n{words}\n")
    path.chmod(0o700)
    return str(path)


async def test_the_text_goes_to_the_editor_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    words = f'stat -c %a "$1" > {tmp_path}/mode; cat "$1" > {tmp_path}/was; echo " + two" >> "$1"'
    app = app_of(behind())
    app._environ = {"EDITOR": script(tmp_path / "ed", words), "PATH": "/usr/bin:/bin"}
    monkeypatch.setattr(app, "suspend", _without_a_terminal)
    async with app.run_test() as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("i", *"one", "ctrl+e")
        await until(pilot, lambda: editor(pilot).text == "one + two")
    assert (tmp_path / "was").read_text() == "one"
    assert int((tmp_path / "mode").read_text(), 8) == stat.S_IRUSR | stat.S_IWUSR
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ed", "mode", "was"]


async def test_without_an_editor_the_text_stays_and_the_reason_is_shown():
    async with app_of(behind()).run_test(size=(120, 30), notifications=True) as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("i", *"one", "ctrl+e")
        await until_shown(pilot, "Set $EDITOR")
        assert editor(pilot).text == "one"


class _without_a_terminal:
    """Stands for `App.suspend`, which a headless driver has not."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass
