"""The supervisor's log: one JSON object a line, rotated, 0600."""

import json
import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from quarterdeck.model.clock import iso

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


def set_up(path: Path, *, foreground: bool) -> None:
    """Send the log to `path`, and to stderr as well in the foreground."""
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
