"""What a person does all day, by keys in tmux on the real product: from first run to fork."""

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.deckhouse import Deckhouse, approval_of, session_in
from tests.support.screen import ARMED_S, answer
from tests.support.tmux import Terminal
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow
SIZES = pytest.mark.parametrize("size", [(80, 24), (160, 45)], ids=["80x24", "160x45"])


@contextmanager
def the_screen(deckhouse: Deckhouse, size: tuple[int, int]) -> Iterator[Terminal]:
    """Quarterdeck in tmux, left by `q`."""
    env = deckhouse.environment | {"LANG": "C.UTF-8"}
    argv = [sys.executable, "-m", "quarterdeck"]
    width, height = size
    with Terminal(argv, width=width, height=height, env=env, cwd=deckhouse.project) as terminal:
        terminal.wait_for("supervisor", within=60)
        yield terminal
        terminal.send_keys("q")
        assert terminal.wait_exit(within=60) == 0


def leave(terminal: Terminal) -> None:
    """Press escape and wait for the list; another key right after it would be an alt key."""
    terminal.send_keys("Escape")
    terminal.wait_for("q quit")


def found_in(terminal: Terminal, pattern: str) -> str:
    """Wait until the screen has the pattern, and return its first group.

    A name alone is not looked for: a dialog lies over a list, a dock and a pane that have
    names of their own.
    """
    match = re.search(pattern, terminal.wait_for(re.compile(pattern)))
    assert match is not None
    return match[1]


def make_repository(deckhouse: Deckhouse) -> None:
    """Make the project a repository with one committed file, which is then changed."""
    git = [
        "git",
        "-C",
        str(deckhouse.project),
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.org",
    ]
    (deckhouse.project / "a.txt").write_text("one\ntwo\n")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "base"]):
        subprocess.run([*git, *arguments], check=True)
    (deckhouse.project / "a.txt").write_text("one\nzwei\n")


@SIZES
async def test_first_run_start_read_and_steer(deckhouse: Deckhouse, size: tuple[int, int]):
    """The offer of an empty list is taken, the answer read, a second prompt sent and queued."""

    def flow() -> None:
        with the_screen(deckhouse, size) as terminal:
            terminal.wait_for("No sessions yet", within=60)
            terminal.wait_for("start scripted in")
            terminal.send_keys("Enter")
            terminal.send_text("say Good morning")
            terminal.send_keys("C-g")
            terminal.wait_for("Good morning")
            terminal.wait_for("turn ended")
            terminal.send_keys("i")
            terminal.send_text("say First line")
            terminal.send_keys("C-j")
            terminal.send_text("wait go")
            terminal.send_keys("Enter")
            terminal.wait_for("First line")
            terminal.send_text("say Steered")
            terminal.send_keys("Enter")
            terminal.wait_for("1 queued")
            (deckhouse.project / "go").touch()
            eventually(lambda: len(deckhouse.prompts()) == 3)
            leave(terminal)

    await asyncio.to_thread(flow)
    assert deckhouse.prompts() == ["say Good morning", "say First line\nwait go", "say Steered"]


@SIZES
async def test_approvals_from_list_dock_and_dialog(deckhouse: Deckhouse, size: tuple[int, int]):
    """Four sessions ask; three are answered, each another way, and each agent got its answer."""
    deck = await deckhouse.deck()
    for name in ("Anna", "Bert", "Cora", "Dora"):
        made = await deckhouse.new(deck, f"ask touch {name}", title=name)
        await approval_of(deck, made["session_id"])

    def there(*names: str) -> None:
        eventually(lambda: {path.name for path in deckhouse.project.iterdir()} == set(names))

    def in_dock(terminal: Terminal) -> str:
        return found_in(terminal, r"touch (\w+) +a answer")

    def in_dialog(terminal: Terminal, *names: str) -> str:
        return found_in(terminal, rf"│ 1 touch ({'|'.join(names)}) ")

    def flow() -> None:
        with the_screen(deckhouse, size) as terminal:
            terminal.wait_for("4 approvals wait")
            # From the list: the session under the cursor, found by the filter.
            terminal.send_keys("/")
            terminal.send_text("Bert")
            terminal.wait_for("1 of them")
            terminal.send_keys("Enter")
            terminal.wait_for(re.compile(r"touch Bert +a answer"))
            terminal.send_keys("a")
            in_dialog(terminal, "Bert")
            answer(terminal, "a")
            there("Bert")
            terminal.send_keys("Escape")
            terminal.wait_for(lambda screen: "filter: Bert" not in screen)
            terminal.wait_for("3 approvals wait")
            # From the dock: what it names, whatever the cursor is on.
            named = in_dock(terminal)
            terminal.send_keys("a")
            in_dialog(terminal, named)
            answer(terminal, "d")
            terminal.wait_for("2 approvals wait")
            there("Bert")
            # From the dialog: leave one open, and decide the next.
            left = {"Anna", "Cora", "Dora"} - {named}
            terminal.send_keys("n", "a")
            first = in_dialog(terminal, *left)
            terminal.send_keys("n")
            second = in_dialog(terminal, *(left - {first}))
            answer(terminal, "a")
            there("Bert", second)
            terminal.wait_for("1 approval waits")
            eventually(lambda: len(deckhouse.answers()) == 3)

    await asyncio.to_thread(flow)
    assert len(deckhouse.answers()) == 3


