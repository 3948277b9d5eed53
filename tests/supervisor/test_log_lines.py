"""V6: a log line about a run carries its session and its agent."""

import json
import logging
from types import SimpleNamespace
from typing import Any, cast

from quarterdeck.supervisor.live_run import LiveRun
from quarterdeck.supervisor.logs import JsonLines, NameSubjects


def line(live: dict[str, Any], **extra: Any) -> dict[str, Any]:
    record = logging.makeLogRecord({"name": "quarterdeck.x", "msg": "it happened", **extra})
    assert NameSubjects(cast("dict[str, LiveRun]", live)).filter(record)
    return json.loads(JsonLines().format(record))


def test_v6_a_line_about_a_live_run_carries_session_and_agent() -> None:
    live = {"run_1": SimpleNamespace(session_id="ses_1", agent="opencode")}
    told = line(live, run="run_1")
    assert (told["session"], told["agent"]) == ("ses_1", "opencode")
    told = line(live, run="run_1", agent="said by the line itself")
    assert told["agent"] == "said by the line itself"


def test_a_line_about_no_live_run_stays_as_it_is() -> None:
    assert "session" not in line({}, run="run_2")
    assert "session" not in line({})
