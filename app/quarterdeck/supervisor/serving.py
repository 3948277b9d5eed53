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
    read_exit,
    read_keeper,
    read_output,
    request_stop,
    spawn,
)
from quarterdeck.rpc import message
from quarterdeck.rpc.message import Id
from quarterdeck.store import agent_requests, sessions
from quarterdeck.store.transaction import Tx
from quarterdeck.supervisor.context import Context
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
    await agent_requests.insert(rec.tx, rec.run.run_id, request_id, method, params)
    _serve_after_commit(rec, request_id, method, params)


async def hold(rec: Recorder, request_id: Id, method: str, params: dict[str, Any]) -> None:
    """Note a request that a person has to allow first."""
    await agent_requests.insert(rec.tx, rec.run.run_id, request_id, HELD[method], params)


async def release_held(rec: Recorder, request_id: Id, method: str) -> None:
    """Do what was held back."""
    params = await agent_requests.take(rec.tx, rec.run.run_id, request_id)
    if params is not None:
        await serve(rec, request_id, method, params)


async def refuse(rec: Recorder, request_id: Id, code: int, why: str) -> None:
    """Answer a noted request with an error."""
    if await agent_requests.remove(rec.tx, rec.run.run_id, request_id):
        await rec.say(rec.driver.refuse(request_id, code, why))


def _serve_after_commit(rec: Recorder, request_id: Id, method: str, params: dict[str, Any]) -> None:
    ctx, run = rec.ctx, rec.run
    rec.tx.after_commit(
        lambda: ctx.do(_serve_and_answer(ctx, run, request_id, method, params), method)
    )


async def serve_again(ctx: Context, run: LiveRun) -> None:
    """After a restart: do what is still unanswered, and watch the terminals there are.

    A terminal that was being started may or may not have run: the agent is told so.
    """
    for row in await agent_requests.terminals(ctx.store.reading, run.run_id):
        keeper = read_keeper(_directory(run, row["terminal_id"]))
        if keeper is not None:
            process.watch(keeper, lambda: terminal_ended(ctx, run))
    for request_id, method, params in await agent_requests.of_run(ctx.store.reading, run.run_id):
        if method == "terminal_create":
            why = "the supervisor was restarted; whether the command ran is not known"
            await _answer(ctx, run, request_id, error=_Refused(message.INTERNAL_ERROR, why))
        elif method not in HELD.values():
            ctx.do(_serve_and_answer(ctx, run, request_id, method, params), method)


async def _serve_and_answer(
    ctx: Context, run: LiveRun, request_id: Id, method: str, params: dict[str, Any]
) -> None:
    try:
        result = await _do(ctx, run, method, params)
    except _Refused as error:
        await _answer(ctx, run, request_id, error=error)
        return
    except Exception as error:
        _log.exception("request of an agent failed", extra={"run": run.run_id, "method": method})
        refused = _Refused(message.INTERNAL_ERROR, f"{method} failed: {error}")
        await _answer(ctx, run, request_id, error=refused)
        return
    if result is not None:
        await _answer(ctx, run, request_id, result=result)


async def _answer(
    ctx: Context,
    run: LiveRun,
    request_id: Id,
    *,
    result: dict[str, Any] | None = None,
    error: _Refused | None = None,
) -> None:
    async def work(tx: Tx) -> None:
        rec = await Recorder.open(ctx, tx, run)
        if error is not None:
            await refuse(rec, request_id, error.code, str(error))
        elif await agent_requests.remove(tx, run.run_id, request_id):
            await rec.say(rec.driver.answer(request_id, result))
        await rec.flush()

    if not run.ended:
        await ctx.store.write(work, durable=False)


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
        files.write_text(Path(cwd), params["path"], params["content"] or "")
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
        for request_id, method, params in await agent_requests.of_run(
            ctx.store.reading, run.run_id
        ):
            if method == "terminal_wait":
                await _serve_and_answer(ctx, run, request_id, method, params)

    if not run.ended:
        ctx.do(look(), "terminal ended")


async def end_terminals(rec: Recorder) -> None:
    """End the terminals of an agent that is gone."""
    for row in await agent_requests.terminals(rec.tx.db, rec.run.run_id):
        request_stop(_directory(rec.run, row["terminal_id"]), 0, 2000)
