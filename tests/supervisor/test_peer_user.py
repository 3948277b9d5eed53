"""The socket answers its own user only, even where its mode lets another one in."""

import json
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from quarterdeck.supervisor import peer_user
from tests.support.deckhouse import Deckhouse

NOBODY = 65534
HELLO = {"client": "tests", "version": "0", "reader": "mallory", "host": "here", "watch": False}
CALLER = """
import json, os, socket, sys
os.chdir(sys.argv[1])
if (uid := int(sys.argv[2])) != os.getuid():
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
peer = socket.socket(socket.AF_UNIX)
peer.settimeout(20)
peer.connect("supervisor.sock")
said = {"jsonrpc": "2.0", "id": 1, "method": "hello", "params": json.loads(sys.argv[3])}
try:
    peer.sendall(json.dumps(said).encode() + b"\\n")
    print(peer.recv(4096).decode())
except (BrokenPipeError, ConnectionResetError):
    print()
"""


def call_as(uid: int, state: Path) -> str:
    """Say hello as a user, and return what came back."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", CALLER, str(state), str(uid), json.dumps(HELLO)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be another user")
async def test_another_user_gets_no_answer_where_the_mode_would_let_it_in(deckhouse: Deckhouse):
    deck = await deckhouse.deck()
    state = deckhouse.places.state
    state.chmod(0o711)
    deckhouse.places.socket.chmod(0o666)
    assert call_as(NOBODY, state) == ""
    assert json.loads(call_as(os.geteuid(), state))["result"]["pid"] == deck.hello["pid"]


def test_a_peer_of_our_own_is_let_in():
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        assert peer_user.is_own_user(one)


class Told:
    """A socket whose kernel tells a certain user, or nothing."""

    def __init__(self, credentials: bytes | None) -> None:
        self.credentials = credentials
        self.asked: tuple[int, int, int] | None = None

    def getsockopt(self, level: int, option: int, size: int) -> bytes:
        self.asked = (level, option, size)
        if self.credentials is None:
            raise OSError("not told")
        return self.credentials


def test_on_macos_the_peer_is_asked_for_in_its_own_way(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    for uid, own in ((os.geteuid(), True), (os.geteuid() + 1, False)):
        told = Told(struct.pack("=IIh2x16I", 0, uid, 1, *[0] * 16))
        assert peer_user.is_own_user(told) is own  # pyright: ignore[reportArgumentType]
        assert told.asked == (0, 1, 76)
    assert not peer_user.is_own_user(Told(None))  # pyright: ignore[reportArgumentType]
