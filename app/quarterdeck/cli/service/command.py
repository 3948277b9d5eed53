"""`qd service`: the supervisor started at boot, and again after a crash."""

from typing import Annotated

import typer

from quarterdeck.cli.invocation import Invocation, Json, command_group
from quarterdeck.cli.service import registration
from quarterdeck.cli.service.definition import Definition
from quarterdeck.model.errors import QuarterdeckError

commands = command_group()
service = command_group(help="Start the supervisor at boot: install, remove, status.")
commands.add_typer(service, name="service")


@service.command("install")
def install(
    ctx: typer.Context,
    show: Annotated[
        bool, typer.Option("--print", help="Only print what would be written, and where.")
    ] = False,
    json: Json = False,
) -> None:
    """Have this version's supervisor started at boot; again after every move of its Python."""
    invocation = Invocation.of(ctx, json)
    of, manager = Definition.here(invocation.places), registration.manager_of()
    if show:
        content = manager.content(of).decode("utf-8", "replace")
        file = str(manager.file(of))
        invocation.out.emit({"file": file, "content": content}, f"# {file}\n{content}".rstrip())
        return
    registration.answering(manager)
    changed, notes = registration.install(manager, of)
    running = _runs(invocation)
    if not running:
        manager.start(of)
    told = {"changed": changed, "started": not running, "notes": notes}
    told |= registration.state(manager, of)
    said = "installed" if changed else "was installed already"
    lines = [f"{told['file']} {said}; the supervisor starts at boot", *notes]
    if running and not told["active"]:
        lines.append("a supervisor runs already: `qd upgrade` hands over to the service now")
    invocation.out.emit(told, "\n".join(lines))


@service.command("remove")
def remove(ctx: typer.Context, json: Json = False) -> None:
    """Have it no longer started at boot; agents live on, and so does lingering."""
    invocation = Invocation.of(ctx, json)
    of, manager = Definition.here(invocation.places), registration.manager_of()
    removed = False
    if registration.installed(manager, of):
        removed = registration.remove(registration.answering(manager), of)
    told = {"removed": removed, "file": str(manager.file(of))}
    said = "removed" if removed else "was not installed"
    invocation.out.emit(told, f"{told['file']} {said}")


@service.command("status")
def status(ctx: typer.Context, json: Json = False) -> None:
    """Print whether it is installed, up to date, enabled and active."""
    invocation = Invocation.of(ctx, json)
    manager = registration.answering(registration.manager_of())
    told = registration.state(manager, Definition.here(invocation.places))
    text = "\n".join(f"{name}: {_word(value)}" for name, value in told.items())
    invocation.out.emit(told, text)


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)


def _runs(invocation: Invocation) -> bool:
    try:
        invocation.run(lambda deck: deck.status(), start=False)
    except QuarterdeckError as error:
        if error.code != "unreachable":
            raise
        return False
    return True
