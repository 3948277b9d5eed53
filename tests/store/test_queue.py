"""A1: the order of waiting prompts against a plain list, whatever is done to it."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.states import CommandKind, CommandState
from quarterdeck.store import commands, sessions
from quarterdeck.store.store import Store
from quarterdeck.store.transaction import Tx

step = st.tuples(
    st.sampled_from(["add", "add", "steer", "move", "last", "back", "out"]),
    st.integers(0, 30),
    st.integers(0, 30),
)


async def new_session(tx: Tx, session_id: str = "ses_1") -> None:
    await sessions.insert(
        tx,
        sessions.NewSession(
            session_id=session_id,
            project="/p",
            agent="a",
            cwd="/p",
            title="t",
            preview="",
            start_key=None,
            start_sha256=None,
        ),
    )


class Model:
    """The queue as a list of command ids, and which of them interrupted."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.steers: set[str] = set()

    async def apply(self, tx: Tx, what: str, one: int, two: int) -> None:
        if what in ("add", "steer"):
            kind = CommandKind.STEER if what == "steer" else CommandKind.TURN
            row = await commands.insert(tx, "ses_1", None, kind, text="x")
            at = len(self.order)
            if what == "steer":
                await commands.put_first(tx, row)
                self.steers.add(row["command_id"])
                at = next((n for n, c in enumerate(self.order) if c not in self.steers), at)
            self.order.insert(at, row["command_id"])
            return
        if not self.order:
            return
        chosen, other = self.order[one % len(self.order)], self.order[two % len(self.order)]
        row = await commands.load(tx.db, chosen)
        if what == "out":
            row = await commands.next_turn(tx, "ses_1")
            assert row is not None
            assert row["command_id"] == self.order.pop(0)
            await commands.acknowledge(tx, row["command_id"], "run_1")
        elif what == "back":
            await commands.set_state(tx, chosen, CommandState.CANCELLED)
            self.order.remove(chosen)
        elif what == "last":
            await commands.move_before(tx, row, None)
            self.order.remove(chosen)
            self.order.append(chosen)
        elif other != chosen:
            await commands.move_before(tx, row, other)
            self.order.remove(chosen)
            self.order.insert(self.order.index(other), chosen)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(step, max_size=40))
def test_a1_the_queue_keeps_the_order_it_was_given(tmp_path: Path, steps: list) -> None:
    async def work() -> None:
        path = tmp_path / "q.db"
        path.unlink(missing_ok=True)
        store = await Store.open(path)
        try:
            await store.write(new_session)
            model = Model()

            async def one_by_one(tx: Tx) -> None:
                for what, one, two in steps:
                    await model.apply(tx, what, one, two)
                    found = [row["command_id"] for row in await commands.queue(tx, "ses_1")]
                    assert found == model.order

            await store.write(one_by_one)
        finally:
            await store.close()

    asyncio.run(work())


async def test_a1_a_prompt_of_another_session_is_no_place_to_move_to(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "q.db")

    async def work(tx: Tx) -> None:
        await new_session(tx, "ses_1")
        await new_session(tx, "ses_2")
        mine = await commands.insert(tx, "ses_1", None, CommandKind.TURN, text="x")
        other = await commands.insert(tx, "ses_2", None, CommandKind.TURN, text="x")
        with pytest.raises(QuarterdeckError) as caught:
            await commands.move_before(tx, mine, other["command_id"])
        assert caught.value.code == "not_queued"

    await store.write(work)
    await store.close()


async def test_a1_an_ended_command_never_changes_again(tmp_path: Path) -> None:
    """Whatever it is told after its end; the supervisor looks before it asks, this is the lock."""
    store = await Store.open(tmp_path / "q.db")

    async def work(tx: Tx) -> None:
        await new_session(tx, "ses_1")
        for end in (CommandState.COMPLETED, CommandState.FAILED, CommandState.CANCELLED):
            row = await commands.insert(tx, "ses_1", None, CommandKind.TURN, text="x")
            command_id = row["command_id"]
            assert await commands.set_state(tx, command_id, end, "over")
            ended = dict(await commands.load(tx.db, command_id))
            for state in CommandState:
                assert not await commands.set_state(tx, command_id, state, "again")
            await commands.acknowledge(tx, command_id, "run_1")
            await commands.set_text(tx, command_id, "y")
            assert await commands.finish_open(tx, "ses_1", CommandState.FAILED, "again") == []
            assert dict(await commands.load(tx.db, command_id)) == ended

    try:
        await store.write(work)
    finally:
        await store.close()
