"""C4: an agent that may edit unasked may still not edit what decides about it."""

from pathlib import Path

import pytest

from quarterdeck.model.places import Places
from quarterdeck.policy.call import Call, Decision, Mode, Tool
from quarterdeck.supervisor.judging import Policy


@pytest.mark.parametrize(
    ("path", "decision"),
    [
        ("settings/policy.toml", Decision.ASK),
        ("settings/config.toml", Decision.ASK),
        ("by-link/policy.toml", Decision.ASK),
        ("src/../settings/policy.toml", Decision.ASK),
        ("data/trusted_projects.json", Decision.ASK),
        ("src/policy.toml", Decision.ALLOW),
    ],
)
def test_changing_our_own_files_is_asked_in_a_trusted_session(
    tmp_path: Path, path: str, decision: Decision
) -> None:
    """Wherever they were put, in the directory of a session too."""
    for name in ("settings", "data", "src"):
        (tmp_path / name).mkdir()
    (tmp_path / "by-link").symlink_to("settings")
    policy = Policy(Places(tmp_path / "data", tmp_path / "settings"))
    call = Call(Tool.EDIT, tmp_path, tmp_path, "a", Mode.TRUSTED, paths=(path,))
    verdict = policy.judge(call)
    assert verdict.decision is decision
    if decision is Decision.ASK:
        assert "decides about calls" in verdict.reason
