"""Methods about what a session carries beside what happens in it (A6)."""

import json
from typing import Annotated, Any

from pydantic import Field, FiniteFloat, field_validator

from quarterdeck.model.clock import from_iso, now_ms
from quarterdeck.model.redaction.redactor import Redactor
from quarterdeck.model.titles import TITLE_LIMIT
from quarterdeck.store import describing, sessions
from quarterdeck.supervisor.api import Api, Caller, Method
from quarterdeck.supervisor.params import OfSession, Params, read

NEVER = "never"
NOTES_LIMIT = 8_000
"""Characters of all notes together, as JSON."""

Note = str | int | FiniteFloat | bool | None


class Described(Params):
    """What may be said of a session when it is made, and later."""

    conversation_id: str | None = Field(default=None, max_length=200)
    metadata: dict[Annotated[str, Field(min_length=1, max_length=100)], Note] | None = Field(
        default=None, max_length=50
    )
    summary: str | None = Field(default=None, max_length=2000)
    ephemeral: bool | None = None
    expires_at: str | None = Field(default=None, max_length=40)
    """ISO 8601, or `never`."""

    @field_validator("metadata")
    @classmethod
    def _short(cls, value: dict[str, Note] | None) -> dict[str, Note] | None:
        if value is not None and len(json.dumps(value)) > NOTES_LIMIT:
            raise ValueError(f"must not be over {NOTES_LIMIT} characters of JSON")
        title = (value or {}).get("title")
        if isinstance(title, str) and len(title) > TITLE_LIMIT:
            raise ValueError(f"title must not be over {TITLE_LIMIT} characters")
        return value

    @field_validator("expires_at")
    @classmethod
    def _later(cls, value: str | None) -> str | None:
        if value in (None, NEVER):
            return value
        try:
            at = from_iso(value)
        except (ValueError, OverflowError) as error:
            raise ValueError("must be ISO 8601, or `never`") from error
        if at <= now_ms():
            raise ValueError("is over already")
        return value

    def said(self) -> dict[str, Any]:
        """Return what was given, for the hash of an idempotency key."""
        return {
            name: value for name in describing.COLUMNS if (value := getattr(self, name)) is not None
        }

    def columns(self, redactor: Redactor) -> dict[str, str | int | None]:
        """Return the columns to set, without secrets."""
        found: dict[str, str | int | None] = {}
        if self.conversation_id is not None:
            found["conversation_id"] = redactor.redact(self.conversation_id) or None
        if self.metadata is not None:
            found["metadata"] = json.dumps(redactor.redact_value(self.metadata))
        if self.summary is not None:
            found["summary"] = redactor.redact(self.summary)
        if self.ephemeral is not None:
            found["ephemeral"] = int(self.ephemeral)
        if self.expires_at is not None:
            found["expires_at"] = None if self.expires_at == NEVER else from_iso(self.expires_at)
        return found


class Describe(OfSession, Described):
    """What to say of which session; what is left out stays."""


async def describe(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Say what a session is about, whose it is, how long it is kept."""
    asked = read(Describe, given)
    session_id = await api.session_id(asked.session_id)
    columns = asked.columns(api.redactor)
    await api.ctx.store.write(lambda tx: describing.describe(tx, session_id, columns))
    api.ctx.rearm_sessions()
    return (await sessions.view(api.db, session_id, caller.reader)).to_wire()


METHODS: dict[str, Method] = {"session.describe": describe}
