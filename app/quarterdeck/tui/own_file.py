"""A small JSON file of this client's own: mode 0600, replaced whole, never half written."""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from quarterdeck.model.failpoints import failpoint

NO_FILE = Path(os.devnull)


class OwnFile:
    """One object of JSON in the state directory."""

    def __init__(self, path: Path, what: str, *, size_limit: int) -> None:
        """Name the file; nothing is read before it is asked for.

        Args:
            path: Where it lies; `NO_FILE` to keep nothing.
            what: What is in it, for what is said of it.
            size_limit: How much of it is read, in bytes.
        """
        self.path, self._what, self._size_limit = path, what, size_limit

    def read(self) -> tuple[dict[str, Any], str]:
        """Return what is in it, empty if there is none, and what was wrong with the file."""
        try:
            with self.path.open("rb") as file:
                raw = file.read(self._size_limit)
        except FileNotFoundError:
            return {}, ""
        except OSError as error:
            return {}, f"{self._what} cannot be read: {error}"
        if not raw:
            return {}, ""
        try:
            given = json.loads(raw)
        except ValueError:
            given = None
        if not isinstance(given, dict):
            return {}, f"{self._what} cannot be read: {self.path} is broken"
        return given, ""

    def write(self, value: dict[str, Any]) -> str:
        """Replace the file; return what went wrong, or nothing."""
        if self.path == NO_FILE:
            return ""
        part = self.path.with_name(f"{self.path.name}.{os.getpid()}.part")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(value, file)
            failpoint("own_file.rename.before")
            part.replace(self.path)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink()
            return f"{self._what} was not kept: {error}"
        return ""
