"""Doing what an agent asks of its client: files and terminals (C4).

A request is a row from its ingestion until the transaction that commits its answer, so a
restart in between answers it too, once.
"""

import asyncio
import logging
from pathlib import Path
from typing import Any

from quarterdeck.agents import environment, files, process
from quarterdeck.agents.holding import (
    ExitStatus,
    KeeperSpec,
    RunDirectory,
    SpawnFailed,
    is_held_back,
    pause,
    read_exit,
    read_keeper,
    read_output,
    request_stop,
    resume,
    spawn,
)
from quarterdeck.model.failpoints import failpoint
from quarterdeck.rpc import message
from quarterdeck.rpc.message import Id
from quarterdeck.store import agent_requests, sessions
from quarterdeck.store.agent_requests import PERMISSION, AgentRequest
from quarterdeck.store.transaction import Tx
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.hook_kinds import HookKind
from quarterdeck.supervisor.insisting import write_in_the_end
from quarterdeck.supervisor.live_run import LiveRun
from quarterdeck.supervisor.recorder import Recorder

OUTPUT_BYTES = 1024 * 1024
OUTPUT_BYTES_LIMIT = 16 * 1024 * 1024
HELD = {"terminal_create": "terminal_held", "file": "file_held"}
"""What a request is called while a person has to allow it first."""

_log = logging.getLogger(__name__)


class _Refused(Exception):
    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


async def serve(rec: Recorder, request_id: Id, method: str, params: dict[str, Any]) -> None:
    """Note a request and do it after COMMIT."""
    asked = await agent_requests.insert(rec.tx, rec.run.run_id, request_id, method, params)
    _serve_after_commit(rec, asked)


async def hold(rec: Recorder, request_id: Id, method: str, params: dict[str, Any]) -> int:
    """Note a request that a person has to allow first, and return its number."""
    held = await agent_requests.insert(rec.tx, rec.run.run_id, request_id, HELD[method], params)
    return held.request_no


async def release_held(rec: Recorder, request_no: int, method: str) -> None:
    """Do what was held back."""
    asked = await agent_requests.release(rec.tx, request_no, method)
    if asked is not None:
        _serve_after_commit(rec, asked)


async def refuse(rec: Recorder, request_no: int, code: int, why: str) -> None:
    """Answer a noted request with an error."""
    asked = await agent_requests.remove(rec.tx, request_no)
    if asked is not None:
        await rec.say(rec.driver.refuse(asked.request_id, code, why))


def _serve_after_commit(rec: Recorder, asked: AgentRequest) -> None:
    ctx, run = rec.ctx, rec.run
    run.serving += 1
    rec.tx.after_rollback(lambda: _served(ctx, run))
    rec.tx.after_commit(lambda: _serve_beside(ctx, run, asked))


def _serve_beside(ctx: Context, run: LiveRun, asked: AgentRequest) -> None:
    """Begin to serve a request that was counted as in work."""

    async def work() -> None:
        try:
            await _serve_and_answer(ctx, run, asked)
        finally:
            _served(ctx, run)

    ctx.do(work(), asked.method)


def _served(ctx: Context, run: LiveRun) -> None:
    """Count one request less; while too many are in work, the agent's journal is not read."""
    run.serving -= 1
    ctx.look(run)


async def serve_again(ctx: Context, run: LiveRun) -> None:
    """After a restart: do what is still unanswered, and watch the terminals there are.

    A terminal that was being started may or may not have run: the agent is told so.
    """
    for row in await agent_requests.terminals(ctx.store.reading, run.run_id):
        keeper = read_keeper(_directory(run, row["terminal_id"]))
        if keeper is not None:
            process.watch(keeper, lambda: terminal_ended(ctx, run))
    for asked in await agent_requests.of_run(ctx.store.reading, run.run_id):
        if asked.method == "terminal_create":
            why = "the supervisor was restarted; whether the command ran is not known"
            await _answer(ctx, run, asked, error=_Refused(message.INTERNAL_ERROR, why))
        elif asked.method not in (PERMISSION, *HELD.values()):
            run.serving += 1
            _serve_beside(ctx, run, asked)


