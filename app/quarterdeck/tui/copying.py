"""What happens when something is copied, and what is said of it."""

from collections.abc import Mapping

from textual.app import App

from quarterdeck.tui import clipboard
from quarterdeck.tui.widgets.copied import Copied


class Copying:
    """Copies for the app; nothing acknowledges OSC 52, so a file is offered each time."""

    def __init__(self, app: App[None], environ: Mapping[str, str]) -> None:
        """Copy on `app`'s terminal, with the clipboard command of `environ`."""
        self._app, self._environ = app, environ

    async def copy(self, copied: Copied) -> None:
        """Put a text on the clipboard, and say where it went."""
        size = f"{len(copied.text):,} character{'' if len(copied.text) == 1 else 's'}"
        by_terminal = clipboard.fits_terminal(copied.text)
        if by_terminal:
            self._app.copy_to_clipboard(copied.text)
        command = clipboard.system_command(self._environ)
        by_command = command is not None and await clipboard.give_to_command(
            command, copied.text, self._environ
        )
        if by_terminal or by_command:
            self._say(f"Copied the {copied.what}, {size}. Y writes it to a file.")
        else:
            self._say(f"The {copied.what} has {size}, too much for a terminal: written to a file.")
            self.write(copied)

    def write(self, copied: Copied) -> None:
        """Write a text to a file, and name it."""
        try:
            path = clipboard.write_file(copied.text, copied.suffix)
        except OSError as error:
            self._say(f"Not written: {error.strerror or error}", bad=True)
        else:
            self._say(f"The {copied.what} is in {path}")

    def _say(self, text: str, *, bad: bool = False) -> None:
        severity = "error" if bad else "information"
        self._app.notify(text, severity=severity, markup=False, timeout=8)
