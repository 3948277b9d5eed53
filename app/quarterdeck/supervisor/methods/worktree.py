"""Methods about what a session changed in its directory, and its files."""

from typing import Any

from pydantic import Field

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.store import sessions
from quarterdeck.store.transaction import Row
from quarterdeck.supervisor import params, worktree
from quarterdeck.supervisor.api import Api, Caller, Method
from quarterdeck.supervisor.params import read


class OfFile(params.OfSession):
    """Names a file of a session's work tree."""

    path: str = Field(min_length=1, max_length=4096)


class FileNames(params.OfSession):
    """What the path of a file is to contain."""

    words: str = Field(default="", max_length=200)
    limit: int = Field(default=20, ge=1, le=200)


async def _session(api: Api, given: str) -> Row:
    return await sessions.load(api.db, await api.session_id(given))


async def session_diff(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """The files of a session's work tree that differ from where its first run began."""
    row = await _session(api, read(params.OfSession, given).session_id)
    found = await worktree.changed_files(row["cwd"], row["git_base"])
    files = [changed.to_wire() for changed in found.files]
    return {"top": found.top, "base": found.base, "files": files, "more": found.more}


async def session_diff_file(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """How one of these files differs."""
    asked = read(OfFile, given)
    row = await _session(api, asked.session_id)
    return (await worktree.file_diff(row["cwd"], row["git_base"], asked.path)).to_wire()


async def session_files(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Files whose path has the letters of `words`, for completion; none outside a work tree."""
    asked = read(FileNames, given)
    row = await _session(api, asked.session_id)
    try:
        return {"files": await worktree.file_names(row["cwd"], asked.words, asked.limit)}
    except QuarterdeckError as error:
        if error.code != "no_worktree":
            raise
        return {"files": []}


METHODS: dict[str, Method] = {
    "session.diff": session_diff,
    "session.diff_file": session_diff_file,
    "session.files": session_files,
}