async def _serve_and_answer(ctx: Context, run: LiveRun, asked: AgentRequest) -> None:
    method = asked.method
    try:
        result = await _do(ctx, run, method, asked.params)
    except _Refused as error:
        await _answer(ctx, run, asked, error=error)
        return
    except Exception as error:
        _log.exception("request of an agent failed", extra={"run": run.run_id, "method": method})
        refused = _Refused(message.INTERNAL_ERROR, f"{method} failed: {error}")
        await _answer(ctx, run, asked, error=refused)
        return
    if result is not None:
        await _answer(ctx, run, asked, result=result)


async def _answer(
    ctx: Context,
    run: LiveRun,
    asked: AgentRequest,
    *,
    result: dict[str, Any] | None = None,
    error: _Refused | None = None,
) -> None:
    """Answer a request, unless it was withdrawn: then its id may mean another one already."""

    async def work(tx: Tx) -> None:
        rec = await Recorder.open(ctx, tx, run)
        if error is not None:
            await refuse(rec, asked.request_no, error.code, str(error))
        elif await agent_requests.remove(tx, asked.request_no) is not None:
            await rec.say(rec.driver.answer(asked.request_id, result))
        _tell_step(rec, asked, result)
        await rec.flush()

    if not run.ended:
        await write_in_the_end(ctx, work, durable=False)


def _tell_step(rec: Recorder, asked: AgentRequest, result: dict[str, Any] | None) -> None:
    """Tell hooks how a call of ours ended: a file's with its answer, a terminal's with its end."""
    calls, terminal_id = rec.run.terminal_calls, asked.params.get("terminal_id")
    called = f"request:{asked.request_id}"
    if asked.method == "terminal_create" and result is not None:
        calls[result["terminalId"]] = called
        return
    if asked.method in ("file", "terminal_create"):
        ended = HookKind.TOOL_FAILED if result is None else HookKind.TOOL_COMPLETED
    elif asked.method == "terminal_wait" and result is not None and terminal_id in calls:
        called = calls.pop(terminal_id)
        ended = HookKind.TOOL_COMPLETED if result["exitCode"] == 0 else HookKind.TOOL_FAILED
    elif asked.method == "terminal_release" and result is not None and terminal_id in calls:
        status = read_exit(_directory(rec.run, terminal_id))
        called, good = calls.pop(terminal_id), status is not None and status.code == 0
        ended = HookKind.TOOL_COMPLETED if good else HookKind.TOOL_FAILED
    else:
        return
    rec.hook(ended, {"tool_call_id": called})


async def _do(
    ctx: Context, run: LiveRun, method: str, params: dict[str, Any]
) -> dict[str, Any] | None:
    """Do one request and return its result; None if the answer comes later."""
    if method == "file":
        return await asyncio.to_thread(_file, run.cwd, params)
    if method == "terminal_create":
        return {"terminalId": await _create(ctx, run, params)}
    directory = await _known_terminal(ctx, run, params)
    if method == "terminal_output":
        return _output(directory, params["output_bytes"])
    if method == "terminal_wait":
        status = read_exit(directory)
        return None if status is None and _alive(directory) else _exit_status(status)
    if method == "terminal_kill":
        request_stop(directory, 0, 2000)
        return {}
    request_stop(directory, 0, 0)
    await ctx.store.write(
        lambda tx: agent_requests.set_terminal_state(
            tx, run.run_id, params["terminal_id"], "released"
        ),
        durable=False,
    )
    return {}


def _file(cwd: str, params: dict[str, Any]) -> dict[str, Any]:
    try:
        if params["op"] == "read":
            text = files.read_text(Path(cwd), params["path"], params["line"], params["limit"])
            return {"content": text}
        failpoint("agent_file.write.before")
        files.write_text(Path(cwd), params["path"], params["content"] or "")
        failpoint("agent_file.write.after")
        return {}
    except files.FileRefused as error:
        raise _Refused(message.INVALID_PARAMS, str(error)) from error
    except OSError as error:
        raise _Refused(message.INTERNAL_ERROR, f"{params['path']}: {error}") from error


