"""The commands of `qd`: each is imported when it is asked for."""

import importlib
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from quarterdeck import __version__
from quarterdeck.cli import full_screen
from quarterdeck.cli.invocation import Invocation, Json, command_group

COMMANDS: dict[str, str] = {
    "status": "supervisor_commands",
    "up": "supervisor_commands",
    "down": "supervisor_commands",
    "upgrade": "upgrade_command",
    "service": "service.command",
    "doctor": "doctor.command",
    "new": "session_commands",
    "ls": "listing",
    "changes": "listing",
    "show": "listing",
    "agents": "listing",
    "send": "session_commands",
    "cancel": "session_commands",
    "close": "session_commands",
    "mark-read": "session_commands",
    "mark-unread": "session_commands",
    "mark-all-read": "session_commands",
    "queue": "steering_commands",
    "unqueue": "steering_commands",
    "edit": "steering_commands",
    "move": "steering_commands",
    "set-mode": "steering_commands",
    "set-model": "steering_commands",
    "describe": "describing_commands",
    "rename": "thread_commands",
    "pin": "thread_commands",
    "unpin": "thread_commands",
    "archive": "thread_commands",
    "unarchive": "thread_commands",
    "delete": "thread_commands",
    "restore": "thread_commands",
    "resume": "thread_commands",
    "fork": "thread_commands",
    "message": "thread_commands",
    "checkpoint": "thread_commands",
    "checkpoints": "thread_commands",
    "projects": "thread_commands",
    "wait": "waiting",
    "approvals": "approval_commands",
    "approve": "approval_commands",
    "deny": "approval_commands",
    "abort": "approval_commands",
    "policy": "policy_commands",
    "approval-mode": "policy_commands",
    "audit": "audit_commands",
    "trace": "event_commands",
    "output": "event_commands",
    "diff": "diff_commands",
    "search": "search_commands",
    "usage": "usage_commands",
    "export": "transfer_commands",
    "import": "transfer_commands",
    "store": "store_commands",
    "rpc": "bridge",
    "web": "web.command",
    "agent": "agent_program",
    "demo": "demo.command",
}
"""Which module of quarterdeck.cli has a command: only that one is imported, so `qd ls` is quick."""


class LazyCommands(TyperGroup):
    """A group that imports a command's module when that command is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the named command, or None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"quarterdeck.cli.{COMMANDS[cmd_name]}")
        return typer.main.get_group(module.commands).commands[cmd_name]


app = command_group(cls=LazyCommands, invoke_without_command=True)


@app.callback()
def deck(
    ctx: typer.Context,
    json: Json = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    """Supervise coding agents. Without a command: the full-screen view."""
    invocation = Invocation.of(ctx, json)
    if version:
        invocation.out.emit({"version": __version__}, f"quarterdeck {__version__}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        raise typer.Exit(full_screen.show())


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code.

    Raises:
        KeyboardInterrupt: The person interrupted it.
        Exception: Whatever ended the command; usage errors have `format_message`.
    """
    command = typer.main.get_command(app)
    try:
        code = command(list(arguments), prog_name="qd", standalone_mode=False)
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    return code if isinstance(code, int) else 0
