"""Methods that carry a session out of the deck and back into it."""

import asyncio
import secrets
import time
from pathlib import Path
from typing import Any

from pydantic import Field

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.failpoints import failpoint
from quarterdeck.store import exporting, importing
from quarterdeck.supervisor.api import Api, Caller, Method
from quarterdeck.supervisor.params import OfSession, Params, read

PIECE_CHARS = 2 * 1024 * 1024
IMPORT_BYTES = 4 * 1024 * 1024 * 1024
_FORGET_SECONDS = 24 * 3600


class SessionExport(OfSession):
    """A page of an export."""

    cursor: str | None = Field(default=None, max_length=1000)


class OfImport(Params):
    """Names an import that was begun."""

    token: str = Field(pattern=r"^[0-9a-f]{32}$")


class ImportAdd(OfImport):
    """A piece of the file's text; lines may be cut anywhere."""

    text: str = Field(max_length=PIECE_CHARS)


class ImportCommit(OfImport):
    """The file is whole."""

    new_id: bool = False


async def session_export(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """A page of a session's records."""
    asked = read(SessionExport, given)
    session_id = await api.session_id(asked.session_id)
    records, cursor = await exporting.page(api.db, session_id, asked.cursor)
    return {"session_id": session_id, "records": records, "cursor": cursor}


def _staged(api: Api, token: str) -> Path:
    return api.ctx.places.state / "imports" / f"{token}.part"


def _existing(api: Api, token: str) -> Path:
    file = _staged(api, token)
    if not file.exists():
        raise QuarterdeckError("unknown_import", "no such import was begun, or it is over")
    return file


async def import_begin(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """A place for the file to be gathered in; those left over for a day are removed."""
    read(Params, given)
    token = secrets.token_hex(16)
    file = _staged(api, token)
    failpoint("import.mkdir.before")
    file.parent.mkdir(mode=0o700, exist_ok=True)
    for left in file.parent.glob("*.part"):
        if left.stat().st_mtime < time.time() - _FORGET_SECONDS:
            failpoint("import.forget.before")
            left.unlink(missing_ok=True)
    failpoint("import.touch.before")
    file.touch(mode=0o600)
    return {"token": token}


async def import_add(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """The next piece of the file."""
    asked = read(ImportAdd, given)
    file = _existing(api, asked.token)
    if file.stat().st_size > IMPORT_BYTES:
        raise QuarterdeckError("import_invalid", f"the file is over {IMPORT_BYTES} bytes")
    with file.open("ab") as out:
        failpoint("import.write.before")
        out.write(asked.text.encode("utf-8", "surrogatepass"))
    return {"bytes": file.stat().st_size}


async def import_commit(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """The session is checked and stored, or refused and nothing is."""
    asked = read(ImportCommit, given)
    file = _existing(api, asked.token)
    try:
        checked = await asyncio.to_thread(importing.check, file)
        redactor = api.redactor
        session_id = await api.ctx.store.write(
            lambda tx: importing.store(
                tx, checked, new_ids=asked.new_id, hide=redactor.redact_value
            )
        )
    finally:
        failpoint("import.unlink.before")
        file.unlink(missing_ok=True)
    api.ctx.rearm_sessions()
    return {
        "session_id": session_id,
        "runs": len(checked.runs),
        "commands": len(checked.commands),
        "events": checked.events,
    }


async def import_abort(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """The file is not wanted any more."""
    failpoint("import.abort.before")
    _existing(api, read(OfImport, given).token).unlink(missing_ok=True)
    return {}


METHODS: dict[str, Method] = {
    "session.export": session_export,
    "import.begin": import_begin,
    "import.add": import_add,
    "import.commit": import_commit,
    "import.abort": import_abort,
}
"""Methods of export and import."""
