"""The Info pane: where a session works, how, with which ids, and what became of its runs."""

import asyncio
import textwrap
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.hostile_text import clean_line
from quarterdeck.model.records import RunView, SessionView
from quarterdeck.tui.widgets.ages import second_text
from quarterdeck.tui.widgets.reading_view import ReadingView
from quarterdeck.tui.widgets.trimmed_run import trimmed_words

LABEL = 16
LEAST_VALUE = 20
NOTHING = "No session is selected."


@dataclass(frozen=True, slots=True)
class Background:
    """What is known of a session beside its view."""

    runs: tuple[RunView, ...] = ()
    env_names: tuple[str, ...] = ()
    """Of the variables its agent is given."""


FetchBackground = Callable[[SessionView], Awaitable[Background]]


class InfoView(ReadingView):
    """Shows a session's facts; the rest is fetched whenever its version moves."""

    def __init__(
        self, fetch: FetchBackground, *, tz: tzinfo | None = None, id: str | None = None
    ) -> None:
        """Show no session yet; times are of `tz`, None is the machine's."""
        super().__init__(NOTHING, id=id)
        self._fetch, self._tz = fetch, tz
        self._session: SessionView | None = None
        self._background = Background()
        self._of: tuple[str, int] | None = None
        self._fetching: asyncio.Task[None] | None = None

    def follow(self, session: SessionView | None) -> None:
        """Show this session, or its newer state."""
        before, self._session = self._session, session
        if session is None:
            self._of = None
            self.put(NOTHING)
            return
        other = before is None or before.session_id != session.session_id
        if other:
            self._background = Background()
        self._tell(session, afresh=other)
        if self._of != (session.session_id, session.version):
            self._of = (session.session_id, session.version)
            if self._fetching is not None:
                self._fetching.cancel()
            self._fetching = asyncio.create_task(self._fill(session), name="info")

    async def _fill(self, session: SessionView) -> None:
        try:
            self._background = await self._fetch(session)
        except QuarterdeckError:
            self._of = None  # the next board tries again
            return
        if self._session is not None:
            self._tell(self._session)

    def on_resize(self) -> None:
        """Wrap the values anew."""
        super().on_resize()
        if self._session is not None:
            self._tell(self._session)

    def _tell(self, session: SessionView, *, afresh: bool = False) -> None:
        said = info_text(session, self._background, tz=self._tz, width=self.line_width)
        self.put(said, afresh=afresh)


def info_text(
    session: SessionView, background: Background, *, tz: tzinfo | None, width: int
) -> str:
    """Return what the pane says, a fact a line; a long value goes on below its beginning."""

    def when(at: str | None) -> str:
        return second_text(at, tz) if at else ""

    source = f", by {session.state_source}" if session.state_source else ""
    facts: list[tuple[str, object]] = [
        ("title", session.title),
        ("state", f"{session.state} since {when(session.state_since)}{source}"),
        ("summary", session.summary),
        ("notes", _pairs(session.metadata)),
        ("conversation", session.conversation_id),
        ("kept", kept_words(session)),
        ("directory", session.cwd),
        ("agent", session.agent),
        ("mode", session.mode),
        ("model", session.model),
        ("approvals", session.approval_mode),
        ("usage", usage_words(session.usage)),
        ("last turn", session.terminal_status),
        ("branch", session.git_branch),
        ("commit", session.git_commit),
        ("base of diff", session.git_base),
        ("origin", session.git_origin),
        ("changes", changes_words(session.changes)),
        ("session", session.session_id),
        ("run", session.run_id),
        ("command", session.command_id),
        ("bundle", bundle_words(background.runs[-1].bundle if background.runs else None)),
        ("agent's own id", session.agent_session_id),
        ("forked from", session.parent_session_id),
        ("created", when(session.created_at)),
        ("last activity", when(session.last_activity)),
        ("environment", ", ".join(background.env_names)),
    ]
    lines = _facts(facts, width)
    history = _facts(_history(session, background.runs, tz), width)
    return "\n".join([*lines, *(["", "Runs", *history] if history else [])])


def _facts(facts: Iterable[tuple[str, object]], width: int) -> list[str]:
    told = ((name, _line(value)) for name, value in facts if value not in (None, ""))
    return [line for name, value in told for line in _fact(name, value, width)]


def _fact(name: str, value: str, width: int) -> list[str]:
    room = max(width - LABEL, LEAST_VALUE)
    parts = textwrap.wrap(value, room, break_on_hyphens=False) or [""]
    return [f"{'' if place else name:{LABEL}}{part}" for place, part in enumerate(parts)]


def usage_words(usage: dict[str, Any] | None) -> str:
    """Return how full the context window is, and the cost, as far as the agent tells."""
    used, size = (usage or {}).get("used"), (usage or {}).get("size")
    words: list[str] = []
    if isinstance(used, int) and isinstance(size, int) and size > 0:
        words.append(f"{used:,} of {size:,} tokens of context ({100 * used // size} %)")
    cost = (usage or {}).get("cost")
    if isinstance(cost, dict) and isinstance(cost.get("amount"), int | float):
        words.append(f"{cost['amount']:.2f} {cost.get('currency', '')}".rstrip())
    return ", ".join(words)


def kept_words(session: SessionView) -> str:
    """Return how long a session is kept, if not for good (A6)."""
    words = ["until it is closed"] if session.ephemeral else []
    return " and ".join([*words, *([f"until {session.expires_at}"] if session.expires_at else [])])


def bundle_words(bundle: dict[str, Any] | None) -> str:
    """Return what a run was given to work with, by names and counts (A6)."""
    words: list[str] = []
    for name, value in (bundle or {}).items():
        if isinstance(value, dict) and value.get("count"):
            words.append(f"{value['count']} {name} ({', '.join(map(str, value['names']))})")
        elif isinstance(value, str):
            words.append(f"{name} {value}")
    return ", ".join(words)


def _pairs(notes: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in notes.items())


def changes_words(changes: dict[str, Any] | None) -> str:
    """Return how much of the work tree differs from the base."""
    if not changes:
        return ""
    files = changes.get("files", 0)
    lines = f"+{changes.get('added', 0)} -{changes.get('removed', 0)}"
    return f"{files} file{'s' if files != 1 else ''}, {lines}"


def _history(
    session: SessionView, runs: Iterable[RunView], tz: tzinfo | None
) -> Iterable[tuple[str, object]]:
    for run in runs:
        reason = f": {run.reason}" if run.reason else ""
        ended = second_text(run.ended_at, tz) if run.ended_at else "now"
        told = f"{run.state}, {second_text(run.created_at, tz)} to {ended}{reason}"
        if run.trimmed:
            told += f"; {trimmed_words(run, tz)}"
        yield f"run {run.number}", told
    if session.recovery_attempts:
        yield "recoveries", f"{session.recovery_attempts} failed attempts"


def _line(value: object) -> str:
    return clean_line(" ".join(str(value).split()))
