"""Drafts the supervisor could not be given: kept here until it has them.

Whoever writes while there is no supervisor, and leaves, finds the text again at the next start.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from quarterdeck.tui.own_file import NO_FILE, OwnFile

SIZE_LIMIT = 64 << 20


class LeftDrafts:
    """A reader's texts by session, in the file that all screens of a state directory share."""

    def __init__(self, path: Path = NO_FILE, reader: str = "") -> None:
        """Name the file, without which nothing outlives the screen, and whose drafts these are."""
        self._file = OwnFile(path, "what was left unsaved", size_limit=SIZE_LIMIT)
        self._reader = reader
        self._ours: dict[str, str] = {}
        """What stands in it that we know of, from its reading or because we put it there."""

    @property
    def any(self) -> bool:
        """Whether the file holds any of our texts."""
        return bool(self._ours)

    def read(self) -> tuple[dict[str, str], str]:
        """Return the texts, and what was wrong with the file."""
        given, problem = self._file.read()
        texts = self._of_reader(given)
        self._ours = {key: text for key, text in texts.items() if isinstance(text, str)}
        return dict(self._ours), problem

    def _of_reader(self, given: dict[str, Any]) -> dict[str, Any]:
        texts = given.get(self._reader)
        return texts if isinstance(texts, dict) else {}

    def keep(self, unsaved: Mapping[str, str]) -> str:
        """Have the file hold these of our texts and no others; return what went wrong.

        Those of other screens and readers stay, so a file that cannot be read is left alone. An
        empty text is not worth keeping.
        """
        wanted = {key: text for key, text in unsaved.items() if text}
        if wanted == self._ours:
            return ""
        given, problem = self._file.read()
        if problem:
            return problem
        others = {k: v for k, v in self._of_reader(given).items() if k not in self._ours}
        if problem := self._file.write(given | {self._reader: others | wanted}):
            return problem
        self._ours = wanted
        return ""