async def _create(ctx: Context, run: LiveRun, params: dict[str, Any]) -> str:
    """Start a terminal under a keeper of its own, so that it outlives this supervisor too."""
    try:
        cwd = files.contained_directory(Path(run.cwd), params.get("cwd"))
    except files.FileRefused as error:
        raise _Refused(message.INVALID_PARAMS, str(error)) from error
    command, args = str(params.get("command", "")), [str(a) for a in params.get("args") or []]
    argv = [command, *args] if args else ["/bin/sh", "-c", command]
    limit = params.get("output_byte_limit") or OUTPUT_BYTES
    size = max(1, min(int(limit), OUTPUT_BYTES_LIMIT))

    shown = ctx.redactors.current(ctx.client_env).redact(command)

    async def reserve(tx: Tx) -> str:
        return await agent_requests.insert_terminal(tx, run.run_id, shown, str(cwd), size)

    terminal_id = await ctx.store.write(reserve, durable=False)
    session = await sessions.load(ctx.store.reading, run.session_id)
    given = {str(v.get("name")): str(v.get("value")) for v in params.get("env") or []}
    base = environment.build(
        ctx.profile(session["agent"]), run.session_id, ctx.client_env.get(run.session_id, {})
    )
    directory = _directory(run, terminal_id)
    if run.ended or run.keeper_gone:
        raise _Refused(message.INTERNAL_ERROR, "the agent has ended")
    directory.create()
    spec = KeeperSpec(
        argv=argv,
        cwd=cwd,
        env=base | given,
        run_id=f"{run.run_id}/{terminal_id}",
        bell=ctx.places.bell,
        mode="terminal",
        output_bytes=size,
    )
    try:
        info = await spawn(directory, spec)
    except SpawnFailed as error:
        raise _Refused(message.INTERNAL_ERROR, f"could not run {command!r}: {error}") from error
    process.watch(info.keeper, lambda: terminal_ended(ctx, run))
    if is_held_back(run.directory) and pause(directory) and not is_held_back(run.directory):
        resume(directory)
    if run.ended or run.keeper_gone or run.stopping is not None:
        request_stop(directory, 0, 2000)
    return terminal_id


async def _known_terminal(ctx: Context, run: LiveRun, params: dict[str, Any]) -> RunDirectory:
    terminal_id = str(params.get("terminal_id"))
    row = await agent_requests.terminal(ctx.store.reading, run.run_id, terminal_id)
    if row is None or row["state"] == "released":
        raise _Refused(message.INVALID_PARAMS, f"no terminal {terminal_id!r}")
    params["output_bytes"] = row["output_bytes"]
    return _directory(run, terminal_id)


def _directory(run: LiveRun, terminal_id: str) -> RunDirectory:
    return RunDirectory(run.directory.path / "terminals" / terminal_id)


def _alive(directory: RunDirectory) -> bool:
    keeper = read_keeper(directory)
    return keeper is not None and process.is_alive(keeper)


def _output(directory: RunDirectory, limit: int) -> dict[str, Any]:
    data, truncated = read_output(directory, limit)
    answer: dict[str, Any] = {
        "output": data.decode("utf-8", "replace"),
        "truncated": truncated,
    }
    status = read_exit(directory)
    if status is not None:
        answer["exitStatus"] = _exit_status(status)
    return answer


def _exit_status(status: ExitStatus | None) -> dict[str, Any]:
    if status is None:
        return {"exitCode": None, "signal": "SIGKILL"}
    signal = None if status.signal is None else str(status.signal)
    return {"exitCode": status.code, "signal": signal}


def terminal_ended(ctx: Context, run: LiveRun) -> None:
    """Answer those who wait for the end of one of the run's terminals."""

    async def look() -> None:
        for asked in await agent_requests.of_run(ctx.store.reading, run.run_id):
            if asked.method == "terminal_wait":
                await _serve_and_answer(ctx, run, asked)

    if not run.ended:
        ctx.do(look(), "terminal ended")


async def end_terminals(rec: Recorder) -> None:
    """End the terminals of an agent that is gone."""
    for row in await agent_requests.terminals(rec.tx.db, rec.run.run_id):
        request_stop(_directory(rec.run, row["terminal_id"]), 0, 2000)
