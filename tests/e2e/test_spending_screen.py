"""A reached spending cap is answered on the screen, by keys."""

import json
import sys

from tests.support.deckhouse import Deckhouse, approval_of, session_in
from tests.support.screen import approve_in_dialog
from tests.support.tmux import Terminal


async def test_going_on_beyond_a_spending_cap_is_approved_on_the_screen(
    deckhouse: Deckhouse,
) -> None:
    """The dialog says what was spent and what may be; approved, the prompt that waited goes out."""
    deckhouse.configure("[limits]\ncost_per_session = 1.0")
    deck = await deckhouse.deck()
    spent = {"used": 10, "size": 100, "cost": {"amount": 1.5, "currency": "USD"}}
    ids = await deckhouse.new(deck, f"usage {json.dumps(spent)}", wait=True)
    await session_in(deck, ids["session_id"], "idle")
    await deck.send(ids["session_id"], "say afterwards")
    asked = await approval_of(deck, ids["session_id"])
    assert asked.kind == "spending_cap"
    argv = [sys.executable, "-m", "quarterdeck"]
    with Terminal(argv, width=100, height=30, env=deckhouse.environment) as terminal:
        terminal.wait_for("approval", within=60)
        read = approve_in_dialog(terminal)
        assert "1.50" in read
        assert "1.00" in read
        await session_in(deck, ids["session_id"], "idle")
        terminal.send_keys("q")
        assert terminal.wait_exit(within=60) == 0
    assert deckhouse.prompts()[-1] == "say afterwards"
