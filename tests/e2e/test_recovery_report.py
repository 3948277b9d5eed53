"""D2: after each start a report of what became of whom, kept until each reader dismissed it."""

import asyncio
import json
import os
import signal

import pytest

from quarterdeck.agents.holding import RunDirectory, read_info
from quarterdeck.model.errors import QuarterdeckError
from tests.support.deckhouse import Deckhouse, session_in


async def test_d2_the_report_is_told_until_each_reader_has_dismissed_it(
    deckhouse: Deckhouse,
) -> None:
    """One agent dies with the supervisor and one lives on: as data, as text, in the log."""
    deck = await deckhouse.deck()
    dead = await deckhouse.new(deck, "say hello", title="The dead one", wait=True)
    alive = await deckhouse.new(deck, "say hello", title="The live one", wait=True)
    for ids in (dead, alive):
        await session_in(deck, ids["session_id"], "idle")
    assert (await deck.recovery())["open"] == [], "the first start found nothing"
    info = read_info(RunDirectory(deckhouse.places.runs / dead["run_id"]))
    assert info is not None
    deckhouse.kill_supervisor()
    os.kill(info.keeper.pid, signal.SIGKILL)

    deck = await deckhouse.deck(reader="ann")
    await deck.approvals()  # waits for the end of recovery
    report = (await deck.status())["recovery"]
    (resumed,), (attached,) = report["resumed"], report["re-attached"]
    assert (resumed["session_id"], resumed["reason"]) == (
        dead["session_id"],
        "its agent was started again",
    )
    assert (attached["session_id"], attached["agent"]) == (alive["session_id"], "scripted")
    assert [told["id"] for told in report["open"]] == [report["id"]]
    text = deckhouse.qd("status")
    assert "recovery: 1 resumed, 1 re-attached" in text
    assert "  resumed: The dead one: its agent was started again" in text
    assert "The live one" not in text, "what was simply found alive is only counted"
    logged = [json.loads(line) for line in deckhouse.places.log.read_text().splitlines()]
    told = {
        line["session"]: (line["agent"], line["outcome"])
        for line in logged
        if line["message"] == "recovered"
    }
    assert told == {
        dead["session_id"]: ("scripted", "resumed"),
        alive["session_id"]: ("scripted", "re-attached"),
    }

    assert await deck.dismiss_recovery(report["id"]) == 1
    assert (await deck.recovery())["open"] == []
    assert await deck.dismiss_recovery(report["id"]) == 0, "twice is once"
    deckhouse.kill_supervisor()
    ann, ben = await deckhouse.deck(reader="ann"), await deckhouse.deck(reader="ben")
    await ann.approvals()
    assert len((await ann.status())["recovery"]["re-attached"]) == 2
    assert (await ann.recovery())["open"] == [], "dismissed stays dismissed, and this is no news"
    (earlier,) = (await ben.recovery())["open"]
    assert earlier == {key: value for key, value in report.items() if key != "open"}


async def test_d2_a_dismissal_is_told_to_the_other_screens(deckhouse: Deckhouse) -> None:
    """A push, so that the same reader's other terminal takes the report off too."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say hello", wait=True)
    await session_in(deck, ids["session_id"], "idle")
    info = read_info(RunDirectory(deckhouse.places.runs / ids["run_id"]))
    assert info is not None
    deckhouse.kill_supervisor()
    os.kill(info.keeper.pid, signal.SIGKILL)
    deck = await deckhouse.deck()
    await deck.approvals()
    pushed = asyncio.Event()
    await deckhouse.deck(on_change=lambda change: pushed.set())
    (report,) = (await deck.recovery())["open"]
    await deck.dismiss_recovery(report["id"])
    await asyncio.wait_for(pushed.wait(), 60)


async def test_an_unknown_report_cannot_be_dismissed(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    with pytest.raises(QuarterdeckError) as found:
        await deck.dismiss_recovery("no-such")
    assert found.value.code == "unknown_report"


@pytest.mark.parametrize("damage", ["", "{", "[1, {}]", '{"a": 1}', '[{"report": {"id": 1}}]'])
async def test_c9_damaged_reports_keep_nothing_from_starting(
    deckhouse: Deckhouse, damage: str
) -> None:
    deckhouse.places.state.mkdir(mode=0o700)
    deckhouse.places.recovery_reports.write_text(damage)
    deck = await deckhouse.deck()
    assert (await deck.recovery())["open"] == []
