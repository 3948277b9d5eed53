"""Recovery reports as text: this start's, and earlier ones that nobody has dismissed."""

from typing import Any

from quarterdeck.model.recovery_report import WORDS, lines, summary

QUIET = "re-attached"


def status_lines(recovery: dict[str, Any]) -> list[str]:
    """Return the reports of a status, a line for each session that was not just re-attached."""
    if not recovery:
        return []
    if not recovery.get("done", True):
        return ["recovery: goes on"]
    told = ["recovery: " + summary(recovery), *_sessions(recovery)]
    for report in recovery.get("open") or []:
        if report.get("id") != recovery.get("id"):
            told += [f"recovery at {report.get('at')}: {summary(report)}", *_sessions(report)]
    return told


def _sessions(report: dict[str, Any]) -> list[str]:
    return [
        f"  {WORDS.get(outcome, outcome)}: {title}: {reason}"
        for outcome, title, reason in lines(report)
        if outcome != QUIET
    ]
