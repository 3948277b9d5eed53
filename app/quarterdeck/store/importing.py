"""Putting an exported session back: checked line by line first, stored in one transaction."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from quarterdeck.model.clock import from_iso
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.export_format import (
    FORMAT,
    KNOWN_FORMATS,
    RECORDS,
    CheckpointRecord,
    CommandRecord,
    EndRecord,
    EventRecord,
    Record,
    RunRecord,
    SessionRecord,
)
from quarterdeck.model.ids import Prefix, new_id
from quarterdeck.store import events, search_index
from quarterdeck.store.search_index import RunIndex
from quarterdeck.store.sessions import IMPORTED
from quarterdeck.store.transaction import Tx

EVENTS_AT_ONCE = 2000
_SAID = {
    *("title", "preview", "summary", "conversation_id", "terminal_status", "mode", "model"),
    *("git_commit", "git_branch", "git_origin", "git_base"),
}
"""What of the session somebody worded."""
_TIGHT = ("ask_all", "normal", "read_only")
"""The approval modes that a file may set; `trusted` is for a person to say."""


@dataclass(slots=True)
class Checked:
    """A file that can be imported; its events are read again when they are stored."""

    file: Path
    session: SessionRecord
    runs: dict[str, RunRecord] = field(default_factory=dict)
    commands: dict[str, CommandRecord] = field(default_factory=dict)
    last_seq: dict[str, int] = field(default_factory=dict)
    checkpoints: dict[str, CheckpointRecord] = field(default_factory=dict)

    @property
    def events(self) -> int:
        """How many events there are in all."""
        return sum(self.last_seq.values())


def check(file: Path) -> Checked:
    """Read an exported file whole and find fault with it, or return what is in it.

    Raises:
        QuarterdeckError: `import_invalid`, naming the line and what is wrong with it;
            `import_newer` for a format of a later version.
    """
    found: Checked | None = None
    end: EndRecord | None = None
    number = 0
    for number, record in _records(file):
        if end is not None:
            raise _fault(number, "something follows the end")
        if isinstance(record, SessionRecord) is not (found is None):
            raise _fault(number, "the session must be the first line and no other")
        if isinstance(record, SessionRecord):
            found = Checked(file, record)
        elif isinstance(record, EndRecord):
            end = record
        elif found is not None:
            _add(found, number, record)
    if found is None or end is None:
        raise _fault(number + 1, "the file is cut off: its last line is no end record")
    if (end.runs, end.commands, end.events) != (
        len(found.runs),
        len(found.commands),
        found.events,
    ):
        raise _fault(number, "the counts are not those of the lines before: some are missing")
    return found


def _add(found: Checked, number: int, record: Record) -> None:
    if isinstance(record, RunRecord):
        if record.run_id in found.runs or record.number != len(found.runs) + 1:
            raise _fault(number, "runs must be numbered 1, 2, 3 … and each come once")
        found.runs[record.run_id] = record
        found.last_seq[record.run_id] = 0
    elif isinstance(record, CommandRecord):
        if record.command_id in found.commands:
            raise _fault(number, f"the command {record.command_id} comes twice")
        found.commands[record.command_id] = record
    elif isinstance(record, CheckpointRecord):
        run = found.runs.get(record.run_id)
        if run is None or record.seq > found.last_seq[record.run_id] + run.trimmed:
            raise _fault(number, "the checkpoint is at no event of a run before it")
        if record.name in found.checkpoints:
            raise _fault(number, "the checkpoint comes twice")
        found.checkpoints[record.name] = record
    elif isinstance(record, EventRecord):
        last = found.last_seq.get(record.run_id)
        if last is None or record.run_id != next(reversed(found.runs)):
            raise _fault(number, f"the event is not of the run before it: {record.run_id}")
        if found.runs[record.run_id].trimmed or record.seq != last + 1:
            raise _fault(number, f"seq is {record.seq}, where {last + 1} must follow")
        found.last_seq[record.run_id] = record.seq


def _records(file: Path) -> Iterator[tuple[int, Record]]:
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            yield number, _record(number, line)


def _record(number: int, line: bytes) -> Record:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _fault(number, f"no JSON: {error}") from error
    kind = value.get("record") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in RECORDS:
        raise _fault(number, f"no record of an export: {str(kind)[:40]!r}")
    form = value.get("format") if kind == "session" else None
    if isinstance(form, int) and form not in KNOWN_FORMATS:
        raise QuarterdeckError(
            "import_newer", f"the file has format {form}, this version knows {FORMAT}"
        )
    try:
        return RECORDS[kind].model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _fault(number, f"{where}: {first['msg']}") from error


def _fault(number: int, why: str) -> QuarterdeckError:
    return QuarterdeckError("import_invalid", f"line {number}: {why}", line=number)


class _Names:
    """The ids things get: their own, or fresh ones throughout."""

    def __init__(self, checked: Checked, *, fresh: bool) -> None:
        self.fresh = fresh
        kinds = {
            checked.session.session_id: Prefix.SESSION,
            **dict.fromkeys(checked.runs, Prefix.RUN),
            **dict.fromkeys(checked.commands, Prefix.COMMAND),
        }
        self._given = {old: new_id(kind) if fresh else old for old, kind in kinds.items()}

    def __getitem__(self, old: str) -> str:
        return self._given.get(old, old)

    def items(self) -> list[str]:
        return list(self._given.values())


async def store(
    tx: Tx, checked: Checked, *, new_ids: bool, hide: Callable[[Any], Any] = lambda value: value
) -> str:
    """Store a checked session as one that is closed, and return its id.

    Args:
        tx: The transaction; everything is in it, so that nothing is half imported.
        checked: The file.
        new_ids: Give session, runs and commands ids of their own, and leave out the agent's own
            session, which stays with the session that is there.
        hide: Redacts a value; whoever wrote the file may not have done so (A2).

    Raises:
        QuarterdeckError: `id_taken` if one of its ids is in use and `new_ids` is not set.
    """
    names = _Names(checked, fresh=new_ids)
    await _check_free(tx, names)
    await _session(tx, checked, names, hide)
    for run in checked.runs.values():
        await _run(tx, checked, run, names, hide)
    await tx.many(
        "INSERT INTO commands (command_id, session_id, run_id, kind, state, text, reason,"
        " created_at, ended_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                names[command.command_id],
                names[checked.session.session_id],
                None if command.run_id is None else names[command.run_id],
                command.kind,
                command.state,
                hide(command.text),
                hide(command.reason),
                from_iso(command.created_at),
                None if command.ended_at is None else from_iso(command.ended_at),
            )
            for command in checked.commands.values()
        ],
    )
    await tx.many(
        "INSERT OR REPLACE INTO checkpoints (session_id, name, run_id, seq, at)"
        " VALUES (?, ?, ?, ?, ?)",
        [
            (
                names[checked.session.session_id],
                hide(point.name),
                names[point.run_id],
                point.seq,
                from_iso(point.at),
            )
            for point in checked.checkpoints.values()
        ],
    )
    await _events(tx, checked, names, hide)
    return names[checked.session.session_id]


async def _check_free(tx: Tx, names: _Names) -> None:
    tables = {"ses": ("sessions", "session_id"), "run": ("runs", "run_id")}
    for name in names.items():
        table, column = tables.get(name[:3], ("commands", "command_id"))
        if await tx.one(f"SELECT 1 FROM {table} WHERE {column} = ?", (name,)) is not None:
            raise QuarterdeckError("id_taken", f"{name} is there already", id=name)


async def _session(tx: Tx, checked: Checked, names: _Names, hide: Callable[[Any], Any]) -> None:
    told = checked.session
    runs = list(checked.runs.values())
    said = {name: hide(value) for name, value in told.model_dump(include=_SAID).items()}
    objects = {name: getattr(told, name) for name in ("usage", "plan", "changes")}
    parent = told.parent_session_id
    known = await tx.one("SELECT 1 FROM sessions WHERE session_id = ?", (parent,))
    expires_at = _at(told.expires_at)
    last = next(reversed(checked.commands), None)
    if told.last_command_id in checked.commands:
        last = told.last_command_id
    columns: dict[str, Any] = {
        **{name: getattr(told, name) for name in ("project", "agent", "cwd")},
        **said,
        **{
            name: None if value is None else json.dumps(hide(_with_names(value, names)))
            for name, value in objects.items()
        },
        "session_id": names[told.session_id],
        "source": "import",
        "approval_mode": told.approval_mode if told.approval_mode in _TIGHT else "normal",
        "metadata": json.dumps(hide({**told.metadata, IMPORTED: _noted(told)})),
        "agent_session_id": None if names.fresh else told.agent_session_id,
        "parent_session_id": None if known is None else parent,
        "pinned": int(told.pinned),
        "ephemeral": int(told.ephemeral),
        "archived_at": _at(told.archived_at),
        "expires_at": None if expires_at is None or expires_at <= tx.at else expires_at,
        "created_at": from_iso(told.created_at),
        "last_activity": from_iso(told.last_activity),
        "version": await tx.next_version(),
        "state": "closed",
        "state_since": tx.at,
        "state_source": "request",
        "execution_state": told.execution_state or ("terminal" if checked.commands else "idle"),
        "last_run_id": names[runs[-1].run_id] if runs else None,
        "last_command_id": None if last is None else names[last],
        "last_event_seq": checked.last_seq[runs[-1].run_id] + runs[-1].trimmed if runs else 0,
    }
    await tx.run(
        f"INSERT INTO sessions ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
        columns.values(),
    )


def _noted(told: SessionRecord) -> dict[str, Any]:
    """Return what an export of the imported session has to tell and its columns do not."""
    parent = told.parent_session_id
    return {"source": told.source} | ({} if parent is None else {"parent_session_id": parent})


def _at(moment: str | None) -> int | None:
    return None if moment is None else from_iso(moment)


async def _run(
    tx: Tx, checked: Checked, run: RunRecord, names: _Names, hide: Callable[[Any], Any]
) -> None:
    row = await tx.one(
        "INSERT INTO runs (run_id, session_id, number, state, via, last_event_seq, agent_info,"
        " bundle, reason, created_at, ended_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING run_no",
        (
            names[run.run_id],
            names[checked.session.session_id],
            run.number,
            run.state,
            run.via,
            checked.last_seq[run.run_id] + run.trimmed,
            None if run.agent_info is None else json.dumps(hide(run.agent_info)),
            None if run.bundle is None else json.dumps(_bundle(run.bundle, hide)),
            hide(run.reason),
            from_iso(run.created_at),
            None if run.ended_at is None else from_iso(run.ended_at),
        ),
    )
    if run.trimmed and row is not None:
        await tx.run(
            "INSERT INTO trimmed_runs (run_no, events, at) VALUES (?, ?, ?)",
            (row["run_no"], run.trimmed, tx.at),
        )


async def _events(tx: Tx, checked: Checked, names: _Names, hide: Callable[[Any], Any]) -> None:
    """Store the events, and what can be searched of them, some at a time."""
    told = (record for _, record in _records(checked.file) if isinstance(record, EventRecord))
    index: RunIndex | None = None
    run_id = ""
    while batch := list(islice(told, EVENTS_AT_ONCE)):
        for record in batch:
            if record.run_id != run_id:
                if index is not None:
                    await search_index.write(tx, [index], growing=True)
                run_id = record.run_id
                row = await tx.one("SELECT run_no FROM runs WHERE run_id = ?", (names[run_id],))
                assert row is not None
                index = await RunIndex.open(tx.db, row["run_no"])
            assert index is not None
            encoded = events.encode(_with_names(hide(record.payload), names))
            facts = (record.seq, record.type, from_iso(record.at), encoded)
            await events.insert_many(tx, [(index.run_no, *facts)])
            index.take([facts])
        if index is not None:
            await search_index.write(tx, [index], growing=True)


def _bundle(named: dict[str, Any], hide: Callable[[Any], Any]) -> dict[str, Any]:
    """Return a bundle without secrets, each value judged for itself and not by its key."""
    return {name: hide(value) for name, value in named.items()}


def _with_names(payload: dict[str, Any], names: _Names) -> dict[str, Any]:
    """Let an event go on naming its command, and a plan its run."""
    if not names.fresh:
        return payload
    named = {name: payload.get(name) for name in ("command_id", "run_id")}
    return payload | {name: names[old] for name, old in named.items() if isinstance(old, str)}
