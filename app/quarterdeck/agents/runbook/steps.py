"""What one step does: prepared first, so that a question can show it exactly, then done."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from quarterdeck.agents.runbook.definition import FileEdit, FileWrite, Step
from quarterdeck.agents.runbook.files import StepFailed, inside, read_text, replace_text
from quarterdeck.agents.runbook.shell import CommandResult, ProcessMark, run_command

OnStart = Callable[[ProcessMark], None]


@dataclass(frozen=True)
class FileChange:
    """What a file step makes of a file: shown as a diff before it is written."""

    path: Path
    old: str | None
    new: str


@dataclass(frozen=True)
class Outcome:
    """How a step ended.

    Attributes:
        reason: Why it failed; None if it did not.
        output: What its command wrote.
        raw: Exit code and the like, for the tool call's raw output.
    """

    reason: str | None = None
    output: str = ""
    raw: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Action:
    """A prepared step.

    Attributes:
        raw_input: Exactly what will be done: command and cwd, or path and texts.
        perform: Does it; told of the process it starts, if it starts one.
    """

    kind: Literal["execute", "edit", "other"]
    raw_input: dict[str, Any]
    perform: Callable[[OnStart], Awaitable[Outcome]]
    change: FileChange | None = None

    @property
    def digest(self) -> str:
        """Identify what is done, so that "do not ask again" holds for this and nothing else."""
        text = json.dumps([self.kind, self.raw_input], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def prepare(step: Step, root: Path) -> Action:
    """Work out what a step will do in the session's directory `root`, without doing it.

    Raises:
        StepFailed: if it cannot be done: a path leads outside, a text is not found.
    """
    if step.write is not None:
        return _file_action(_planned_write(step.write, step.cwd, root), step.write.model_dump())
    if step.edit is not None:
        return _file_action(_planned_edit(step.edit, step.cwd, root), step.edit.model_dump())
    if step.sleep is not None:
        return Action("other", {"sleep": step.sleep}, _sleeper(step.sleep))
    command = step.run or step.check
    if command is None:
        return Action("other", {"say": step.say}, _sleeper(0))
    return _command_action(step, command, root)


def _command_action(step: Step, command: str, root: Path) -> Action:
    cwd = inside(root, step.cwd)
    if not cwd.is_dir():
        raise StepFailed(f"there is no directory {cwd}")
    argv = [step.shell, "-ec", command]

    async def perform(on_start: OnStart) -> Outcome:
        try:
            result = await run_command(argv, cwd, step.timeout, on_start)
        except (OSError, ValueError) as error:
            raise StepFailed(f"the command cannot be started: {error}") from error
        return _judged(result, step.timeout)

    raw_input = {"command": command, "cwd": str(cwd)}
    if step.shell != "sh":
        raw_input["shell"] = step.shell
    return Action("execute", raw_input, perform)


def _judged(result: CommandResult, timeout: float) -> Outcome:
    reason = f"exit code {result.exit_code}" if result.exit_code else None
    raw: dict[str, Any] = {
        "exit_code": result.exit_code,
        "output_bytes": result.output_bytes,
        "truncated": result.truncated,
    }
    if result.timed_out:
        reason = f"not done within {timeout:g} s, so it was ended"
        raw["timed_out"] = True
    return Outcome(reason, result.output, raw)


def _file_action(change: FileChange, raw_input: dict[str, Any]) -> Action:
    async def perform(_: OnStart) -> Outcome:
        if read_text(change.path) != change.old:
            raise StepFailed(f"{change.path} changed since this step was shown; nothing written")
        replace_text(change.path, change.new)
        return Outcome(raw={"bytes": len(change.new.encode())})

    return Action("edit", {**raw_input, "path": str(change.path)}, perform, change)


def _planned_write(write: FileWrite, base: str, root: Path) -> FileChange:
    path = inside(root, write.path, base)
    return FileChange(path, read_text(path), write.content)


def _planned_edit(edit: FileEdit, base: str, root: Path) -> FileChange:
    path = inside(root, edit.path, base)
    old = read_text(path)
    if old is None:
        raise StepFailed(f"there is no file {path}")
    count = old.count(edit.find)
    if count != 1:
        found = "is not" if count == 0 else f"is {count} times"
        raise StepFailed(f"the text to find {found} in {path}; it must be there exactly once")
    return FileChange(path, old, old.replace(edit.find, edit.replace))


def _sleeper(seconds: float) -> Callable[[OnStart], Awaitable[Outcome]]:
    async def perform(_: OnStart) -> Outcome:
        await asyncio.sleep(seconds)
        return Outcome()

    return perform
