"""The panes Diff, Plan and Info, with hostile text in each of them."""

from dataclasses import replace
from pathlib import Path

import pytest

from quarterdeck.model.records import RunView
from quarterdeck.tui import editor
from quarterdeck.tui.widgets.prompt_line import PromptLine
from quarterdeck.tui.widgets.row_list import RowList
from tests.support.piloting import screen_text, until, until_hidden, until_shown
from tests.support.scenes import app_of
from tests.support.scripted_deck import ScriptedSupervisor, ago, event, session

HOSTILE = "a\x1b[31mb\u202ec"
DIFF = "@@ -1,2 +1,2 @@\n same\n-two\n+2\x1b]0;x\x07\n"


def behind() -> ScriptedSupervisor:
    box = ScriptedSupervisor()
    view = box.add(
        session(
            1,
            title="Panes",
            last_event_seq=1,
            usage={"used": 50_000, "size": 200_000, "cost": {"amount": 1.5, "currency": "USD"}},
            changes={"files": 2, "added": 3, "removed": 1},
            git_branch=HOSTILE,
            plan={"done": 1, "total": 2, "step": "two", "run_id": "run_1", "seq": 1},
        )
    )
    entries = [
        {"content": "Read", "status": "completed", "priority": "medium"},
        {"content": f"Write {HOSTILE}", "status": "in_progress", "priority": "high"},
    ]
    box.events["run_1"] = [event(view, 1, "plan", entries=entries)]
    box.answers["session.diff"] = {
        "top": "/srv/project",
        "base": "0123456789abcdef",
        "more": False,
        "files": [
            {"path": "src/a.py", "status": "modified", "added": 1, "removed": 1},
            {"path": f"b{HOSTILE}", "status": "untracked", "added": 2, "removed": 0},
        ],
    }
    box.answers["session.diff_file"] = {"path": "src/a.py", "text": DIFF}
    run = RunView("run_1", view.session_id, 1, "failed", 1, ago(90), ago(80), f"died {HOSTILE}")
    box.answers["session.runs"] = {"runs": [run.to_wire()]}
    box.profiles = [{"name": "runbook", "env_names": ["HOME", "API_KEY"]}]
    return box


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_plan_and_info_say_what_is_known(size: tuple[int, int]):
    async with app_of(behind()).run_test(size=size) as pilot:
        await until_shown(pilot, "Panes")
        await pilot.press("4")
        await until_shown(pilot, "1 of 2 done")
        assert "✔ done   Read" in screen_text(pilot.app)
        assert "(high)" in screen_text(pilot.app)
        await pilot.press("5")
        await until_shown(pilot, "50,000 of 200,000 tokens of context (25 %), 1.50 USD")
        await pilot.press("tab", "G")
        await until_shown(pilot, "run 1           failed")
        await until_shown(pilot, "HOME, API_KEY")


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_a_line_of_the_diff_is_commented_and_sent_as_a_prompt(size: tuple[int, int]):
    box = behind()
    async with app_of(box).run_test(size=size) as pilot:
        await until_shown(pilot, "Panes")
        await pilot.press("3")
        await until_shown(pilot, "2 files, +3 -1 since 0123456789")
        await until_shown(pilot, "same")
        await pilot.press("tab", "enter", "G", "m")
        await until_shown(pilot, "Comment on src/a.py:2")
        await pilot.press(*"why", "enter")
        await until_hidden(pilot, "Comment on")
        await until_shown(pilot, "●")
        await pilot.press("s")
        await until_shown(pilot, "About your changes:")
        await pilot.press("enter")
        await until_hidden(pilot, "About your changes:")
    sent = [params for method, params in box.calls if method == "send"]
    assert [params["text"] for params in sent] == [
        "About your changes:\n\nsrc/a.py:2\n> 2\x1b]0;x\x07\nwhy"
    ]


async def test_comments_stay_with_their_session_until_they_are_sent():
    async with app_of(behind()).run_test(size=(120, 30), notifications=True) as pilot:
        await until_shown(pilot, "Panes")
        await pilot.press("3")
        await until_shown(pilot, "same")
        await pilot.press("tab", "enter", "s")
        await until_shown(pilot, "There is no comment yet")
        assert not pilot.app.screen.query_one(PromptLine).has_pseudo_class("focus-within")


@pytest.mark.parametrize(
    ("editing", "wanted"),
    [
        ({"EDITOR": "vim"}, ["vim", "+7", "/a b"]),
        ({"EDITOR": "vim", "VISUAL": "code -n"}, ["code", "-n", "--wait", "--goto", "/a b:7"]),
        ({"EDITOR": "/usr/bin/hx"}, ["/usr/bin/hx", "/a b:7"]),
    ],
)
def test_editors_are_told_the_line_in_their_own_way(editing: dict[str, str], wanted: list[str]):
    assert editor.command(editing, Path("/a b"), 7) == wanted


@pytest.mark.parametrize("environ", [{}, {"EDITOR": " "}, {"EDITOR": "'"}])
def test_no_editor_is_said_so(environ: dict[str, str]):
    with pytest.raises(editor.NoEditor):
        editor.command(environ, Path("/a"))


async def test_five_thousand_changed_files_are_gone_through_by_pages():
    box = behind()
    box.answers["session.diff"]["files"] = [
        {"path": f"src/f{number:04}.py", "status": "modified", "added": 1, "removed": 1}
        for number in range(5_000)
    ]
    async with app_of(box).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "Panes")
        await pilot.press("3")
        await until_shown(pilot, "5000 files")
        await pilot.press("tab", "G")
        await until_shown(pilot, "f4999.py")
        await pilot.press("pageup", "pageup")
        await until_hidden(pilot, "f4999.py")
        await pilot.press("g")
        await until_shown(pilot, "f0000.py")
        await pilot.press("pagedown", "pagedown")
        await until_hidden(pilot, "f0000.py")
        files = pilot.app.screen.query_one("#diff-files", RowList)
        assert files.selected in [f"src/f{number:04}.py" for number in range(2, 20)]


async def test_a2_of_a_run_whose_events_were_trimmed_output_and_trace_say_so():
    """A2: nothing is fetched of it again, it is read once that was seen, and other runs are not."""
    box = ScriptedSupervisor()
    view = session(1, title="Old", state="closed", last_event_seq=9, read_version=0)
    other = session(2, title="Whole", state="closed")
    box.add(view)
    box.add(other, [event(other, 1, "user_message", text="Still here")])
    box.add(session(3, title="New"))
    run = RunView(view.run_id or "", view.session_id, 1, "completed", 9, ago(90), ago(80))
    run = replace(run, trimmed=9, trimmed_at=ago(20))
    box.answers["session.runs"] = {"runs": [run.to_wire()]}
    said = "9 events trimmed by retention at 2026-09-21 14:13:00"
    async with app_of(box).run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, said)
        await until(pilot, lambda: box.called("mark_read"))
        await pilot.press("2")
        await until_shown(pilot, "2 Trace")
        await until_shown(pilot, said)
        box.replace(view.session_id, title="Older")
        box.push()
        await until_shown(pilot, "· Older")
        assert said in screen_text(pilot.app)
        await pilot.press("down")
        await until_shown(pilot, "Still here")
        assert said not in screen_text(pilot.app)
        await pilot.press("1")
        await until_shown(pilot, "› Still here")
        await pilot.press("up")
        await until_shown(pilot, said)
        await pilot.press("end")
        await until_shown(pilot, "No output yet")
        await pilot.press("home", "2")
        await until_shown(pilot, said)
        await pilot.press("end")
        await until_shown(pilot, "No events yet")
