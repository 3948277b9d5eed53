"""`qd agent runbook`: the built-in agent, speaking ACP on stdin and stdout."""

import os
import sys

import typer

from quarterdeck.cli.invocation import command_group
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.failpoints import failpoint

commands = command_group()
PROGRAMS = {"runbook": "quarterdeck.agents.runbook"}


@commands.command(
    "agent",
    context_settings={
        "ignore_unknown_options": True,
        "allow_extra_args": True,
        "allow_interspersed_args": False,
        "help_option_names": [],
    },
)
def agent(ctx: typer.Context, name: str) -> None:
    """Be the built-in agent `runbook`; what follows its name is for it."""
    module = PROGRAMS.get(name)
    if module is None:
        raise QuarterdeckError("unknown_agent", f"there is no built-in agent {name!r}")
    # -P: what lies in the current directory must not be imported in our stead.
    failpoint("agent_program.exec.before")
    os.execv(sys.executable, [sys.executable, "-P", "-m", module, *ctx.args])
