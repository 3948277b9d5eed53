"""The main situations a person meets on the screen, for snapshots and for the README's pictures."""

from collections.abc import Callable
from dataclasses import dataclass

from textual.pilot import Pilot

from tests.support.piloting import until_shown
from tests.support.scenes import deck_of_six
from tests.support.scripted_deck import ScriptedSupervisor, ago, event, session

PROJECTS = ("/srv/api", "/home/mara/src/client", "/home/mara/src/importer")
DIFF = """diff --git a/client/retry.py b/client/retry.py
--- a/client/retry.py
+++ b/client/retry.py
@@ -1,4 +1,4 @@
-def backoff(attempt):
-    return 0.5 * 2 ** attempt
+def backoff(attempt, most=2.0):
+    return min(0.5 * 2 ** attempt, most)
 # seconds
 # from 0
"""


def deck_with_a_diff() -> ScriptedSupervisor:
    """The six sessions, whose work trees have changed."""
    box = deck_of_six()
    box.answers["session.diff"] = {
        "top": "/home/mara/src/client",
        "base": "39943deae65990419da8379666775123f1f93152",
        "more": False,
        "files": [
            {"path": "client/retry.py", "status": "modified", "added": 2, "removed": 2},
            {"path": "tests/test_retry.py", "status": "untracked", "added": 18, "removed": 0},
        ],
    }
    box.answers["session.diff_file"] = {"path": "client/retry.py", "text": DIFF}
    return box


def deck_of_many() -> ScriptedSupervisor:
    """Forty sessions of three projects, with plans, usage and changed lines."""
    box = ScriptedSupervisor()
    states = [("waiting", "waiting"), ("running", "active"), ("idle", "unread"), ("idle", "read")]
    for number in range(1, 41):
        state, attention = states[min(number // 6, 3)]
        view = session(
            number,
            title=f"{('Fix', 'Review', 'Port', 'Measure')[number % 4]} part {number}",
            agent=("opencode", "claude", "runbook")[number % 3],
            state=state,
            attention=attention,
            project=PROJECTS[number % 3],
            cwd=PROJECTS[number % 3],
            open_approvals=int(state == "waiting"),
            version=number + (attention == "unread"),
            state_since=ago(90 * number),
            git_branch=f"part-{number}",
            plan={"done": number % 5, "total": 5, "step": "Test it", "run_id": "r", "seq": 1},
            usage={"used": 4_000 * number, "size": 200_000},
            changes={"files": 2, "added": 3 * number, "removed": number},
        )
        told = f"Part {number} of the work."
        box.add(view, [event(view, 1, "assistant_message", message_id="m", text=told)])
    return box


@dataclass(frozen=True)
class Situation:
    """One thing that is going on, the keys that lead to it, and words that show it is there."""

    deck: Callable[[], ScriptedSupervisor]
    first: str
    """On the screen before any key is pressed."""
    keys: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()

    async def reach(self, pilot: Pilot[None]) -> None:
        """Press the keys, and wait until it is there."""
        await until_shown(pilot, self.first)
        for key in self.keys:
            await pilot.press(key)
            await pilot.pause()
        for words in self.shown:
            await until_shown(pilot, words)
        await pilot.pause()


ASKS = "I ask first."
SITUATIONS: dict[str, Situation] = {
    "main": Situation(deck_of_six, ASKS, (), ("3 approvals wait",)),
    "many": Situation(deck_of_many, "Part 1 of", ("b",), ("▾",)),
    "approval": Situation(deck_of_six, ASKS, ("n", "a"), ("+def backoff",)),
    "inbox": Situation(deck_of_six, ASKS, ("I",), ("exact text", "kubectl changes a cluster")),
    "diff": Situation(deck_with_a_diff, ASKS, ("n", "3"), ("2 files, +20 -2", "def backoff")),
    "trace": Situation(deck_of_six, ASKS, ("2",), ("Dry-run the migrations",)),
    "split": Situation(
        deck_of_six, ASKS, ("vertical_line",), ("I ask first.", "Dry-run the migrations", "◆ asks")
    ),
    "find": Situation(
        deck_of_six, ASKS, ("enter", "slash", *"migration", "enter", "full_stop"), ("2 of 3",)
    ),
    "help": Situation(deck_of_six, ASKS, ("question_mark",), ("Tour",)),
}
