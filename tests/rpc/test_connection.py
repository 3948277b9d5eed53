"""A conversation over a real socket: concurrent, bounded, and clear about its end."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.rpc import message
from quarterdeck.rpc.connection import ANSWER_LIMIT, Connection
from quarterdeck.rpc.framing import CHUNK_BYTES, LINE_LIMIT
from tests.support.waiting import eventually_async

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def stream_pair() -> tuple[Streams, Streams]:
    ours, theirs = socket.socketpair()
    first = await asyncio.open_connection(sock=ours, limit=LINE_LIMIT)
    return first, await asyncio.open_connection(sock=theirs, limit=CHUNK_BYTES)


async def echo(method: str, params: Any) -> Any:
    return params


@asynccontextmanager
async def conversation(
    serve: Callable[[str, Any], Any] = echo, **client: Any
) -> AsyncIterator[tuple[Connection, Connection]]:
    """Give a client's and a server's running connection."""
    ours, theirs = await stream_pair()
    asker, server = Connection(*ours, **client), Connection(*theirs, serve=serve)
    running = [asyncio.create_task(side.run()) for side in (asker, server)]
    try:
        yield asker, server
    finally:
        await asker.close()
        await server.close()
        await asyncio.wait_for(asyncio.gather(*running), 60)


@asynccontextmanager
async def raw_client(
    serve: Callable[[str, Any], Any] = echo,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter, "asyncio.Task[None]"]]:
    """Give the bare stream to a served connection, and the connection's task."""
    (reader, writer), theirs = await stream_pair()
    running = asyncio.create_task(Connection(*theirs, serve=serve).run())
    try:
        yield reader, writer, running
    finally:
        writer.close()
        await asyncio.wait_for(running, 60)


async def next_message(reader: asyncio.StreamReader) -> dict[str, Any]:
    return json.loads(await asyncio.wait_for(reader.readline(), 60))


async def test_calls_run_concurrently_and_each_gets_its_own_answer() -> None:
    gates = {n: asyncio.Event() for n in range(5)}

    async def serve(method: str, params: Any) -> Any:
        await gates[params["n"]].wait()
        return params["n"]

    async with conversation(serve) as (asker, _):
        calls = [asyncio.create_task(asker.call("m", {"n": n})) for n in range(5)]
        for n in reversed(range(5)):
            gates[n].set()
            assert await calls[n] == n


async def test_an_error_arrives_as_it_was_raised() -> None:
    async def serve(method: str, params: Any) -> Any:
        raise QuarterdeckError("run_mismatch", "another run", active="run_1")

    async with conversation(serve) as (asker, _):
        with pytest.raises(QuarterdeckError, match="another run") as raised:
            await asker.call("m")
        assert (raised.value.code, raised.value.data) == ("run_mismatch", {"active": "run_1"})


async def test_an_unexpected_exception_is_internal_and_the_conversation_goes_on() -> None:
    async def serve(method: str, params: Any) -> Any:
        if method == "bad":
            raise ZeroDivisionError("oops")
        return object() if method == "unwritable" else "fine"

    async with conversation(serve) as (asker, _):
        for method in ("bad", "unwritable"):
            with pytest.raises(QuarterdeckError, match=method) as raised:
                await asyncio.wait_for(asker.call(method), 60)
            assert raised.value.code == "internal"
        assert await asker.call("good") == "fine"


async def test_a_side_that_serves_nothing_says_so() -> None:
    async with conversation() as (_, server):
        with pytest.raises(QuarterdeckError) as raised:
            await server.call("anything")
        assert raised.value.code == "unknown_method"


@pytest.mark.parametrize(
    ("code", "number"),
    [
        ("unknown_method", message.METHOD_NOT_FOUND),
        ("invalid_params", message.INVALID_PARAMS),
        ("stale", message.APPLICATION_ERROR),
    ],
)
async def test_errors_have_their_json_rpc_numbers(code: str, number: int) -> None:
    async def serve(method: str, params: Any) -> Any:
        raise QuarterdeckError(code, "no")

    async with raw_client(serve) as (reader, writer, _):
        writer.write(message.request("a", "m", {}))
        answer = await next_message(reader)
        assert (answer["id"], answer["error"]["code"]) == ("a", number)
        assert answer["error"]["data"]["code"] == code


