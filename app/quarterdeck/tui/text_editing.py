"""Writing a longer text in the person's own editor."""

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from textual.app import App

from quarterdeck.model.failpoints import failpoint
from quarterdeck.tui import editor


def edit_text(app: App[None], environ: Mapping[str, str], text: str) -> str:
    """Return `text` as the person's editor left it; the file in between is for them only.

    Raises:
        NoEditor: There is none, or the text could not be handed to it and back.
    """
    editor.command(environ, Path())  # nothing is written if there is no editor
    failpoint("editor.text.before")
    try:
        handle, name = tempfile.mkstemp(prefix="prompt-", suffix=".md")
        path = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(text)
            editor.run(app, environ, path)
            written = path.read_text("utf-8", errors="replace")
        finally:
            with contextlib.suppress(OSError):
                path.unlink()
    except OSError as error:
        raise editor.NoEditor(f"The text could not be edited: {error}") from error
    if written.endswith("\n") and not text.endswith("\n"):
        written = written[:-1]  # editors end the last line
    return written