@SIZES
async def test_a_comment_on_the_diff_becomes_a_prompt(deckhouse: Deckhouse, size: tuple[int, int]):
    """A line of the work tree's difference is commented; the agent gets file, line and words."""
    await asyncio.to_thread(make_repository, deckhouse)
    deck = await deckhouse.deck()
    made = await deckhouse.new(deck, "say ready", title="Work", wait=True)
    await session_in(deck, made["session_id"], "idle")

    def flow() -> None:
        with the_screen(deckhouse, size) as terminal:
            terminal.wait_for("ready")
            terminal.send_keys("3")
            terminal.wait_for("1 file, +1 -1")
            terminal.wait_for("zwei")
            terminal.send_keys("Tab", "Enter", "G", "m")
            terminal.wait_for("Comment on a.txt:2")
            terminal.send_text("keep it English")
            terminal.send_keys("Enter")
            terminal.wait_for(lambda screen: "Comment on" not in screen)
            terminal.send_keys("s")
            terminal.wait_for("About your changes:")
            terminal.send_keys("Enter")
            eventually(lambda: len(deckhouse.prompts()) == 2)
            leave(terminal)

    await asyncio.to_thread(flow)
    assert deckhouse.prompts()[1] == ("About your changes:\n\na.txt:2\n> zwei\nkeep it English")


@SIZES
async def test_search_and_fork(deckhouse: Deckhouse, size: tuple[int, int]):
    """What was said is found, its event opened; the session is forked."""
    deck = await deckhouse.deck()
    made = await deckhouse.new(deck, "say a needle in hay", title="Haystack", wait=True)
    await session_in(deck, made["session_id"], "idle")

    def flow() -> None:
        with the_screen(deckhouse, size) as terminal:
            terminal.wait_for("Haystack")
            terminal.send_keys("S")
            terminal.wait_for("Type words and press enter")
            terminal.send_text("needle")
            terminal.send_keys("Enter")
            terminal.wait_for("a needle in hay")
            terminal.send_keys("Enter")
            terminal.wait_for("• agent")
            leave(terminal)
            terminal.send_keys("f")
            terminal.wait_for("▌○ Haystack (fork)")

    await asyncio.to_thread(flow)
    assert len((await deck.sessions())[0]) == 2


def decide(terminal: Terminal, key: str, then: str) -> None:
    """Press a key on the inbox, again if its question was not armed yet, until `then` is there."""

    def decided() -> bool:
        if then not in terminal.capture():
            time.sleep(ARMED_S)
            terminal.send_keys(key)
        try:
            terminal.wait_for(then, within=5)
        except AssertionError:
            return False
        return True

    eventually(decided, within=60, what=then)


@SIZES
async def test_approvals_from_the_inbox(deckhouse: Deckhouse, size: tuple[int, int]):
    """The inbox goes on to the next one by itself; one is approved and one denied."""
    deck = await deckhouse.deck()
    for name in ("Anna", "Bert"):
        made = await deckhouse.new(deck, f"ask touch {name}", title=name)
        await approval_of(deck, made["session_id"])

    def flow() -> None:
        with the_screen(deckhouse, size) as terminal:
            terminal.wait_for("2 approvals wait")
            terminal.send_keys("I")
            shown = terminal.wait_for(re.compile(r"1 touch (Anna|Bert)"))
            first = "Anna" if "1 touch Anna" in shown else "Bert"
            second = "Bert" if first == "Anna" else "Anna"
            decide(terminal, "a", f"1 touch {second}")
            eventually((deckhouse.project / first).exists)
            decide(terminal, "d", "0 open")
            eventually(lambda: len(deckhouse.answers()) == 2)
            leave(terminal)
            assert not (deckhouse.project / second).exists()

    await asyncio.to_thread(flow)
    assert len(deckhouse.answers()) == 2


@SIZES
async def test_archive_and_undo(deckhouse: Deckhouse, size: tuple[int, int]):
    """An archived session leaves the list, stands in the archive, and comes back by one key."""
    deck = await deckhouse.deck()
    for name in ("Keep", "Away"):
        made = await deckhouse.new(deck, "say done", title=name, wait=True)
        await session_in(deck, made["session_id"], "idle")

    def flow() -> None:
        with the_screen(deckhouse, size) as terminal:
            terminal.wait_for("Keep")
            terminal.send_keys("/")
            terminal.send_text("Away")
            terminal.wait_for("1 of them")
            terminal.send_keys("Enter", "A")
            terminal.wait_for("is archived")
            terminal.wait_for("0 of them")
            terminal.send_keys("U")
            terminal.wait_for("1 of them")

    await asyncio.to_thread(flow)
    assert {view.title for view in (await deck.sessions())[0]} == {"Keep", "Away"}
