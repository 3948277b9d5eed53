"""Finding within a pane, by keys in tmux on the real product."""

import asyncio
import re

import pytest

from tests.e2e.test_screen_flows import SIZES, the_screen
from tests.support.deckhouse import Deckhouse, session_in

pytestmark = pytest.mark.slow


@SIZES
async def test_output_and_trace_are_searched_and_the_line_goes_away(
    deckhouse: Deckhouse, size: tuple[int, int]
):
    """Hostile text is found as it is shown; steps go round; escape ends it, then leaves."""
    deck = await deckhouse.deck()
    says = "\n".join(["say a needle \x1b]2;pwned\x07 \u202eneedle", "count 60", "say last Needle"])
    made = await deckhouse.new(deck, says, title="Haystack")
    await session_in(deck, made["session_id"], "idle")

    def flow() -> None:
        with the_screen(deckhouse, size) as terminal:
            terminal.wait_for("turn ended")
            terminal.send_keys("Enter", "/")
            terminal.send_text("NEEDLE")
            terminal.wait_for("not found")
            terminal.send_keys("C-u")
            terminal.send_text("needle")
            terminal.wait_for(re.compile(r"find needle .*\d   \. next hit"))
            terminal.send_keys("Enter")
            seen: set[str] = set()
            total = 0
            for _ in range(8):
                screen = terminal.wait_for(re.compile(r"find needle .* (\d+ of \d+)"))
                found = re.search(r"(\d+) of (\d+)", screen.split("find needle")[-1])
                assert found is not None
                seen.add(found[1])
                total = int(found[2])
                terminal.send_keys(".")
                following = int(found[1]) % total + 1
                terminal.wait_for(f"{following} of {total}")
            assert seen == {str(number) for number in range(1, total + 1)}
            terminal.send_keys("2", "/", "C-u")
            terminal.send_text("\\u202eneedle")
            terminal.send_keys("Enter")
            terminal.wait_for(re.compile(r"▌ .*agent.*needle"))
            terminal.send_keys("Escape")
            terminal.wait_for(lambda screen: "next hit" not in screen)
            terminal.send_keys("Escape")
            terminal.wait_for("q quit")

    await asyncio.to_thread(flow)
