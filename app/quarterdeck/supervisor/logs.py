"""The supervisor's log: one JSON object a line, rotated, 0600."""

import json
import logging
import os
from collections.abc import Mapping
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from quarterdeck.model.clock import iso
from quarterdeck.model.failpoints import failpoint
from quarterdeck.supervisor.live_run import LiveRun

MAX_BYTES = 5 * 1024 * 1024
BACKUPS = 3
_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """Write time, level, logger, message, what `extra` added, and the traceback if any."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        line: dict[str, Any] = {
            "at": iso(int(record.created * 1000)),
            "level": record.levelname.lower(),
            "from": record.name.removeprefix("quarterdeck."),
            "message": record.getMessage(),
        }
        line |= {k: v for k, v in vars(record).items() if k not in _PLAIN}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class NameSubjects(logging.Filter):
    """Add session and agent to every line about a live run (V6)."""

    def __init__(self, live: Mapping[str, LiveRun]) -> None:
        super().__init__()
        self._live = live

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through, the better for it."""
        run = self._live.get(str(getattr(record, "run", "")))
        if run is not None:
            for name, value in (("session", run.session_id), ("agent", run.agent)):
                if not hasattr(record, name):
                    setattr(record, name, value)
        return True


def name_subjects(live: Mapping[str, LiveRun]) -> None:
    """Have the log name session and agent of the runs in `live`, as it is at that moment."""
    for handler in logging.getLogger("quarterdeck").handlers:
        handler.addFilter(NameSubjects(live))


def set_up(path: Path, *, foreground: bool) -> None:
    """Send the log to `path`, and to stderr as well in the foreground."""
    failpoint("log.mkdir.before")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8")
    os.chmod(path, 0o600)  # noqa: PTH101 - the handler has just made it
    handler.setFormatter(JsonLines())
    root = logging.getLogger("quarterdeck")
    root.setLevel(logging.INFO)
    root.addHandler(handler)
    root.propagate = False
    if foreground:
        stderr = logging.StreamHandler()
        stderr.setFormatter(JsonLines())
        root.addHandler(stderr)
