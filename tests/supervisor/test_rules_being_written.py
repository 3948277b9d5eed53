"""C5: a rule that a person has just decided counts for the very next call."""

import asyncio
from pathlib import Path

from quarterdeck.model.places import Places
from quarterdeck.supervisor.judging import Policy


async def test_a_judgement_waits_until_a_decided_rule_stands_in_its_file(tmp_path: Path) -> None:
    """The agent has its answer before the rule is written, and may ask the same again at once."""
    policy = Policy(Places(tmp_path / "state", tmp_path / "config"))
    await policy.settled()
    with policy.being_written():
        judging = asyncio.ensure_future(policy.settled())
        done, _ = await asyncio.wait([judging], timeout=0.05)
        assert not done
    await judging
    await policy.settled()


async def test_a_rule_that_cannot_be_written_holds_nothing_up_for_ever(tmp_path: Path) -> None:
    policy = Policy(Places(tmp_path / "state", tmp_path / "config"))
    with policy.being_written():
        await asyncio.wait_for(policy.settled(), 60)
