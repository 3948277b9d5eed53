"""Searching all stored events."""

from typing import Any, Literal

from pydantic import Field, field_validator

from quarterdeck.model.clock import from_iso
from quarterdeck.model.event_types import EventType
from quarterdeck.store import search
from quarterdeck.supervisor import indexing
from quarterdeck.supervisor.api import Api, Caller, Method
from quarterdeck.supervisor.params import Params, read


class EventSearch(Params):
    """What is looked for, and what narrows it."""

    query: str
    session_id: str | None = Field(default=None, min_length=1, max_length=200)
    project: str | None = Field(default=None, min_length=1, max_length=4096)
    agent: str | None = Field(default=None, min_length=1, max_length=200)
    types: list[str] = Field(default_factory=list, max_length=len(EventType))
    since: str | None = None
    until: str | None = None
    order: Literal["newest", "relevance"] = "newest"
    cursor: str | None = Field(default=None, max_length=500)
    limit: int = 20

    @field_validator("types")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        unknown = [kind for kind in value if kind not in list(EventType)]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no event type")
        return value

    @field_validator("since", "until")
    @classmethod
    def _time(cls, value: str | None) -> str | None:
        if value is not None:
            moment(value)
        return value


def moment(text: str) -> int:
    """Return the Unix milliseconds of an ISO 8601 time; without a zone it is this machine's.

    Raises:
        ValueError: It is none, or out of range.
    """
    try:
        at = from_iso(text)
    except (OverflowError, OSError) as error:
        raise ValueError(str(error)) from error
    if not 0 <= at < 1 << 42:
        raise ValueError("out of range")
    return at


async def event_search(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """A page of hits; what is committed when it is asked is found."""
    asked = read(EventSearch, given)
    session_id = await api.session_id(asked.session_id) if asked.session_id else None
    await indexing.index_growing(api.ctx)
    wanted = search.Search(
        query=asked.query,
        session_id=session_id,
        project=asked.project,
        agent=asked.agent,
        types=tuple(asked.types),
        since=None if asked.since is None else moment(asked.since),
        until=None if asked.until is None else moment(asked.until),
        order=asked.order,
    )
    hits, cursor = await search.page(api.db, wanted, cursor=asked.cursor, limit=asked.limit)
    return {"hits": [hit.to_wire() for hit in hits], "cursor": cursor}


METHODS: dict[str, Method] = {"event.search": event_search}
"""Methods that search."""
