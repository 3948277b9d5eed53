"""Methods about what start-up found (D2)."""

from typing import Any

from pydantic import Field

from quarterdeck.supervisor.api import Api, Caller, Method
from quarterdeck.supervisor.params import Nothing, Params, read


class Dismiss(Params):
    """Which report; those before it go with it."""

    report_id: str = Field(min_length=1, max_length=100)


async def get(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """This start's report, and the reports that the caller's reader has not dismissed."""
    read(Nothing, given)
    return {"report": api.report.to_wire(), "open": api.ctx.reports.open(caller.reader)}


async def dismiss(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Take a report, and those before it, off the screens of one reader."""
    asked = read(Dismiss, given)
    count = api.ctx.reports.dismiss(caller.reader, asked.report_id)
    api.ctx.store.on_change(api.ctx.store.change)
    return {"dismissed": count}


METHODS: dict[str, Method] = {"recovery.get": get, "recovery.dismiss": dismiss}
