"""Which project rule files a person trusts: by place and by the content they saw (DESIGN §6)."""

import hashlib
import json
import os
from pathlib import Path

from quarterdeck.policy import private_file


def content_hash(content: bytes) -> str:
    """Return the sha256 by which a project's rule file is trusted, in hex."""
    return hashlib.sha256(content).hexdigest()


class NotAsSeen(Exception):
    """The file to be trusted is not the one the person looked at."""


class Trust:
    """The trusted project files, in one JSON file of the supervisor's state directory.

    A damaged file trusts nothing.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def holds(self, project_file: Path, sha256: str) -> bool:
        """Tell whether a project's file is trusted with this content."""
        return self._load().get(_key(project_file)) == sha256

    def give(self, project_file: Path, sha256: str) -> None:
        """Trust a project's file as it was shown; any later change ends the trust.

        Raises:
            NotAsSeen: It is not what `sha256` is of any more; look at it again.
            OSError: It cannot be read, or the trust cannot be written.
        """
        if content_hash(project_file.read_bytes()) != sha256:
            raise NotAsSeen(f"{project_file} was changed since it was shown; look at it again")
        self._store(self._load() | {_key(project_file): sha256})

    def withdraw(self, project_file: Path) -> None:
        """Trust a project's file no longer."""
        known = self._load()
        if known.pop(_key(project_file), None) is not None:
            self._store(known)

    def _load(self) -> dict[str, str]:
        try:
            data = json.loads(self._file.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        projects = data.get("projects") if isinstance(data, dict) else None
        return projects if isinstance(projects, dict) else {}

    def _store(self, projects: dict[str, str]) -> None:
        text = json.dumps({"version": 1, "projects": projects}, indent=2, sort_keys=True)
        private_file.replace(self._file, text + "\n")


def _key(project_file: Path) -> str:
    return os.path.realpath(project_file)
