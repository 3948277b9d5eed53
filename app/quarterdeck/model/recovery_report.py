"""A recovery report in words: what the supervisor's start found, session by session (D2)."""

from collections.abc import Iterator
from typing import Any

OUTCOMES = ("failed", "unfinished", "resumed", "swept", "re-attached")
"""What can have become of a session, the worst first."""
WORDS = {"unfinished": "still starting"}


def summary(report: dict[str, Any]) -> str:
    """Return how many sessions there were of each outcome, such as `1 failed, 20 re-attached`."""
    counts = [(name, len(_listed(report, name))) for name in OUTCOMES]
    said = [f"{count} {WORDS.get(name, name)}" for name, count in counts if count]
    return ", ".join(said) or "nothing had to be recovered"


def lines(report: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Return (outcome, title, reason) of every session or run in a report, the worst first."""
    for name in OUTCOMES:
        for entry in _listed(report, name):
            known = entry.get("title") or entry.get("session_id") or entry.get("run_id")
            yield name, str(known or "?"), str(entry.get("reason") or "no reason is known")


def _listed(report: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the entries of one outcome; what another version sends may lack it."""
    found = report.get(name)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []
