"""kill -9 at every point between a key press and the agent's stdin (DESIGN §4, D9).

Wherever client, supervisor or keeper is killed: the decision reaches the agent once, or the
question is still listed and can be answered once. Whoever got no reply repeats with its token
and learns the truth. The places are the failpoints passed from the call on; they are walked, the
first, the second and so on, until one more than there are lets the process live.

What turns this red, each tried by hand:
- supervisor/recovery.py, `_reattach`: `await spooling.catch_up(…)` taken out;
- supervisor/deciding.py, `decide`: the same token not answered with the first decision;
- supervisor/run_end.py, `_crashed`: `await _tell_undelivered(rec)` taken out.
"""

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.records import ApprovalView, DecisionView
from tests.support.client_process import ClientProcess
from tests.support.deckhouse import Deckhouse, session_in, whole_trace
from tests.support.racing import Asked, RacingSession
from tests.support.supervisor_zygote import ForkedSupervisor, Zygote
from tests.support.waiting import eventually_async

SUPERVISORS = {
    *("rpc.read.after", "store.begin.after", "store.commit.before", "store.commit.after"),
    *("spool.append.before", "spool.append.after", "keeper_control.send.before"),
    *("keeper_control.send.after", "rpc.reply.before", "rpc.reply.after"),
}
KEEPERS = {"keeper.control.read", "keeper.stdin.before", "keeper.stdin.after"}
MOST = 60
"""Far more failpoints than a decision passes; a walk that gets there would never end."""
MOMENT_S = 3.0
"""How long after its last word a process may still be on its way to where it is killed."""


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    made = Zygote()
    yield made
    made.close()


pytestmark = pytest.mark.slow


class Kills:
    """A deckhouse whose supervisor is forked, with failpoints that count once `armed` exists."""

    def __init__(self, house: Deckhouse, zygote: Zygote) -> None:
        self.house, self._zygote = house, zygote
        self.armed = house.agent_home / "armed"
        self.supervisor: ForkedSupervisor | None = None

    async def start(self, *, own: str = "", keepers: str = "") -> Deck:
        """Start a supervisor with rules for its own failpoints and those of its keepers."""
        rules = {"QUARTERDECK_FAILPOINT": own, "QUARTERDECK_KEEPER_FAILPOINT": keepers}
        told = {name: f"after {self.armed} {rule}" for name, rule in rules.items() if rule}
        self.supervisor = self._zygote.start(self.house.places, **told)
        return await self.connected()

    async def connected(self) -> Deck:
        """Connect to the supervisor that is starting."""
        found: list[Deck] = []

        async def there() -> bool:
            with contextlib.suppress(QuarterdeckError):
                found.append(await self.house.deck(start=False))
                await found[-1].approvals()
                return True
            return False

        await eventually_async(there)
        return found[-1]

    def end(self) -> None:
        """kill -9 the supervisor, as the next one is to take over."""
        assert self.supervisor is not None
        self.supervisor.kill()
        assert self.supervisor.wait(60)

    def died(self) -> bool:
        """Whether the supervisor was killed; it then is within a moment of what it last said.

        Only one that lives is waited for to the end, and that comes twice in a walk.
        """
        assert self.supervisor is not None
        return self.supervisor.wait(MOMENT_S)

    @contextlib.contextmanager
    def arming(self) -> Iterator[None]:
        """Let failpoints count."""
        self.armed.touch()
        yield
        self.armed.unlink()


@pytest.fixture
async def kills(deckhouse: Deckhouse, zygote: Zygote) -> AsyncIterator[Kills]:
    made = Kills(deckhouse, zygote)
    yield made
    if made.supervisor is not None and not made.supervisor.alive():
        await made.start()


def _choice(shown: ApprovalView) -> dict[str, Any]:
    """Return what a screen sends that shows `shown`, and sends again if it hears nothing."""
    return {
        "approval_id": shown.approval_id,
        "run_id": shown.run_id,
        "payload_sha256": shown.payload_sha256,
        "action": "approve",
        "token": f"token-{shown.approval_id}",
    }


async def _answered(session: RacingSession, asked: Asked) -> None:
    """Wait until the agent has an answer; it has to be the only one, and the right one."""

    async def there() -> bool:
        session.hear()
        return bool(asked.answers)

    await eventually_async(there, what=f"an answer to {asked}")
    session.hear()
    assert asked.approved and len(asked.answers) == 1, asked


async def _settled_once(
    deck: Deck, session: RacingSession, asked: Asked, shown: ApprovalView, made: Any
) -> str:
    """Look whether the decision was applied or still waits; then repeat it with its token.

    What a killed client sent may be carried out meanwhile, so the agent is looked at first.
    """
    session.hear()
    heard = list(asked.answers)
    listed = shown.approval_id in [view.approval_id for view in await deck.approvals()]
    if listed:
        assert made is None, "acknowledged, and asked again"
        assert heard == [], "on the agent's stdin, and asked again"
    else:
        await _answered(session, asked)
    again = await deck.decide(**_choice(shown))
    assert isinstance(again, DecisionView) and again.state == "approved"
    assert made is None or made["decision_id"] == again.decision_id
    await _answered(session, asked)
    return "pending" if listed else "applied"


