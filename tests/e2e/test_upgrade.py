"""`qd upgrade`: a new supervisor takes over under live agents, or the old one goes on."""

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import quarterdeck
from quarterdeck.agents.holding import RunDirectory, read_info
from quarterdeck.client.deck import Deck
from quarterdeck.store.schema import migrations
from tests.e2e.test_restart import numbers
from tests.support.deckhouse import (
    AGENT,
    Deckhouse,
    approval_of,
    decide,
    said,
    session_in,
    whole_trace,
)
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.slow

AGENTS = int(os.environ.get("QUARTERDECK_UPGRADE_AGENTS", "20"))
STREAM = "count 120 0.01\nwait go1\ncount 120 0.01\nwait go2\ncount 30"
"""270 chunks; each upgrade begins while some of them are being written."""
NEWEST = migrations()[-1][0]


class Crew:
    """Agents with a profile and a directory each; every fifth asks, every fourth has a queue."""

    def __init__(self, house: Deckhouse) -> None:
        self.house = house
        self.homes = [house.agent_home / f"a{number}" for number in range(AGENTS)]
        self.ids: list[dict[str, str]] = []
        command = json.dumps([sys.executable, "-I", "-S", str(AGENT)])
        profiles = []
        for number, home in enumerate(self.homes):
            home.mkdir()
            env = f'{{ SCRIPTED_DIR = "{home}" }}'
            profiles.append(f"[agents.a{number}]\ncommand = {command}\nenv = {env}\n")
        house.configure("\n".join(profiles))

    def asks(self, number: int) -> bool:
        return number % 5 == 0

    def queues(self, number: int) -> bool:
        return number % 4 == 1

    async def start(self, deck: Deck) -> None:
        """Start every agent with its prompt, and queue two more for some."""

        async def one(number: int) -> dict[str, str]:
            prompt = f"ask touch asked-{number}\n{STREAM}" if self.asks(number) else STREAM
            made = await self.house.new(deck, prompt, agent=f"a{number}", wait=True)
            if self.queues(number):
                for text in ("say one more", "say and another"):
                    await deck.send(made["session_id"], text)
            return made

        self.ids = list(await asyncio.gather(*map(one, range(AGENTS))))

    def pids(self) -> list[int]:
        """Return the pid of every agent."""
        found = [read_info(RunDirectory(self.house.places.runs / i["run_id"])) for i in self.ids]
        return [info.agent.pid for info in found if info is not None]

    async def streamed(self, deck: Deck, chunks: int) -> bool:
        """Whether every agent that may stream has come so far."""
        for number, ids in enumerate(self.ids):
            if not self.asks(number):
                view = await deck.session(ids["session_id"])
                if view.last_event_seq < chunks:
                    return False
        return True