async def test_the_other_side_going_away_fails_what_waits_and_what_follows() -> None:
    async def never(method: str, params: Any) -> Any:
        await asyncio.Event().wait()

    ours, (_, writer) = await stream_pair()
    asker = Connection(*ours)
    running = asyncio.create_task(asker.run())
    calls = [asyncio.create_task(asker.call("m")) for _ in range(3)]
    await asyncio.sleep(0)
    writer.close()
    for call in calls:
        with pytest.raises(QuarterdeckError) as raised:
            await asyncio.wait_for(call, 60)
        assert raised.value.code == "unreachable"
    await asyncio.wait_for(running, 60)
    assert asker.closed
    with pytest.raises(QuarterdeckError) as raised:
        await asker.call("m")
    assert raised.value.code == "unreachable"


async def test_requests_taken_in_are_finished_though_the_asker_left() -> None:
    """Their effects must not depend on the asker."""
    begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def serve(method: str, params: Any) -> Any:
        begun.set()
        await go_on.wait()
        done.set()

    async with raw_client(serve) as (_, writer, running):
        writer.write(message.request(1, "m", {}))
        await begun.wait()
        writer.close()
        go_on.set()
        await asyncio.wait_for(running, 60)
        assert done.is_set()


async def test_an_asker_that_only_ended_its_own_half_still_gets_its_answers() -> None:
    go_on = asyncio.Event()

    async def serve(method: str, params: Any) -> Any:
        await go_on.wait()
        return "late"

    async with raw_client(serve) as (reader, writer, _):
        writer.write(message.request(1, "m", {}))
        writer.write_eof()
        await asyncio.sleep(0)
        go_on.set()
        assert (await next_message(reader))["result"] == "late"
        assert await reader.read() == b""


@pytest.mark.parametrize(
    "bad", [b"rubbish", b"\xff\xfe", b"[]", b'{"id": null, "method": "m"}', b"", b'{"id": 1}']
)
async def test_an_invalid_line_is_answered_and_not_fatal(bad: bytes) -> None:
    async with raw_client() as (reader, writer, _):
        writer.write(bad + b"\n" + message.request(0, "m", {"a": 1}))
        refused, answered = await next_message(reader), await next_message(reader)
        assert (refused["id"], refused["error"]["code"]) == (None, message.PARSE_ERROR)
        assert (answered["id"], answered["result"]) == (0, {"a": 1})


async def test_an_id_used_twice_gets_one_answer() -> None:
    go_on = asyncio.Event()

    async def serve(method: str, params: Any) -> Any:
        await go_on.wait()
        return method

    async with raw_client(serve) as (reader, writer, _):
        writer.write(message.request("x", "first", {}) + message.request("x", "second", {}))
        assert (await next_message(reader))["id"] is None
        go_on.set()
        assert (await next_message(reader))["result"] == "first"


async def test_stray_answers_are_passed_over() -> None:
    async with raw_client() as (reader, writer, _):
        writer.write(message.answer(99, "?") + message.refusal(None, -1, "?"))
        writer.write(message.request(1, "m", "still here"))
        assert (await next_message(reader))["result"] == "still here"


async def test_a_line_over_the_limit_is_cut_and_the_next_one_kept() -> None:
    async with raw_client() as (reader, writer, _):
        writer.write(b'{"' + b"x" * (LINE_LIMIT + 1) + b"\n")
        writer.write(message.request(1, "m", "kept"))
        refused, answered = await next_message(reader), await next_message(reader)
        assert "over the limit" in refused["error"]["message"]
        assert answered["result"] == "kept"


