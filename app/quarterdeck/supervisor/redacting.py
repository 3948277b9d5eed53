"""Redaction on the way into the store: events as they are recorded, exact text once delivered.

Streamed chunks go through a `StreamRedactor`, so that a secret split over them is found too;
what it holds back is in the journal and nowhere else (A2, DESIGN §4).
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from quarterdeck.agents import profiles
from quarterdeck.agents.holding import JournalShorter, read_journal
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.event_types import EventType
from quarterdeck.model.places import Places
from quarterdeck.model.redaction.known_secrets import secrets_of
from quarterdeck.model.redaction.redactor import Redactor
from quarterdeck.model.redaction.stream import StreamRedactor
from quarterdeck.model.redaction.user_patterns import compile_all
from quarterdeck.rpc.framing import LINE_LIMIT
from quarterdeck.supervisor.settings import Section, load

STREAMED = frozenset({EventType.ASSISTANT_MESSAGE, EventType.THOUGHT, EventType.USER_MESSAGE})
BETWEEN_CHUNKS = frozenset(
    {EventType.USAGE, EventType.MODE, EventType.BACKEND_STATUS, EventType.OTHER}
)
"""What agents send in the middle of a message: it ends no stream."""
PART_CHARACTERS = 256 * 1024
"""A longer chunk becomes several events, so that nobody has to hold many copies of all of it."""
Recorded = tuple[EventType, dict[str, Any]]


class Redaction(Section):
    """`[redaction]`: what is hidden beside known tokens and secret environment variables."""

    patterns: list[str] = Field(default_factory=list)
    """Regular expressions; only those that cannot blow up are taken."""


class Redactors:
    """Makes redactors of the configuration and of the environments that were seen."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._patterns: tuple[str, ...] = ()
        self._secrets: dict[str, str] = {}
        self._made: Redactor | None = None
        self.problem: str | None = None
        """Why the configuration's patterns are not used, for a person."""

    def current(self, client_env: dict[str, dict[str, str]]) -> Redactor:
        """Return the redactor for what is recorded from now on."""
        secrets = secrets_of(dict(os.environ))
        for environment in (*client_env.values(), *self._profile_environments()):
            secrets |= secrets_of(environment)
        patterns = self._configured()
        if self._made is None or secrets != self._secrets or patterns != self._patterns:
            self._secrets, self._patterns = secrets, patterns
            self._made = Redactor(compile_all(patterns), secrets)
        return self._made

    def _profile_environments(self) -> list[dict[str, str]]:
        try:
            return [profile.env for profile in profiles.load(self._places.config_file).values()]
        except QuarterdeckError:
            return []

    def _configured(self) -> tuple[str, ...]:
        """Return the patterns as config.toml says now; the last good ones if it is broken."""
        try:
            wanted = tuple(load(self._places, "redaction", Redaction).patterns)
            if wanted != self._patterns:
                compile_all(wanted)
        except QuarterdeckError as error:
            self.problem = error.message
            return self._patterns
        self.problem = None
        return wanted


class RunRedaction:
    """What of one run's events may be stored, chunk after chunk."""

    def __init__(self, redactor: Redactor, journal: Path, state: str | None) -> None:
        """Begin, or go on from the state that the last transaction stored."""
        self._redactor, self._journal = redactor, journal
        told = {} if state is None else json.loads(state)
        self._streams = StreamRedactor.from_state(redactor, told, self._text_at)

    def recorded(self, kind: EventType, payload: dict[str, Any], at: int | None) -> list[Recorded]:
        """Return the events to record for one that came, redacted.

        Args:
            kind: Its type.
            payload: Its payload, exact.
            at: Where the journal line it came from begins; None for events of our own.
        """
        if kind in BETWEEN_CHUNKS:
            return [(kind, self._redactor.redact_value(payload))]
        text = payload.get("text")
        if at is None or not isinstance(text, str) or not _is_chunk(kind, payload):
            return [*self._ended(None), (kind, self._redactor.redact_value(payload))]
        key = _key(kind, payload)
        events = list(self._ended(key))
        rest = self._redactor.redact_value({k: v for k, v in payload.items() if k != "text"})
        for start in range(0, max(len(text), 1), PART_CHARACTERS):
            part = text[start : start + PART_CHARACTERS]
            events.append((kind, rest | {"text": self._streams.feed(key, part, at, start)}))
        return events

    def chunks(
        self, kind: EventType, more: dict[str, Any], texts: list[str], starts: list[int]
    ) -> tuple[list[Recorded], dict[str, Any], list[str]]:
        """Redact chunks in a row of one message.

        Args:
            kind: The type of all of them.
            more: What their payloads have beside their text.
            texts: Their texts.
            starts: Where the journal line of each begins.

        Returns:
            Events to record before them, what to store beside their text, and their texts.
        """
        key = _key(kind, more)
        before = list(self._ended(key))
        return before, self._redactor.redact_value(more), self._streams.feed_all(key, texts, starts)

    def state(self) -> str | None:
        """Return the state to be stored with the events, None if it did not change."""
        if not self._streams.dirty:
            return None
        return json.dumps(self._streams.to_state(), separators=(",", ":"))

    def _ended(self, kept: str | None) -> Iterator[Recorded]:
        """End the streams but `kept`; what they held becomes one more event of each."""
        for key in self._streams.keys:
            if key == kept:
                continue
            text = self._streams.flush(key)
            if text:
                kind, message_id = json.loads(key)
                named = {} if message_id is None else {"message_id": message_id}
                named |= {"from": "agent"} if kind == EventType.USER_MESSAGE else {}
                yield EventType(kind), {"text": text, **named}

    def _text_at(self, at: int) -> str | None:
        """Read a chunk's text again from the journal line that begins at byte `at`."""
        try:
            line = read_journal(self._journal, at, LINE_LIMIT + 1).split(b"\n", 1)[0]
            text = json.loads(line)["params"]["update"]["content"]["text"]
        except (JournalShorter, OSError, ValueError, KeyError, TypeError):
            return None
        return text if isinstance(text, str) else None


def _key(kind: EventType, payload: dict[str, Any]) -> str:
    """Return the name of the stream that a chunk is a piece of."""
    return json.dumps([kind.value, payload.get("message_id")])


def _is_chunk(kind: EventType, payload: dict[str, Any]) -> bool:
    """Tell whether an event is a piece of a longer text; a person's own prompt is whole."""
    if kind not in STREAMED or "content" in payload:
        return False
    return kind is not EventType.USER_MESSAGE or payload.get("from") == "agent"