async def _told_of(deck: Deck, choice: dict[str, Any]) -> dict[str, Any] | None:
    """Decide; return the decision, or None if no reply came."""
    try:
        return (await deck.decide(**choice)).to_wire()
    except QuarterdeckError as error:
        assert error.code == "unreachable", error
        return None


async def test_the_supervisor_is_killed_at_every_point_of_a_decision(kills: Kills) -> None:
    session = RacingSession(kills.house)
    passed = kills.house.agent_home / "passed"
    deck = await kills.start(own=f"count:{passed}")
    await session.start(deck)
    outcomes: list[str] = []
    for k in range(MOST):
        asked = session.ask()
        shown = await session.approval(deck, asked)
        assert shown is not None
        with kills.arming():
            made = await _told_of(deck, _choice(shown))
            lives = not kills.died()
        if k > 0 and lives:
            break
        if k == 0:
            await _answered(session, asked)
            kills.end()
        deck = await kills.start(own=f"kill:{k + 1}")
        await session_in(deck, session.session_id, "waiting", "running")
        outcome = await _settled_once(deck, session, asked, shown, made)
        outcomes += [outcome] if k > 0 else []
    else:
        raise AssertionError(f"{MOST} places, and no end")
    await _answered(session, asked)
    assert set(passed.read_text().split()) >= SUPERVISORS
    assert len(outcomes) >= len(SUPERVISORS)
    assert set(outcomes) == {"pending", "applied"}
    assert outcomes == sorted(outcomes, reverse=True), "lost again after it had been applied"
    session.close()


async def test_the_client_is_killed_at_every_point_of_a_decision(
    kills: Kills, monkeypatch: pytest.MonkeyPatch
) -> None:
    deck, session = await kills.start(), RacingSession(kills.house)
    await session.start(deck)
    k = 0
    for k in range(1, MOST):
        asked = session.ask()
        shown = await session.approval(deck, asked)
        assert shown is not None
        monkeypatch.setenv("QUARTERDECK_FAILPOINT", f"after {kills.armed} kill:{k}")
        client = await ClientProcess.start(kills.house, "killed")
        monkeypatch.delenv("QUARTERDECK_FAILPOINT")
        with kills.arming():
            made = await client.decide_or_die(_choice(shown))
        await client.close()
        await _settled_once(deck, session, asked, shown, made)
        if made is not None:
            break
    assert 4 <= k < MOST - 1, k
    session.close()


async def test_the_keeper_is_killed_at_every_point_of_a_decision(kills: Kills) -> None:
    """Its agent ends with it: the trace says so, and which decision may have been lost."""
    passed, once = kills.house.agent_home / "passed", kills.house.agent_home / "once"
    heard: list[bool] = []
    for k in range(MOST):
        session = RacingSession(kills.house, f"racing{k}")
        deck = await kills.start(keepers=f"kill:{k}@{once}{k}" if k else f"count:{passed}")
        await session.start(deck)
        asked = session.ask()
        shown = await session.approval(deck, asked)
        assert shown is not None
        with kills.arming():
            made = await deck.decide(**_choice(shown))
            lives = await _lives(deck, session)
        again = await deck.decide(**_choice(shown))
        assert again.decision_id == made.decision_id
        session.hear()
        if lives:
            await _answered(session, asked)
        else:
            heard.append(bool(asked.answers))
            assert len(asked.answers) <= 1
            events = await whole_trace(deck, session.session_id)
            assert [e for e in events if e.type == "run.failed"]
            named = [e for e in events if e.payload.get("approval_id") == shown.approval_id]
            told = [e for e in named if e.type == "error"]
            assert asked.answers or told, "lost in silence"
        await deck.close_session(session.session_id)
        await session_in(deck, session.session_id, "closed")
        kills.end()
        session.close()
        if k > 0 and lives:
            break
    else:
        raise AssertionError(f"{MOST} places, and no end")
    assert set(passed.read_text().split()) >= KEEPERS
    assert len(heard) >= len(KEEPERS)


async def _lives(deck: Deck, session: RacingSession) -> bool:
    """Wait until the answer arrived or the agent was started again; whether it was not."""
    first = (await deck.runs(session.session_id))[0].run_id

    async def over() -> bool:
        session.hear()
        runs = await deck.runs(session.session_id)
        return len(runs) > 1 or any(a.answers for a in session.asked)

    async def started_again() -> bool:
        return (await deck.session(session.session_id)).run_id != first

    await eventually_async(over)
    try:
        await eventually_async(started_again, within=MOMENT_S)
    except AssertionError:
        return True
    await session_in(deck, session.session_id, "idle")
    return False
