"""How far a session has come: its progress file, written whole and atomically after each step."""

import os
import re
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from acp.schema import ToolCallStart
from pydantic import BaseModel, Field, ValidationError

from quarterdeck.agents.runbook.definition import Step
from quarterdeck.agents.runbook.shell import ProcessMark
from quarterdeck.agents.runbook.source import Syntax
from quarterdeck.model.failpoints import failpoint

_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{1,80}\Z")


class StepState(StrEnum):
    """Where one step stands. INTERRUPTED: it began, and nobody saw its end."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    DENIED = "denied"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"


_FROM_REST = frozenset(
    {StepState.RUNNING, StepState.FAILED, StepState.DENIED, StepState.SKIPPED},
)
TRANSITIONS: dict[StepState, frozenset[StepState]] = {
    StepState.PENDING: _FROM_REST,
    StepState.FAILED: _FROM_REST,
    StepState.DENIED: _FROM_REST,
    StepState.INTERRUPTED: _FROM_REST,
    StepState.RUNNING: frozenset({StepState.DONE, StepState.FAILED, StepState.INTERRUPTED}),
    StepState.DONE: frozenset(),
    StepState.SKIPPED: frozenset(),
}


class StepProgress(BaseModel):
    """One step's state.

    Attributes:
        reason: Why it failed or was denied; empty otherwise.
        unsure: It began and its end was not seen. Stays through denials and failures to begin,
            so that it is never run a second time without a question.
        process: What was started for it, for as long as `unsure`.
    """

    state: StepState = StepState.PENDING
    reason: str = ""
    unsure: bool = False
    process: ProcessMark | None = None

    def move(self, state: StepState) -> None:
        """Go to another state.

        Raises:
            ValueError: if no transition leads there.
        """
        if state not in TRANSITIONS[self.state]:
            raise ValueError(f"a step cannot go from {self.state} to {state}")
        if state is StepState.RUNNING:
            self.unsure = True
        elif self.state is StepState.RUNNING and state is not StepState.INTERRUPTED:
            self.unsure, self.process = False, None
        self.state = state

    def is_settled(self, step: Step) -> bool:
        """Tell whether the runbook goes on behind this step."""
        if self.state is StepState.FAILED:
            return step.continue_on_error
        return self.state in (StepState.DONE, StepState.SKIPPED)


class Spoken(BaseModel):
    """A message of the user or of the agent, for replay."""

    kind: Literal["user", "agent"]
    text: str


class Called(BaseModel):
    """A tool call in its last known form, for replay."""

    kind: Literal["tool"] = "tool"
    call: ToolCallStart


class Progress(BaseModel):
    """Everything a session needs to go on in another process.

    Attributes:
        text: The runbook as it was when the prompt came; `syntax` and `origin` go with it.
        steps: In the runbook's order; empty without a runbook.
        allowed: Digests of the actions that need not be asked for again.
        history: What was said and done, in order.
    """

    version: Literal[1] = 1
    session_id: str
    cwd: str
    text: str | None = None
    syntax: Syntax = Syntax.YAML
    origin: str = ""
    steps: list[StepProgress] = []
    allowed: list[str] = []
    history: list[Annotated[Spoken | Called, Field(discriminator="kind")]] = []

    def settle_interruption(self) -> None:
        """Mark what a vanished process left open; the answers to it will never come."""
        for step in self.steps:
            if step.state is StepState.RUNNING:
                step.move(StepState.INTERRUPTED)
        for entry in self.history:
            if isinstance(entry, Called) and entry.call.status in ("pending", "in_progress"):
                entry.call.status = "failed"
                entry.call.raw_output = {"interrupted": True}


class UnknownSession(Exception):
    """There is no progress file for this session."""


class DamagedProgress(Exception):
    """A progress file cannot be understood."""


class ProgressFiles:
    """The folder of progress files, readable by its owner only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, progress: Progress) -> None:
        """Write a session's progress; after a crash there is the old file or the new one.

        Raises:
            OSError: if the folder cannot be made or written.
        """
        failpoint("runbook_progress.mkdir.before")
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        data = progress.model_dump_json(by_alias=True, exclude_none=True).encode()
        path = self._path(progress.session_id)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.stem}.", dir=self._folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            failpoint("runbook_progress.rename.before")
            Path(temporary).replace(path)
            failpoint("runbook_progress.rename.after")
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def load(self, session_id: str) -> Progress:
        """Read a session's progress, with what was under way marked as interrupted.

        Raises:
            UnknownSession: there is none.
            DamagedProgress: it cannot be read; the message names the file.
        """
        if not _SESSION_ID.match(session_id):
            raise UnknownSession(session_id)
        path = self._path(session_id)
        try:
            progress = Progress.model_validate_json(path.read_bytes())
        except FileNotFoundError as error:
            raise UnknownSession(session_id) from error
        except (OSError, ValidationError) as error:
            reason = str(error).splitlines()[0]
            raise DamagedProgress(f"{path} cannot be read ({reason}); move it away") from error
        progress.settle_interruption()
        return progress

    def _path(self, session_id: str) -> Path:
        return self._folder / f"{session_id}.json"


def default_folder() -> Path:
    """Where progress files are kept unless told otherwise: under XDG_STATE_HOME."""
    state_home = os.environ.get("XDG_STATE_HOME")
    base = Path(state_home) if state_home else Path.home() / ".local" / "state"
    return base / "quarterdeck-runbook"
