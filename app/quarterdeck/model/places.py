"""Where things lie: the state directory and the configuration directory (DESIGN §11)."""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

DAMAGED = ".damaged-"
"""Between the name of the store's file and the time at which it was moved aside (C9)."""
DAMAGED_REASON = ".reason-"
"""The same for the file that says why; one that is not there is not known."""


@dataclass(frozen=True, slots=True)
class Places:
    """The two directories everything else is derived from."""

    state: Path
    config: Path

    @classmethod
    def from_environment(cls) -> "Places":
        """Honour QUARTERDECK_STATE_DIR and QUARTERDECK_CONFIG_DIR, else the platform's."""
        state = os.environ.get("QUARTERDECK_STATE_DIR")
        config = os.environ.get("QUARTERDECK_CONFIG_DIR")
        return cls(
            state=Path(state) if state else platformdirs.user_state_path("quarterdeck"),
            config=Path(config) if config else platformdirs.user_config_path("quarterdeck"),
        ).absolute()

    def absolute(self) -> "Places":
        """Return the same places with absolute paths, so that a change of directory is harmless."""
        return Places(self.state.expanduser().absolute(), self.config.expanduser().absolute())

    @property
    def lock(self) -> Path:
        """The permanent lock file (D1)."""
        return self.state / "supervisor.lock"

    @property
    def socket(self) -> Path:
        """The Unix socket clients connect to."""
        return self.state / "supervisor.sock"

    @property
    def bell(self) -> Path:
        """The datagram socket keepers ring."""
        return self.state / "bell"

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.state / "quarterdeck.db"

    @property
    def damaged(self) -> list[tuple[Path, str]]:
        """Stores that were moved aside as damaged and are still there, each with the reason."""
        found: list[tuple[Path, str]] = []
        name = self.database.name
        for path in sorted(self.state.glob(f"{name}{DAMAGED}*")):
            if path.name.endswith(("-wal", "-shm")):
                continue
            reason = self.state / path.name.replace(DAMAGED, DAMAGED_REASON)
            try:
                found.append((path, reason.read_text("utf-8", "replace")))
            except OSError:
                found.append((path, "the reason is not known"))
        return found

    @property
    def runs(self) -> Path:
        """The folder that holds a directory per run."""
        return self.state / "runs"

    @property
    def log(self) -> Path:
        """The supervisor's log."""
        return self.state / "logs" / "supervisor.log"

    @property
    def recovery_reports(self) -> Path:
        """The recovery reports that are not dismissed yet."""
        return self.state / "recovery.json"

    @property
    def config_file(self) -> Path:
        """The user's config.toml."""
        return self.config / "config.toml"
