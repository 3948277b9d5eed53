"""What a service manager is told of a supervisor, whichever manager it is."""

import hashlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import platformdirs

from quarterdeck.model.places import Places

DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class Definition:
    """One supervisor to be started at boot."""

    places: Places
    python: str
    path: str
    """PATH of whoever installs it: an agent that is resumed after a boot has no client's."""

    @classmethod
    def here(cls, places: Places, environ: Mapping[str, str] = os.environ) -> "Definition":
        """Describe this installation's supervisor for `places`."""
        return cls(places, sys.executable, environ.get("PATH") or DEFAULT_PATH)

    @property
    def name(self) -> str:
        """`quarterdeck`, or with the hash of a state directory that is not the usual one."""
        if self.places.state == platformdirs.user_state_path("quarterdeck").absolute():
            return "quarterdeck"
        digest = hashlib.sha256(os.fsencode(self.places.state)).hexdigest()
        return f"quarterdeck-{digest[:8]}"

    @property
    def program(self) -> list[str]:
        """The command that is the supervisor; -P: nothing of a current directory is imported."""
        return [self.python, "-P", "-m", "quarterdeck.supervisor"]

    def environment(self, manager: str) -> dict[str, str]:
        """Return what it is started with; by the last variable it knows that it is a service."""
        return {
            "PATH": self.path,
            "QUARTERDECK_STATE_DIR": str(self.places.state),
            "QUARTERDECK_CONFIG_DIR": str(self.places.config),
            "QUARTERDECK_SERVICE": f"{manager}:{self.name}",
        }
