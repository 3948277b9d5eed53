"""What another process is in the midst of writing is not taken for what it says."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import deckhouse
from tests.support.deckhouse import Deckhouse
from tests.support.growing_files import whole_lines


def test_a_line_without_its_end_is_none_yet(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    assert whole_lines(file) == []
    file.write_bytes(b"torn")
    assert whole_lines(file) == []
    file.write_bytes("first\nzw\u00f6lf\nto".encode()[:-1])
    assert whole_lines(file) == ["first", "zwölf"]


def test_the_pid_of_a_supervisor_is_awaited_while_the_lock_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As between its taking the lock and its writing the pid."""
    house = Deckhouse(tmp_path)
    house.places.state.mkdir()

    def awaiting(condition: Callable[[], object], *, what: str) -> None:
        for text, written in (("", False), ("123", False), ("12345\n", True)):
            house.places.lock.write_text(text)
            assert condition() == written

    monkeypatch.setattr(deckhouse, "eventually", awaiting)
    assert house.supervisor_pid() == 12345
