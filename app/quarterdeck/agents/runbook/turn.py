"""One turn: the steps that are not done yet, one after the other, until the end or a stop."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

from acp.interfaces import Client
from acp.schema import ToolCallStart

from quarterdeck.agents.runbook.definition import Runbook, Step
from quarterdeck.agents.runbook.files import StepFailed
from quarterdeck.agents.runbook.permission import Decision, ask
from quarterdeck.agents.runbook.progress import Progress, ProgressFiles, StepProgress, StepState
from quarterdeck.agents.runbook.shell import ProcessMark, end_tree, tree_of
from quarterdeck.agents.runbook.steps import Action, Outcome, prepare
from quarterdeck.agents.runbook.transcript import Transcript

PIECE_CHARACTERS = 400


class TurnCancelled(Exception):
    """The client answered a question by `cancelled`: the turn is over."""


class Turn:
    """Works a runbook for one prompt.

    A step is on disk as running before anything of it happens, and as done before the next one
    begins; so whoever comes after a crash knows of every step that may have happened.
    """

    def __init__(
        self, client: Client, files: ProgressFiles, progress: Progress, runbook: Runbook
    ) -> None:
        self._client = client
        self._files = files
        self._progress = progress
        self._runbook = runbook
        self._transcript = Transcript(client, progress)

    async def work(self) -> None:
        """Go through the steps that are not settled.

        Raises:
            asyncio.CancelledError: the step that ran is ended and recorded as interrupted.
            TurnCancelled: a question was answered so.
        """
        await self._transcript.plan(self._runbook.steps)
        pairs = zip(self._runbook.steps, self._progress.steps, strict=True)
        for number, (step, progress) in enumerate(pairs, start=1):
            if progress.is_settled(step):
                continue
            await self._work_step(step, progress)
            if not progress.is_settled(step):
                await self._say_stop(number, step, progress)
                return
        await self._transcript.say(self._summary())

    async def _work_step(self, step: Step, progress: StepProgress) -> None:
        if progress.unsure or progress.state is StepState.FAILED:
            was = "was interrupted" if progress.unsure else f"failed before ({progress.reason})"
            await self._transcript.say(f"“{step.name}” {was}; trying it again.\n")
        if step.prose:
            await self._transcript.say(f"{step.prose}\n")
        try:
            action = prepare(step, Path(self._progress.cwd))
        except StepFailed as error:
            call = await self._transcript.open_call(step, None)
            await self._end(progress, StepState.FAILED, call, None, Outcome(str(error)))
            return
        question = self._question(step, progress, action)
        if step.say is not None and question is None:
            await self._perform(step, progress, action, None)
            return
        call = await self._transcript.open_call(step, action)
        if question is None or await self._allowed(step, progress, action, call, question):
            await self._perform(step, progress, action, call)

    def _question(self, step: Step, progress: StepProgress, action: Action) -> str | None:
        """Return why permission is needed ("" for no special reason), or None if it is not."""
        if progress.unsure:
            return self._interruption(progress)
        if not step.ask or action.digest in self._progress.allowed:
            return None
        return step.ask if isinstance(step.ask, str) else ""

    def _interruption(self, progress: StepProgress) -> str:
        text = "This step had begun and its end was not seen: it may be done in part or whole."
        if progress.process and (left := tree_of(progress.process)):
            text += f" {len(left)} of its processes still run; allowing ends them first."
        return text

    async def _allowed(
        self,
        step: Step,
        progress: StepProgress,
        action: Action,
        call: ToolCallStart,
        question: str,
    ) -> bool:
        self._files.save(self._progress)
        try:
            decision = await ask(self._client, self._progress.session_id, call, question)
        except asyncio.CancelledError:
            await self._abandon(call, action)
            raise
        if decision is Decision.CANCELLED:
            await self._abandon(call, action)
            raise TurnCancelled
        if decision is Decision.DENIED:
            state = StepState.SKIPPED if step.on_deny == "skip" else StepState.DENIED
            await self._end(progress, state, call, action, Outcome("denied; nothing was done"))
            return False
        if decision is Decision.ALWAYS:
            self._progress.allowed.append(action.digest)
        return True

    async def _abandon(self, call: ToolCallStart, action: Action) -> None:
        outcome = Outcome("cancelled before it was answered; nothing was done")
        self._transcript.settle_call(call, action, outcome)
        self._files.save(self._progress)
        with contextlib.suppress(ConnectionError):
            await self._transcript.close_call(call, action, outcome)

    async def _perform(
        self, step: Step, progress: StepProgress, action: Action, call: ToolCallStart | None
    ) -> None:
        progress.move(StepState.RUNNING)
        if call is not None:
            call.status = "in_progress"
        self._files.save(self._progress)
        try:
            await self._transcript.plan(self._runbook.steps)
            if call is not None:
                await self._transcript.start_call(call)
            outcome = await self._do(step, progress, action)
        except BaseException:
            # Cancelled, or the client is gone: either way nobody knows how far the step came.
            cut_off = Outcome("interrupted", raw={"interrupted": True})
            with contextlib.suppress(ConnectionError):
                await self._end(progress, StepState.INTERRUPTED, call, action, cut_off)
            raise
        state = StepState.DONE if outcome.reason is None else StepState.FAILED
        await self._end(progress, state, call, action, outcome)

    async def _do(self, step: Step, progress: StepProgress, action: Action) -> Outcome:
        def remember(mark: ProcessMark) -> None:
            progress.process = mark
            self._files.save(self._progress)

        if progress.process is not None:
            await end_tree(progress.process)
        if step.say is not None:
            await self._transcript.stream(_pieces(step.say, step.chunks, step.every))
        try:
            return await action.perform(remember)
        except StepFailed as error:
            return Outcome(str(error))

    async def _end(
        self,
        progress: StepProgress,
        state: StepState,
        call: ToolCallStart | None,
        action: Action | None,
        outcome: Outcome,
    ) -> None:
        progress.move(state)
        progress.reason = outcome.reason or ""
        # On disk first: what the client was told must never be forgotten.
        if call is not None:
            self._transcript.settle_call(call, action, outcome)
        self._files.save(self._progress)
        if call is not None:
            await self._transcript.close_call(call, action, outcome)
        await self._transcript.plan(self._runbook.steps)

    async def _say_stop(self, number: int, step: Step, progress: StepProgress) -> None:
        what = "was denied" if progress.state is StepState.DENIED else f"failed: {progress.reason}"
        await self._transcript.say(
            f"Stopped: step {number} “{step.name}” {what}. "
            "Send “continue” to go on from this step.\n"
        )

    def _summary(self) -> str:
        counts = Counter(progress.state for progress in self._progress.steps)
        told = ", ".join(f"{counts[state]} {state}" for state in StepState if counts[state])
        return f"“{self._runbook.title}” is at its end: {told}.\n"


async def _pieces(text: str, chunks: int | None, every: float) -> AsyncIterator[str]:
    if chunks is not None:
        pieces = [f"{text} {number}/{chunks}\n" for number in range(1, chunks + 1)]
    else:
        pieces = [
            line[start : start + PIECE_CHARACTERS]
            for line in (text.rstrip("\n") + "\n").splitlines(keepends=True)
            for start in range(0, len(line), PIECE_CHARACTERS)
        ]
    for number, piece in enumerate(pieces):
        if every and number:
            await asyncio.sleep(every)
        yield piece
