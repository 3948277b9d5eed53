"""A rule file or config.toml that breaks, or is mended, is told though nothing is asked (§6)."""

import asyncio

from quarterdeck.client.deck import Deck
from tests.support.deckhouse import Deckhouse, session_in

BROKEN, GOOD = "version = 1\n[[rules]\n", "version = 1\n"


class Pushes:
    """What a screen hears; each push makes it ask once what is wrong."""

    def __init__(self) -> None:
        self.heard = asyncio.Event()
        self.deck: Deck | None = None

    async def until(self, part: str, at: int) -> None:
        """Wait for pushes until a fault says `part`; nothing is asked without one."""
        assert self.deck is not None
        while True:
            await asyncio.wait_for(self.heard.wait(), 60)
            self.heard.clear()
            told = (await self.deck.file_problems())[at]
            if (part in told) if part else not told:
                return


async def listener(deckhouse: Deckhouse) -> Pushes:
    """A client that listens."""
    listening = Pushes()
    listening.deck = await deckhouse.deck(on_change=lambda change: listening.heard.set())
    return listening


async def test_a_rule_file_is_told_of_while_nothing_happens(deckhouse: Deckhouse) -> None:
    listening = await listener(deckhouse)
    rules = deckhouse.places.config / "policy.toml"
    rules.write_text(BROKEN)
    await listening.until("policy.toml", 0)
    rules.write_text(GOOD)
    await listening.until("", 0)


async def test_config_toml_is_told_of_with_its_key_and_holds_as_it_was(
    deckhouse: Deckhouse,
) -> None:
    listening = await listener(deckhouse)
    config = deckhouse.places.config_file
    before = config.read_text()
    config.write_text(before + "\n[limits]\ncost_per_dya = 5.0\n")
    await listening.until("limits.cost_per_dya", 1)
    config.write_text(before)
    await listening.until("", 1)


async def test_a_projects_rule_file_and_one_behind_a_link_are_watched_too(
    deckhouse: Deckhouse,
) -> None:
    elsewhere = deckhouse.places.config.parent / "dotfiles"
    elsewhere.mkdir()
    (elsewhere / "mine.toml").write_text(GOOD)
    (deckhouse.places.config / "policy.toml").symlink_to(elsewhere / "mine.toml")
    project = deckhouse.project / ".quarterdeck" / "policy.toml"
    project.parent.mkdir()
    project.write_text(GOOD)
    listening = await listener(deckhouse)
    assert listening.deck is not None
    ids = await deckhouse.new(listening.deck, "ask pwd")
    await session_in(listening.deck, ids["session_id"], "idle")
    (elsewhere / "mine.toml").write_text(BROKEN)
    await listening.until("config/policy.toml", 0)
    (elsewhere / "mine.toml").write_text(GOOD)
    await listening.until("", 0)
    project.write_text(BROKEN)
    await listening.until(".quarterdeck/policy.toml", 0)
