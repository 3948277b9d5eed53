"""The agent as the Agent Client Protocol sees it: sessions, prompts, cancel, load and resume."""

import asyncio
import contextlib
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from acp import PROTOCOL_VERSION, RequestError
from acp.interfaces import Client
from acp.schema import (
    AgentCapabilities,
    ClientCapabilities,
    CloseSessionResponse,
    EmbeddedResourceContentBlock,
    Implementation,
    InitializeResponse,
    LoadSessionResponse,
    NewSessionResponse,
    PromptCapabilities,
    PromptResponse,
    ResourceContentBlock,
    ResumeSessionResponse,
    SessionCapabilities,
    SessionCloseCapabilities,
    SessionResumeCapabilities,
    StopReason,
    TextContentBlock,
    TextResourceContents,
)

from quarterdeck import __version__
from quarterdeck.agents.runbook.definition import Runbook, RunbookError
from quarterdeck.agents.runbook.progress import (
    DamagedProgress,
    Progress,
    ProgressFiles,
    StepProgress,
    UnknownSession,
)
from quarterdeck.agents.runbook.source import HOW_TO_WRITE, Source, find_source
from quarterdeck.agents.runbook.transcript import Transcript
from quarterdeck.agents.runbook.turn import Turn, TurnCancelled

INVALID_REQUEST, INVALID_PARAMS, INTERNAL_ERROR, NOT_FOUND = -32600, -32602, -32603, -32002
GO_ON = {"continue", "resume"}


@dataclass
class _Session:
    """A session in this process; `work` is set while a turn is under way."""

    progress: Progress
    work: "asyncio.Task[None] | None" = None
    cancelled: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class RunbookAgent:
    """An ACP agent whose prompts are runbooks; it holds any number of sessions."""

    def __init__(self, files: ProgressFiles) -> None:
        self._files = files
        self._sessions: dict[str, _Session] = {}
        self._client: Client | None = None

    def on_connect(self, conn: Client) -> None:
        """Take the connection on which updates and questions go out."""
        self._client = conn

    async def initialize(
        self,
        protocol_version: int,
        client_capabilities: ClientCapabilities | None = None,
        client_info: Implementation | None = None,
        **_: Any,
    ) -> InitializeResponse:
        """Answer with the one protocol version spoken here, whichever was asked for."""
        return InitializeResponse(
            protocol_version=PROTOCOL_VERSION,
            agent_info=Implementation(
                name="quarterdeck-runbook", title="Runbook", version=__version__
            ),
            agent_capabilities=AgentCapabilities(
                load_session=True,
                prompt_capabilities=PromptCapabilities(embedded_context=True),
                session_capabilities=SessionCapabilities(
                    resume=SessionResumeCapabilities(), close=SessionCloseCapabilities()
                ),
            ),
            auth_methods=[],
        )

    async def new_session(self, cwd: str, **_: Any) -> NewSessionResponse:
        """Begin a session; it can be loaded from now on."""
        progress = Progress(session_id=f"rb_{uuid.uuid4().hex}", cwd=str(_directory(cwd)))
        self._save(progress)
        self._sessions[progress.session_id] = _Session(progress)
        return NewSessionResponse(session_id=progress.session_id)

    async def load_session(self, cwd: str, session_id: str, **_: Any) -> LoadSessionResponse:
        """Take a session up again and tell its client everything once more."""
        session = await self._reopen(session_id, cwd)
        try:
            steps = _stored_runbook(session.progress)
        except RunbookError:
            steps = None
        await self._transcript(session).replay(steps.steps if steps else [])
        return LoadSessionResponse()

    async def resume_session(self, session_id: str, cwd: str, **_: Any) -> ResumeSessionResponse:
        """Take a session up again without telling what happened in it."""
        await self._reopen(session_id, cwd)
        return ResumeSessionResponse()

    async def close_session(self, session_id: str, **_: Any) -> CloseSessionResponse:
        """End a session's turn and forget it here; its progress file stays."""
        session = self._known(session_id)
        await self._stop(session)
        self._sessions.pop(session_id, None)
        return CloseSessionResponse()

    async def cancel(self, session_id: str, **_: Any) -> None:
        """End the turn under way, if there is one; its prompt is answered by `cancelled`."""
        session = self._sessions.get(session_id)
        if session is not None:
            _request_stop(session)

    async def prompt(self, session_id: str, prompt: list[Any], **_: Any) -> PromptResponse:
        """Work the runbook that the prompt names or holds, or go on with the last one."""
        session = self._known(session_id)
        if session.work is not None:
            raise RequestError(
                INVALID_REQUEST, "a turn is under way in this session; cancel it or wait", None
            )
        session.cancelled = False
        session.ended.clear()
        session.work = asyncio.create_task(self._turn(session, _text_of(prompt)))
        stop: StopReason = "end_turn"
        try:
            await session.work
        except TurnCancelled:
            stop = "cancelled"
        except asyncio.CancelledError:
            if not session.cancelled:
                raise
            stop = "cancelled"
        finally:
            session.work = None
            session.progress.settle_interruption()
            session.ended.set()
        return PromptResponse(stop_reason=stop)

    async def _turn(self, session: _Session, text: str) -> None:
        transcript = self._transcript(session)
        transcript.hear(text)
        try:
            runbook = await self._chosen(session, text, transcript)
            if runbook is not None:
                self._save(session.progress)
                await Turn(self._connected(), self._files, session.progress, runbook).work()
        finally:
            self._save(session.progress)

    async def _chosen(self, session: _Session, text: str, transcript: Transcript) -> Runbook | None:
        """Find the runbook to work; if there is none, tell why and what can be sent."""
        progress = session.progress
        try:
            if text.strip().strip(".!").lower() in GO_ON:
                runbook = _stored_runbook(progress)
                if runbook is None:
                    await transcript.say(f"There is nothing to continue.\n\n{HOW_TO_WRITE}")
                return runbook
            source = find_source(text, Path(progress.cwd))
            if source is None:
                await transcript.say(HOW_TO_WRITE)
                return None
            runbook = source.parse()
        except RunbookError as error:
            await transcript.say(f"This runbook cannot be read: {error}\nNothing was run.\n")
            return None
        progress.text, progress.syntax, progress.origin = source.text, source.syntax, source.origin
        progress.steps = [StepProgress() for _ in runbook.steps]
        return runbook

    async def _reopen(self, session_id: str, cwd: str) -> _Session:
        if (held := self._sessions.get(session_id)) is not None:
            if held.work is not None:
                raise RequestError(
                    INVALID_REQUEST, f"session {session_id} is at work in this process", None
                )
            progress = held.progress
        else:
            progress = self._load(session_id)
        if (found := _directory(cwd)) != Path(progress.cwd):
            raise RequestError(
                INVALID_PARAMS,
                f"session {session_id} belongs to {progress.cwd}, not to {found}",
                {"cwd": progress.cwd},
            )
        session = self._sessions[session_id] = _Session(progress)
        return session

    def _load(self, session_id: str) -> Progress:
        try:
            return self._files.load(session_id)
        except UnknownSession:
            raise _unknown(session_id) from None
        except DamagedProgress as error:
            raise RequestError(INTERNAL_ERROR, str(error), None) from error

    def _save(self, progress: Progress) -> None:
        try:
            self._files.save(progress)
        except OSError as error:
            raise RequestError(
                INTERNAL_ERROR, f"the progress file cannot be written: {error}", None
            ) from error

    def _known(self, session_id: str) -> _Session:
        session = self._sessions.get(session_id)
        if session is None:
            raise _unknown(session_id)
        return session

    async def _stop(self, session: _Session) -> None:
        if _request_stop(session):
            await session.ended.wait()

    def _transcript(self, session: _Session) -> Transcript:
        return Transcript(self._connected(), session.progress)

    def _connected(self) -> Client:
        if self._client is None:
            raise RequestError(INTERNAL_ERROR, "not connected", None)
        return self._client