async def test_twenty_live_agents_notice_nothing_of_two_upgrades(deckhouse: Deckhouse) -> None:
    """D5, DESIGN §4: no agent stops, every chunk once and in order, decisions arrive once."""
    crew = Crew(deckhouse)
    deck = await deckhouse.deck()
    await crew.start(deck)
    session_ids = [ids["session_id"] for ids in crew.ids]
    asked = [n for n in range(AGENTS) if crew.asks(n)]
    approvals = {n: await approval_of(deck, session_ids[n]) for n in asked}
    pids = crew.pids()
    waiting = subprocess.Popen(
        [sys.executable, "-m", "quarterdeck", "wait", session_ids[-1], "--until", "idle"],
        env=deckhouse.environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        for chunks, go in ((15, "go1"), (140, "go2")):
            await eventually_async(lambda: crew.streamed(deck, chunks), within=60)  # noqa: B023
            told = await upgraded(deckhouse)
            assert told["took_over"] is True
            assert told["before"]["pid"] != told["after"]["pid"]
            recovery = told["recovery"]
            assert sorted(line["session_id"] for line in recovery["re-attached"]) == sorted(
                session_ids
            )
            assert recovery["open"] == [], "plain re-attachment is no news"
            print(f"{AGENTS} agents: {told['seconds']} s until all were re-attached")
            assert crew.pids() == pids
            deck = await deckhouse.deck()
            if go == "go1":
                for number, approval in approvals.items():
                    assert await approval_of(deck, session_ids[number]) == approval
                    await decide(deck, approval, "approve")
            (deckhouse.project / go).touch()
        for session_id in session_ids:
            await session_in(deck, session_id, "idle", within=60)
        assert await asyncio.to_thread(waiting.wait, 30) == 0, "a client comes back by itself"
    finally:
        waiting.kill()
        waiting.wait()
    assert crew.pids() == pids
    assert all(Path(f"/proc/{pid}").exists() for pid in pids)
    for number, session_id in enumerate(session_ids):
        await eventually_async(lambda: _done(deck, session_id))  # noqa: B023
        text = said(await whole_trace(deck, session_id))
        assert numbers(text) == list(range(1, 271))
        prompts = (crew.homes[number] / "prompts").read_text().splitlines()
        if crew.queues(number):
            assert text.endswith("one moreand another")
            assert len(prompts) == 3
        else:
            assert len(prompts) == 1
        if crew.asks(number):
            answers = (crew.homes[number] / "answers").read_text().splitlines()
            assert len(answers) == 1
            assert (deckhouse.project / f"asked-{number}").exists()


async def _done(deck: Deck, session_id: str) -> bool:
    commands = await deck.commands(session_id)
    return all(command.state == "completed" for command in commands)


async def upgraded(house: Deckhouse) -> dict[str, Any]:
    return json.loads(await asyncio.to_thread(house.qd, "upgrade", "--json"))


# Other versions


class Version:
    """A copy of the product, changed, as another version's installation."""

    def __init__(self, root: Path) -> None:
        self.root = root
        package = Path(quarterdeck.__file__).parent
        shutil.copytree(package, root / "quarterdeck", ignore=shutil.ignore_patterns("__pycache__"))

    def change(self, file: str, old: str, new: str) -> None:
        path = self.root / "quarterdeck" / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    def without_newest_migration(self) -> None:
        folder = self.root / "quarterdeck" / "store" / "migrations"
        (newest,) = folder.glob(f"{NEWEST:04}_*.sql")
        newest.unlink()

    def migrate(self, sql: str) -> None:
        folder = self.root / "quarterdeck" / "store" / "migrations"
        (folder / f"{NEWEST + 1:04}_odd.sql").write_text(sql)

    def run(self, house: Deckhouse, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run this version's `qd`; what it starts is of this version too."""
        return subprocess.run(
            [sys.executable, "-m", "quarterdeck", *arguments, "--json"],
            env=house.environment | {"PYTHONPATH": str(self.root)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
def version(tmp_path: Path) -> Version:
    return Version(tmp_path / "other")


def refusal(done: "subprocess.CompletedProcess[str]", code: str) -> dict[str, Any]:
    assert done.returncode == 6, done.stderr
    error = json.loads(done.stderr.splitlines()[-1])["error"]
    assert error["code"] == code
    return error


async def test_a_newer_version_migrates_the_store_under_live_agents(
    deckhouse: Deckhouse, version: Version
) -> None:
    """DESIGN §4: under the lock and after a backup; what runs is one schema behind until then."""
    version.change("__init__.py", quarterdeck.__version__, "99.0.1")
    version.migrate("ALTER TABLE sessions ADD COLUMN oddity TEXT NOT NULL DEFAULT 'odd';\n")
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "count 100 0.01\nwait go\ncount 50", wait=True)
    info = read_info(RunDirectory(deckhouse.places.runs / ids["run_id"]))
    assert info is not None
    done = version.run(deckhouse, "upgrade")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["before"]["version"], told["before"]["schema"]) == (
        quarterdeck.__version__,
        NEWEST,
    )
    assert (told["after"]["version"], told["after"]["schema"]) == ("99.0.1", NEWEST + 1)
    backup = deckhouse.places.database.name + f".schema{NEWEST}.bak"
    assert deckhouse.places.database.with_name(backup).exists()
    with closing(sqlite3.connect(deckhouse.places.database)) as db:
        assert db.execute("SELECT oddity FROM sessions").fetchall() == [("odd",)]
    (deckhouse.project / "go").touch()
    deck = await deckhouse.deck(start=False)
    await session_in(deck, ids["session_id"], "idle")
    assert numbers(said(await whole_trace(deck, ids["session_id"]))) == list(range(1, 151))
    assert read_info(RunDirectory(deckhouse.places.runs / ids["run_id"])) == info


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ("import", "no module called frobnicate"),
        ("older", "schema"),
        ("config", "limits"),
        ("migration", "frobnicate"),
    ],
)
async def test_a_version_that_cannot_start_leaves_the_old_one_running(
    deckhouse: Deckhouse, version: Version, broken: str, words: str
) -> None:
    """It is found out before anything ends: agents, clients and the supervisor stay as they are."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say hello", wait=True)
    await session_in(deck, ids["session_id"], "idle")
    pid = deckhouse.supervisor_pid()
    if broken == "import":
        first = '"""Whether this version'
        version.change("supervisor/self_check.py", first, f"raise ImportError({words!r})\n{first}")
    elif broken == "older":
        version.without_newest_migration()
    elif broken == "config":
        deckhouse.configure("[limits]\ncost_per_decade = 1\n")
    else:
        version.migrate("ALTER TABLE frobnicate ADD COLUMN x;\n")
    error = refusal(version.run(deckhouse, "upgrade"), "upgrade_refused")
    assert words in error["message"]
    assert deckhouse.supervisor_pid() == pid
    assert (await deck.status())["pid"] == pid
    await deck.send(ids["session_id"], "say again")
    await eventually_async(lambda: _heard(deck, ids["session_id"], "again"))


