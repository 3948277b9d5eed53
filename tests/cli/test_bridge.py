"""`qd rpc`: the protocol on stdin and stdout, as over ssh (DESIGN §8)."""

import asyncio
import json

from tests.cli.conftest import Qd
from tests.support.scripted_server import InThread, ScriptedServer, session
from tests.support.waiting import eventually

HELLO = {"client": "t", "version": "0", "reader": "r", "watch": True}


def request(number: int, method: str, **params: object) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) + "\n"


def test_calls_are_answered_and_pushes_come_through(qd: Qd, deck_server: InThread) -> None:
    deck_server.server.sessions = [session()]
    process = qd.start("rpc")
    assert process.stdin and process.stdout
    process.stdin.write(request(1, "hello", **HELLO))
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["id"] == 1
    deck_server.do(ScriptedServer.changed)
    assert json.loads(process.stdout.readline())["method"] == "changed"
    process.stdin.write(request(2, "session.get", session_id="ses_1"))
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["result"]["session_id"] == "ses_1"
    process.stdin.close()
    assert process.wait(30) == 0


def test_answers_still_owed_come_after_stdin_ended(qd: Qd, deck_server: InThread) -> None:
    release = asyncio.Event()
    deck_server.server.sessions = [session()]
    deck_server.server.before["session.get"] = release.wait
    process = qd.start("rpc")
    assert process.stdin and process.stdout
    process.stdin.write(request(7, "session.get", session_id="ses_1"))
    process.stdin.close()
    eventually(lambda: deck_server.server.asked("session.get"))
    deck_server.do(lambda server: release.set())
    answer = json.loads(process.stdout.read())
    assert (answer["id"], answer["result"]["session_id"]) == (7, "ses_1")
    assert process.wait(30) == 0


def test_stdin_may_be_a_file_and_answers_large(qd: Qd, deck_server: InThread) -> None:
    deck_server.server.sessions = [session(title="t" * 3_000_000)]
    done = qd("rpc", stdin=request(1, "session.get", session_id="ses_1"))
    assert done.returncode == 0
    assert len(json.loads(done.stdout)["result"]["title"]) == 3_000_000


def test_it_ends_when_the_supervisor_goes_away(qd: Qd, deck_server: InThread) -> None:
    process = qd.start("rpc")
    assert process.stdin and process.stdout and process.stderr
    process.stdin.write(request(1, "hello", **HELLO))
    process.stdin.flush()
    process.stdout.readline()
    deck_server.do(ScriptedServer.stop)
    assert process.wait(30) == 6
    assert "closed the connection" in process.stderr.read()
