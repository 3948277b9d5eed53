"""The rules of failpoints."""

from pathlib import Path

import pytest

from quarterdeck.model.failpoints import chosen


def test_a_rule_after_a_file_counts_from_the_moment_the_file_exists(tmp_path: Path) -> None:
    armed, passed = tmp_path / "armed", tmp_path / "passed"
    failpoint = chosen(f"after {armed} count:{passed}")
    failpoint("a.first")
    armed.touch()
    failpoint("a.second")
    armed.unlink()
    failpoint("a.third")
    assert passed.read_text() == "a.second\n"


def test_a_setting_that_is_no_rule_is_refused() -> None:
    for setting in ("kill", "kill:0", "after /tmp/x", "after /tmp/x nothing", "count:"):
        with pytest.raises(ValueError, match="want kill"):
            chosen(setting)