async def _heard(deck: Deck, session_id: str, text: str) -> bool:
    return text in said(await whole_trace(deck, session_id))


async def test_a_version_that_fails_after_taking_over_is_told_and_agents_live_on(
    deckhouse: Deckhouse, version: Version
) -> None:
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "hang", wait=True)
    info = read_info(RunDirectory(deckhouse.places.runs / ids["run_id"]))
    assert info is not None
    version.change(
        "supervisor/service.py",
        "    store = await Store.open(places.database)\n",
        '    raise RuntimeError("a wheel came off")\n',
    )
    error = refusal(version.run(deckhouse, "upgrade"), "upgrade_failed")
    assert "a wheel came off" in error["message"]
    assert Path(f"/proc/{info.agent.pid}").exists()
    deck = await deckhouse.deck()
    view = await session_in(deck, ids["session_id"], "running")
    assert view.run_id == ids["run_id"], "the next one attaches to the same agent"


async def test_upgrade_without_a_supervisor_starts_one(deckhouse: Deckhouse) -> None:
    told = await upgraded(deckhouse)
    assert told["before"] is None
    assert told["after"]["pid"] == deckhouse.supervisor_pid()


async def test_a_standby_whose_client_went_away_ends(deckhouse: Deckhouse) -> None:
    """It must not lie in wait for the lock and take it when somebody says `qd down` later."""
    await deckhouse.deck()
    pid = deckhouse.supervisor_pid()
    standby = subprocess.Popen(
        [sys.executable, "-P", "-m", "quarterdeck.supervisor", "--take-over"],
        env=deckhouse.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert standby.stdout and standby.stdin
    with closing(standby.stdout), closing(standby.stdin):
        assert json.loads(await asyncio.to_thread(standby.stdout.readline))["ok"] is True
        assert standby.poll() is None
    assert await asyncio.to_thread(standby.wait, 30) == 6
    assert deckhouse.supervisor_pid() == pid
