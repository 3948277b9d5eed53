"""Times on the wire, and the directories of DESIGN §11."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.model.clock import from_iso, iso
from quarterdeck.model.places import Places


@given(st.integers(0, 4_000_000_000_000))
def test_times_read_back_to_the_millisecond_and_sort_as_text(at: int) -> None:
    assert from_iso(iso(at)) == at
    assert iso(at) < iso(at + 1)


def test_a_time_is_written_in_utc() -> None:
    assert iso(0) == "1970-01-01T00:00:00.000Z"
    assert iso(1_234) == "1970-01-01T00:00:01.234Z"


def test_the_environment_names_the_directories(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("QUARTERDECK_STATE_DIR", "state")
    monkeypatch.setenv("QUARTERDECK_CONFIG_DIR", "~/config")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    places = Places.from_environment()
    assert (places.state, places.config) == (tmp_path / "state", tmp_path / "config")
    assert places.socket.parent == places.lock.parent == places.state


def test_an_empty_variable_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARTERDECK_STATE_DIR", "")
    monkeypatch.delenv("QUARTERDECK_CONFIG_DIR", raising=False)
    places = Places.from_environment()
    assert places.state.name == places.config.name == "quarterdeck"
    assert places.state.is_absolute()
