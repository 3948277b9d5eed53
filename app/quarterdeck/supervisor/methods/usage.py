"""What agents used."""

from datetime import date
from typing import Any, Literal

from pydantic import Field, field_validator

from quarterdeck.store import usage
from quarterdeck.supervisor.api import Api, Caller, Method
from quarterdeck.supervisor.params import Params, read

DAY = r"^\d{4}-\d{2}-\d{2}$"


class UsageReport(Params):
    """What is added up, and of what."""

    by: Literal["turn", "session", "project", "day"] = "session"
    session_id: str | None = Field(default=None, min_length=1, max_length=200)
    project: str | None = Field(default=None, min_length=1, max_length=4096)
    since: str | None = Field(default=None, pattern=DAY)
    until: str | None = Field(default=None, pattern=DAY)
    cursor: int = Field(default=0, ge=0, le=1 << 40)
    limit: int = 100

    @field_validator("since", "until")
    @classmethod
    def _is_day(cls, value: str | None) -> str | None:
        if value is not None:
            date.fromisoformat(value)
        return value


async def usage_report(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Sums by turn, session, project or day, the latest first."""
    asked = read(UsageReport, given)
    session_id = await api.session_id(asked.session_id) if asked.session_id else None
    lines, cursor = await usage.report(
        api.db,
        asked.by,
        session_id=session_id,
        project=asked.project,
        since=asked.since,
        until=asked.until,
        offset=asked.cursor,
        limit=asked.limit,
    )
    return {"usage": [line.to_wire() for line in lines], "cursor": cursor}


METHODS: dict[str, Method] = {"usage.report": usage_report}
"""Methods about usage."""
