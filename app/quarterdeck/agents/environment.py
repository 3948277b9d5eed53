"""The clean environment an agent gets (DESIGN §11)."""

import os
from collections.abc import Mapping

from quarterdeck.agents.profiles import AgentProfile

SESSION_VARIABLE = "QUARTERDECK_SESSION"

BASE = (
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LOGNAME",
    "SHELL",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
)
"""Taken for every agent: who and where, nothing secret."""

FRESH = ("PATH", "SSH_AUTH_SOCK")
"""Taken for every agent from the client that starts it, since they change with each login."""


def names(profile: AgentProfile) -> list[str]:
    """Return the variables a client sends along when it starts an agent of `profile`."""
    return sorted({*BASE, *FRESH, *profile.pass_env})


def build(profile: AgentProfile, session_id: str, client: Mapping[str, str]) -> dict[str, str]:
    """Return an agent's whole environment.

    Args:
        profile: Whose names are passed on and whose values are set.
        session_id: Told to the agent as QUARTERDECK_SESSION.
        client: What the client sent; names outside `names(profile)` are left out. What it did
            not send is taken from the supervisor's own environment.
    """
    environment: dict[str, str] = {}
    for name in names(profile):
        value = client.get(name, os.environ.get(name))
        if value is not None:
            environment[name] = value
    return environment | profile.env | {SESSION_VARIABLE: session_id}
