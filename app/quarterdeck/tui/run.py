"""Starting the full-screen client."""

import gc
import importlib
import logging
import os
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from quarterdeck.model.places import Places

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck


def main(places: Places, reader: str, client: str = "tui") -> int:
    """Run the full-screen client until the person leaves it.

    Args:
        places: Which state directory's supervisor; it is started if none runs.
        reader: Whose read marks count (A9).
        client: What it calls itself, for decisions and the log.

    Returns:
        0, 128 and the number of a signal that ended it, or Textual's code after a crash.
    """
    # A log line on the terminal would tear the screen; the supervisor keeps the log.
    logging.getLogger("quarterdeck").addHandler(logging.NullHandler())
    # Whoever started us may ignore it (nohup does); a screen without its terminal must end.
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if "TEXTUAL_DRIVER" not in os.environ:  # as a browser's has, which tells its size so
        # A terminal tells its size itself; what was exported would be believed for ever.
        for name in ("COLUMNS", "LINES"):
            os.environ.pop(name, None)
    # Starting makes many objects and no garbage: collecting meanwhile only costs time.
    gc.disable()
    try:
        return _run(places, reader, client)
    finally:
        gc.enable()


def _run(places: Places, reader: str, client: str) -> int:
    from quarterdeck.tui import keymap
    from quarterdeck.tui.alerts import settings_from
    from quarterdeck.tui.app import QuarterdeckApp
    from quarterdeck.tui.dialogs.undo_setting import undo_seconds_from
    from quarterdeck.tui.layout import LayoutFile
    from quarterdeck.tui.left_drafts import LeftDrafts
    from quarterdeck.tui.mouse_setting import mouse_from
    from quarterdeck.tui.terminal_looks import looks_of
    from quarterdeck.tui.turns import TurnClock

    connected = False

    async def connect(on_change: Callable[[int], None]) -> "Deck":
        nonlocal connected
        from quarterdeck.client.deck import Deck

        # A supervisor that was killed leaves its socket; one that was ended on purpose does not,
        # and an open screen must not undo `qd down`.
        start = not connected or places.socket.exists()
        deck = await Deck.connect(
            places, reader=reader, client=client, start=start, on_change=on_change
        )
        connected = True
        return deck

    app = QuarterdeckApp(
        connect,
        monotonic=TurnClock(),
        alerts=settings_from(places.config_file, os.environ),
        keymap=keymap.read(places.config_file),
        undo_seconds=undo_seconds_from(places.config_file),
        layout=LayoutFile(places.state / "screen.json"),
        left=LeftDrafts(places.state / "drafts.json", reader),
        looks=looks_of(os.environ, places.config_file),
        opening=True,
        started=_sessions_shown,
    )
    app.run(mouse=mouse_from(places.config_file))
    return app.return_code or 0


def _sessions_shown() -> None:
    """Do what had to wait for the start.

    Garbage is collected from now on, but never again looked for in what the start has made. What
    the first message that ends needs is imported beside, for a line must not wait for that.
    """
    gc.freeze()
    gc.enable()
    threading.Thread(target=_import_markdown, name="imports", daemon=True).start()


def _import_markdown() -> None:
    importlib.import_module("quarterdeck.tui.widgets.markdown_strips")