async def test_a_request_over_the_limit_is_refused_here_instead_of_never_answered() -> None:
    async with conversation() as (asker, _):
        with pytest.raises(QuarterdeckError, match="over the limit") as raised:
            await asyncio.wait_for(asker.call("m", {"text": "x" * LINE_LIMIT}), 60)
        assert raised.value.code == "invalid_params"
        assert await asker.call("m", {"a": 1}) == {"a": 1}


async def test_an_answer_may_be_longer_than_a_request_and_is_refused_if_it_is_too_long() -> None:
    async def serve(method: str, params: Any) -> Any:
        return "x" * params["size"]

    async with conversation(serve) as (asker, _):
        assert len(await asker.call("m", {"size": LINE_LIMIT + 1})) == LINE_LIMIT + 1
        with pytest.raises(QuarterdeckError, match=f"over {ANSWER_LIMIT}"):
            await asyncio.wait_for(asker.call("m", {"size": ANSWER_LIMIT}), 60)
        assert await asker.call("m", {"size": 1}) == "x"


async def test_large_messages_both_ways_at_once_do_not_wait_for_each_other() -> None:
    """More than both sockets hold: if each side waited to be read before it reads, none would."""
    async with conversation() as (asker, _):
        text = "x" * 4_000_000
        answers = await asyncio.wait_for(
            asyncio.gather(*(asker.call("m", {"text": text, "n": n}) for n in range(4))), 60
        )
        assert [answer["n"] for answer in answers] == [0, 1, 2, 3]


async def test_the_serving_side_stops_reading_while_its_answers_are_not_taken() -> None:
    """Memory stays limited however much a client asks without reading."""
    served = 0

    async def serve(method: str, params: Any) -> Any:
        nonlocal served
        served += 1
        return "x" * 1_000_000

    async with raw_client(serve) as (reader, writer, _):
        question = message.request(1, "m", "p" * 60_000)
        for number in range(200):
            writer.write(question.replace(b'"id":1', b'"id":%d' % number))
        for _ in range(2000):
            await asyncio.sleep(0)  # everything that can happen happens
        assert 0 < served < 50
        for _ in range(200):
            assert len(await reader.readuntil(b"\n")) > 1_000_000
        assert served == 200


async def test_notifications_are_heard_in_order_and_one_that_fails_is_not_fatal() -> None:
    heard: list[int] = []
    last = asyncio.Event()

    def hear(method: str, params: Any) -> None:
        heard.append(params["n"])
        if params["n"] == 3:
            last.set()

    async with conversation(hear=hear) as (asker, server):
        server.notify("m", {"n": 1})
        server.notify("m", {"other": 2})
        server.notify("m", {"n": 3})
        await asyncio.wait_for(last.wait(), 60)
        assert heard == [1, 3]
        assert await asker.call("m", {"a": 1}) == {"a": 1}


async def test_a_call_given_up_does_not_disturb_its_late_answer() -> None:
    go_on = asyncio.Event()

    async def serve(method: str, params: Any) -> Any:
        if method == "slow":
            await go_on.wait()
        return method

    async with conversation(serve) as (asker, _):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asker.call("slow"), 0.01)
        go_on.set()
        assert await asker.call("next") == "next"


async def test_notifying_a_side_that_left_is_harmless() -> None:
    async with conversation() as (asker, server):
        await asker.close()
        server.notify("m", {})
        await server.close()
        server.notify("m", {})


async def test_closing_does_not_wait_for_one_that_never_reads() -> None:
    """A stopped terminal must not keep the supervisor from ending."""

    async def serve(method: str, params: Any) -> Any:
        return "x" * 5_000_000

    (_, writer), theirs = await stream_pair()
    server = Connection(*theirs, serve=serve)
    running = asyncio.create_task(server.run())
    writer.transport.pause_reading()  # pyright: ignore[reportAttributeAccessIssue]
    writer.write(message.request(1, "m", {}))
    await eventually_async(lambda: _true_if(server.backlog > 0))
    await asyncio.wait_for(server.close(), 60)
    await asyncio.wait_for(running, 60)
    writer.transport.abort()


async def _true_if(value: bool) -> bool:
    return value
