"""What a runbook is once it has been read: a title and steps, each doing exactly one thing."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, model_validator

MAX_STEPS = 500
MAX_SECONDS = 86_400
ACTIONS = ("run", "check", "write", "edit", "say", "sleep")

Text = Annotated[StrictStr, Field(min_length=1)]
Seconds = Annotated[float, Field(strict=True, ge=0, le=MAX_SECONDS)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FileWrite(_Strict):
    """Make `path`, or replace all of it, with `content`."""

    path: Text
    content: StrictStr


class FileEdit(_Strict):
    """Put `replace` where `find` stands in `path`; `find` must stand there exactly once."""

    path: Text
    find: Text
    replace: StrictStr


class Step(_Strict):
    """One step of a runbook.

    Attributes:
        prose: Said before the step (Markdown's text between heading and fence).
        run: Shell text, ended by its first failing command (`sh -e`).
        check: The same, meant to look and not to change.
        chunks: Send `say` this many times, each copy numbered, instead of line by line.
        every: Seconds between two pieces of `say`.
        ask: Ask for permission first; a text is the reason shown with the question.
        cwd: Where the step works, relative to the session's directory.
        timeout: Seconds after which a command is ended and the step fails.
        on_deny: Whether a denial ends the turn or only leaves the step out.
        continue_on_error: Whether the runbook goes on when the step fails.
    """

    name: Text
    prose: StrictStr = ""
    run: Text | None = None
    check: Text | None = None
    write: FileWrite | None = None
    edit: FileEdit | None = None
    say: Text | None = None
    sleep: Seconds | None = None
    chunks: Annotated[int, Field(strict=True, ge=1, le=100_000)] | None = None
    every: Annotated[float, Field(strict=True, ge=0, le=60)] = 0.0
    ask: StrictBool | Text = False
    cwd: Text = "."
    shell: Literal["sh", "bash"] = "sh"
    timeout: Annotated[float, Field(strict=True, gt=0, le=MAX_SECONDS)] = 3600.0
    on_deny: Literal["stop", "skip"] = "stop"
    continue_on_error: StrictBool = False

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        given = [action for action in ACTIONS if getattr(self, action) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(
                f"a step has exactly one of {', '.join(ACTIONS)}; this one has {found}"
            )
        if self.say is None and (self.chunks is not None or self.every):
            raise ValueError("chunks and every belong to a step with say")
        return self


class Runbook(_Strict):
    """A title and at least one step."""

    title: Text
    steps: Annotated[list[Step], Field(min_length=1, max_length=MAX_STEPS)]


class RunbookError(Exception):
    """A runbook cannot be read.

    Attributes:
        line: Where, counted from 1; None if it is about the whole text.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.line = line
