"""Starting the full-screen client."""

import gc
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from quarterdeck.model.places import Places

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck


def main(places: Places, reader: str) -> int:
    """Run the full-screen client until the person leaves it.

    Args:
        places: Which state directory's supervisor; it is started if none runs.
        reader: Whose read marks count (A9).

    Returns:
        0, or Textual's code after a crash.
    """
    # A log line on the terminal would tear the screen; the supervisor keeps the log.
    logging.getLogger("quarterdeck").addHandler(logging.NullHandler())
    # Importing makes many objects and no garbage: collecting meanwhile only costs start-up time.
    gc.disable()
    try:
        from quarterdeck.client.deck import Deck
        from quarterdeck.tui.app import QuarterdeckApp
    finally:
        gc.enable()

    async def connect(on_change: Callable[[int], None]) -> "Deck":
        return await Deck.connect(places, reader=reader, client="tui", on_change=on_change)

    app = QuarterdeckApp(connect)
    app.run()
    return app.return_code or 0
