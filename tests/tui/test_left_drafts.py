"""Drafts the supervisor could not be given: they are there at the next start."""

import asyncio
import json
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from quarterdeck.tui.app import QuarterdeckApp
from quarterdeck.tui.left_drafts import LeftDrafts
from quarterdeck.tui.prompt_drafts import Drafts
from quarterdeck.tui.widgets.prompt_line import PromptLine
from tests.support.piloting import until
from tests.support.scenes import app_of
from tests.tui.test_prompt_drafts import begun, text, two


def kept(path: Path, reader: str = "") -> dict[str, str]:
    return json.loads(path.read_text())[reader]


def heard(app: QuarterdeckApp, words: str) -> bool:
    return any(one.text.startswith(words) for one in app._toasts.said)


def test_the_file_is_for_its_owner_and_holds_no_empty_text(tmp_path: Path):
    path = tmp_path / "state" / "drafts.json"
    left = LeftDrafts(path)
    assert left.read() == ({}, "")
    assert left.keep({"a": ""}) == ""
    assert not path.exists(), "nothing was worth a file"
    assert left.keep({"a": "one\ntwo", "b": ""}) == ""
    assert kept(path) == {"a": "one\ntwo"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert LeftDrafts(path).read() == ({"a": "one\ntwo"}, "")


def test_screens_that_share_the_file_leave_each_other_s_texts(tmp_path: Path):
    path = tmp_path / "drafts.json"
    one, other = LeftDrafts(path), LeftDrafts(path)
    one.keep({"a": "of one"})
    other.keep({"b": "of the other"})
    assert kept(path) == {"a": "of one", "b": "of the other"}
    one.keep({})
    assert kept(path) == {"b": "of the other"}


def test_readers_do_not_get_each_other_s_texts(tmp_path: Path):
    path = tmp_path / "drafts.json"
    LeftDrafts(path, "ada").keep({"a": "of ada"})
    ben = LeftDrafts(path, "ben")
    assert ben.read() == ({}, "")
    ben.keep({"a": "of ben"})
    assert (kept(path, "ada"), kept(path, "ben")) == ({"a": "of ada"}, {"a": "of ben"})


def test_a_file_that_cannot_be_read_or_written_is_said(tmp_path: Path):
    path = tmp_path / "drafts.json"
    path.write_bytes(b'{"a": "\xff')
    texts, problem = LeftDrafts(path).read()
    assert texts == {}
    assert f"{path} is broken" in problem
    before = path.read_bytes()
    assert f"{path} is broken" in LeftDrafts(path).keep({"a": "x"})
    assert path.read_bytes() == before, "what may be somebody's text is not written over"
    path.write_text('{"": {"a": 1, "b": "fine"}, "ada": []}')
    assert LeftDrafts(path, "ada").read() == ({}, "")
    assert LeftDrafts(path).read() == ({"b": "fine"}, "")
    (tmp_path / "file").write_text("where a directory should be")
    assert "cannot be read" in LeftDrafts(tmp_path / "file" / "drafts.json").keep({"a": "x"})


def test_who_never_stops_typing_has_a_draft_saved_all_the_same():
    timers: list[Callable[[], None]] = []

    def set_timer(delay: float, then: Callable[[], None]) -> Any:
        timers.append(then)
        return SimpleNamespace(stop=lambda: None)  # and nothing that puts it off

    started: list[Any] = []
    owner: Any = SimpleNamespace(set_timer=set_timer)
    deck: Any = None
    drafts = Drafts(owner, deck, started.append, print, LeftDrafts(), print)
    for typed in ("o", "on", "on ", "on a"):
        drafts.write("s", typed)
    assert len(timers) == 1
    timers[0]()
    (saving,) = started
    saving.close()
    drafts.write("s", "on and on")
    assert len(timers) == 2


async def test_what_found_no_supervisor_is_shown_and_saved_by_the_next_screen(tmp_path: Path):
    path = tmp_path / "drafts.json"
    box, alpha, _ = two()
    async with app_of(box, left=LeftDrafts(path)).run_test() as pilot:
        await begun(pilot, box)
        box.lose()
        await pilot.press("i", *"half", "ctrl+c")
    assert box.drafts == {}
    assert kept(path) == {alpha: "half"}
    box.down = False
    async with app_of(box, left=LeftDrafts(path)).run_test() as pilot:
        await until(pilot, lambda: text(pilot) == "half")
        await until(pilot, lambda: box.drafts == {alpha: "half"})
        await until(pilot, lambda: kept(path) == {})
    async with app_of(box, left=LeftDrafts(path)).run_test() as pilot:
        await until(pilot, lambda: text(pilot) == "half")
    assert kept(path) == {}


async def test_a_left_draft_is_saved_without_its_session_being_looked_at(tmp_path: Path):
    box, _, beta = two()
    left = LeftDrafts(tmp_path / "drafts.json")
    left.keep({beta: "for beta"})
    async with app_of(box, left=LeftDrafts(tmp_path / "drafts.json")).run_test() as pilot:
        await until(pilot, lambda: box.drafts == {beta: "for beta"})
        await until(pilot, lambda: kept(tmp_path / "drafts.json") == {})


async def test_what_another_client_wrote_meanwhile_is_put_aside(tmp_path: Path):
    box, alpha, beta = two()
    LeftDrafts(tmp_path / "drafts.json").keep({alpha: "mine"})
    box.drafts[alpha] = "theirs"
    LeftDrafts(tmp_path / "drafts.json").keep({beta: "for beta"})
    box.drafts[beta] = "theirs too"
    app = app_of(box, left=LeftDrafts(tmp_path / "drafts.json"))
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        for words in ("Another client's draft gave way", "Elsewhere another"):
            await until(pilot, partial(heard, app, words), words)
        await until(pilot, lambda: box.drafts == {alpha: "mine", beta: "for beta"})
        await pilot.press("i", "up")
        await until(pilot, lambda: text(pilot) == "theirs")


async def test_what_a_supervisor_did_not_answer_for_in_time_is_kept(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("quarterdeck.tui.screens.main.LEAVING_TURNS", 1)
    box, alpha, _ = two()
    async with app_of(box, left=LeftDrafts(tmp_path / "drafts.json")).run_test() as pilot:
        await begun(pilot, box)
        box.held["save_draft"] = asyncio.Event()
        await pilot.press("i", *"half", "ctrl+c")
    assert kept(tmp_path / "drafts.json") == {alpha: "half"}


async def test_what_was_saved_leaves_no_file(tmp_path: Path):
    box, alpha, _ = two()
    async with app_of(box, left=LeftDrafts(tmp_path / "drafts.json")).run_test() as pilot:
        await begun(pilot, box)
        line = pilot.app.screen.query_one(PromptLine)
        await pilot.press("i", *"half")
        await until(pilot, lambda: box.drafts == {alpha: "half"})
        await until(pilot, lambda: not line._drafts.of(alpha).unsaved)
    assert not (tmp_path / "drafts.json").exists()
