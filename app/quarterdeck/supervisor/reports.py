"""Recovery reports that a person should still see: kept over restarts until they were dismissed.

Beside the store, not in it: they are about the supervisor's own starts, few and small.
"""

import json
import logging
import os
from pathlib import Path
from typing import Any

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.failpoints import failpoint

KEPT = 10
NEWS = ("resumed", "failed", "swept", "unfinished")
"""What makes a report worth showing: that all agents were simply found alive does not."""

_log = logging.getLogger(__name__)


def has_news(report: dict[str, Any]) -> bool:
    """Whether anything in a report happened to a session."""
    return any(report.get(name) for name in NEWS)


class Reports:
    """The last reports with news, and which readers have dismissed them."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._kept: list[dict[str, Any]] = _read(file)

    def add(self, report: dict[str, Any]) -> None:
        """Keep a finished report if there is news in it."""
        if has_news(report):
            self._kept = [*self._kept, {"report": report, "dismissed": []}][-KEPT:]
            self._save()

    def open(self, reader: str) -> list[dict[str, Any]]:
        """Return the reports that this reader has not dismissed, newest first."""
        return [
            entry["report"] for entry in reversed(self._kept) if reader not in entry["dismissed"]
        ]

    def dismiss(self, reader: str, report_id: str) -> int:
        """Dismiss a report and all before it for one reader; return how many were open.

        Raises:
            QuarterdeckError: `unknown_report`.
        """
        ids = [entry["report"].get("id") for entry in self._kept]
        if report_id not in ids:
            raise QuarterdeckError("unknown_report", f"no recovery report {report_id!r}")
        upto = self._kept[: ids.index(report_id) + 1]
        found = [entry for entry in upto if reader not in entry["dismissed"]]
        for entry in found:
            entry["dismissed"].append(reader)
        if found:
            self._save()
        return len(found)

    def _save(self) -> None:
        """Write the file whole, under another name first; without room it is not kept."""
        fresh = self._file.with_name(f".{self._file.name}.new")
        try:
            failpoint("recovery_report.write.before")
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(self._kept, file)
            fresh.rename(self._file)
        except OSError as error:
            _log.warning("a recovery report is not kept", extra={"error": str(error)})


def _read(file: Path) -> list[dict[str, Any]]:
    """Return what is kept; entries that cannot be understood are left out (C9)."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        _log.warning("recovery reports cannot be read", extra={"error": str(error)})
        return []
    return [entry for entry in found if _is_entry(entry)] if isinstance(found, list) else []


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("report"), dict)
        and isinstance(entry["report"].get("id"), str)
        and isinstance(entry.get("dismissed"), list)
    )
