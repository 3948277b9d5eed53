"""One key stops all agents, after one question."""

from textual.pilot import Pilot

from tests.support.piloting import screen_text, until, until_shown
from tests.support.scenes import app_of, deck_of_six
from tests.support.scripted_deck import ScriptedSupervisor, session


def toasts(pilot: Pilot[None]) -> list[str]:
    return [toast.message for toast in pilot.app._notifications]


async def test_the_key_asks_once_says_how_many_and_tells_what_was_done():
    box = deck_of_six()
    box.replace(box.sessions[0].session_id, queued=2)
    working = [s for s in box.sessions if s.state in ("running", "waiting", "starting")]
    queued = sum(view.queued for view in box.sessions)
    box.answers["session.cancel_all"] = {
        "sessions": [s.session_id for s in working[1:]],
        "taken_back": 2,
        "failed": [
            {"session_id": working[0].session_id, "code": "internal", "message": "see \x1b[2J"}
        ],
    }
    async with app_of(box).run_test(size=(120, 40), notifications=True) as pilot:
        await until_shown(pilot, "Deploy api")
        await pilot.press("exclamation_mark")
        asked = f"Stop {len(working)} sessions and take back {queued} queued prompts?"
        await until_shown(pilot, asked)
        await pilot.press("n")
        await until(pilot, lambda: "queued prompts" not in screen_text(pilot.app))
        await pilot.press("exclamation_mark")
        await until_shown(pilot, f"{queued} queued prompts")
        await pilot.press("y")
        said = f"{len(working) - 1} sessions stopped, 2 queued prompts taken back."
        await until(pilot, lambda: len(toasts(pilot)) == 2)
        title = working[0].title
        assert toasts(pilot) == [said, f"{title} was not stopped: see \\x1b[2J"]


async def test_with_nothing_to_stop_nothing_is_asked():
    box = ScriptedSupervisor()
    box.add(session(1, title="Alpha"))
    async with app_of(box).run_test(notifications=True) as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("exclamation_mark")
        await until_shown(pilot, "No agent is working")
