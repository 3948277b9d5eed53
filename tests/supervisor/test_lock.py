"""The lock on the state directory (D1)."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.supervisor.lock import Lock


def test_the_second_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    lock = Lock.take(path)
    with pytest.raises(QuarterdeckError, match=str(os.getpid())) as caught:
        Lock.take(path)
    assert caught.value.code == "session_manager_already_running"
    assert caught.value.kind.exit == 4
    inode = path.stat().st_ino
    lock.release()
    Lock.take(path).release()
    assert path.stat().st_ino == inode, "the file is permanent"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_lock_is_not_inherited(tmp_path: Path) -> None:
    """A child that outlives the supervisor must not keep the next one out."""
    lock = Lock.take(tmp_path / "lock")
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    lock.release()
    Lock.take(tmp_path / "lock").release()
    child.communicate(b"\n")