def _request_stop(session: _Session) -> bool:
    """Cancel the turn once, however often it is asked for; tell whether there is one."""
    if session.work is None:
        return False
    if not session.cancelled:
        session.cancelled = True
        session.work.cancel()
    return True


def _stored_runbook(progress: Progress) -> Runbook | None:
    if progress.text is None:
        return None
    return Source(progress.text, progress.syntax, progress.origin).parse()


def _directory(cwd: str) -> Path:
    path = Path(cwd)
    if not path.is_absolute() or not path.is_dir():
        raise RequestError(
            INVALID_PARAMS, f"cwd must be the absolute path of a directory: {cwd!r}", {"cwd": cwd}
        )
    return path.resolve()


def _unknown(session_id: str) -> RequestError:
    return RequestError(
        NOT_FOUND,
        f"unknown session {session_id!r}; begin one with session/new, or load it first",
        {"uri": session_id},
    )


def _text_of(prompt: list[Any]) -> str:
    """Return what was attached, or else what was written."""
    written, attached = list[str](), list[str]()
    for block in prompt:
        match block:
            case TextContentBlock():
                written.append(block.text)
            case EmbeddedResourceContentBlock(resource=TextResourceContents() as resource):
                attached.append(resource.text)
            case ResourceContentBlock():
                with contextlib.suppress(ValueError):
                    attached.append(unquote(urlsplit(block.uri).path))
    # Lone surrogates can be written in JSON, but neither to files nor to commands.
    return "\n".join(attached or written).encode("utf-8", "replace").decode("utf-8")
