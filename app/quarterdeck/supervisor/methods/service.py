"""Methods about the supervisor itself: status, agent profiles, going down."""

import os
from typing import Any

from quarterdeck import __version__
from quarterdeck.agents import environment, profiles
from quarterdeck.store import listing, runs
from quarterdeck.supervisor import params
from quarterdeck.supervisor.api import Api, Caller, Method
from quarterdeck.supervisor.params import read


async def status(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """A14: what runs here, which store, what recovery found, how many need what."""
    read(params.Nothing, given)
    return {
        "running": True,
        "pid": os.getpid(),
        "version": __version__,
        "state_dir": str(api.ctx.places.state),
        "store": await api.ctx.store.health(),
        "policy": api.ctx.policy.status(),
        "service": os.environ.get("QUARTERDECK_SERVICE"),
        "recovery": api.report.to_wire() | {"open": api.ctx.reports.open(caller.reader)},
        "counts": await listing.counts(api.db, caller.reader),
        "live": [
            {"session_id": session, "run_id": run} for session, run in await runs.live(api.db)
        ],
        "change": api.ctx.store.change,
    }


async def agent_list(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """A15: the profiles, without the values of what they set.

    What an agent can do is as it said when a run of it last began; null until one has.
    """
    read(params.Nothing, given)
    known = profiles.load(api.ctx.places.config_file)
    redactor = api.redactor
    return {
        "agents": [
            {
                "name": name,
                "command": redactor.redact_value(profile.command),
                "protocol": profile.protocol,
                "found": profile.found(),
                "env_names": environment.names(profile),
                "sets": sorted(profile.env),
                "capabilities": await runs.capabilities(api.db, name),
            }
            for name, profile in sorted(known.items())
        ]
    }


async def down(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Drain and end; V6, D5."""
    return await api.shut_down(read(params.Down, given).agents)


METHODS: dict[str, Method] = {
    "status": status,
    "agent.list": agent_list,
    "supervisor.down": down,
}
