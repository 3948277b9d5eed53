"""A tool call as one card: what it is, how it stands, what it printed, what it changed."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from quarterdeck.model.event_types import EventType
from quarterdeck.model.hostile_text import clean, clean_line
from quarterdeck.model.records import EventView
from quarterdeck.tui.widgets.diff_lines import file_change
from quarterdeck.tui.widgets.output_ansi import without_colours
from quarterdeck.tui.widgets.payload_text import as_json, as_text, member

MAX_OUTPUT = 65_536
"""Characters kept of a call's output, of which only 200 lines are shown."""
MAX_CHANGES = 20
"""Files of one call whose changes are shown."""
MAX_CHANGE_LINES = 200
_MAX_SUBJECT = 8_192
FINAL = frozenset({"completed", "failed", "cancelled", "canceled", "rejected"})
_COMMAND_KEYS = ("command", "cmd", "script")
_PATH_KEYS = ("file_path", "filePath", "path", "abs_path")


@dataclass(frozen=True, slots=True)
class Change:
    """What a call changed in one file."""

    path: str
    """As the agent wrote it."""
    is_new: bool
    lines: tuple[str, ...]
    """Of a unified diff; safe."""
    hidden: int
    """Lines beyond those kept."""
    added: int
    removed: int

    @property
    def head(self) -> str:
        """One safe line: path and count of lines."""
        new = "new " if self.is_new else ""
        path = clean_line(self.path[:500]) or "(no path)"
        return f"{new}{path} +{self.added} -{self.removed}"

    @property
    def first_line(self) -> int:
        """The line of the new file where the change begins, from 1."""
        if not self.lines or not self.lines[0].startswith("@@"):
            return 1
        number = self.lines[0].partition("+")[2].partition(",")[0]
        place = int(number) if number.isdecimal() else 1
        for line in self.lines[1:]:
            if not line.startswith(" "):
                break
            place += 1
        return max(1, place)


def change_of(payload: dict[str, Any]) -> Change:
    """Read the payload of a `diff` event."""
    old = payload.get("old_text")
    change = file_change(old if isinstance(old, str) else "", member(payload, "new_text"))
    kept = tuple(_safe_line(line[:2000]) for line in change.lines[:MAX_CHANGE_LINES])
    return Change(
        member(payload, "path"),
        not isinstance(old, str),
        kept,
        max(0, len(change.lines) - MAX_CHANGE_LINES),
        change.added,
        change.removed,
    )


def _safe_line(text: str) -> str:
    return clean(text).replace("\t", "    ").replace("\n", " ")


@dataclass(slots=True)
class ToolCard:
    """What is known of one tool call, put together from its events."""

    title: str = ""
    kind: str = ""
    status: str = ""
    subject: str = ""
    """The command or input, safe, of several lines perhaps."""
    unasked: bool = False
    began: str = ""
    ended: str = ""
    changes: list[Change] = field(default_factory=list)
    changes_left: int = 0
    place: tuple[str, int] | None = None
    """A path and a line the agent named, for the editor."""
    output_size: int = 0
    hidden_chars: int = 0
    hidden_lines: int = 0
    opened: bool = False
    _output: list[str] = field(default_factory=list)

    def take(self, event: EventView) -> int:
        """Take in an event of the call; return by how many characters the card has grown."""
        payload = event.payload
        if event.type == EventType.TOOL_CALL:
            return self._take_call(payload, event.at)
        if event.type == EventType.DIFF:
            if len(self.changes) >= MAX_CHANGES:
                self.changes_left += 1
                return 0
            change = change_of(payload)
            self.changes.append(change)
            return sum(map(len, change.lines))
        return self._add_output(member(payload, "text"))

    def _take_call(self, payload: dict[str, Any], at: str) -> int:
        before = len(self.subject)
        self.title = clean_line(member(payload, "title")[:500].strip()) or self.title
        self.kind = clean_line(member(payload, "kind")[:40]) or self.kind
        self.unasked = self.unasked or bool(payload.get("unasked"))
        self.began = self.began or at
        if status := clean_line(member(payload, "status")[:40]):
            self.status = status
            if status in FINAL:
                self.ended = self.ended or at
        if payload.get("raw_input") not in (None, {}, [], ""):
            self.subject = _subject(payload["raw_input"])
        self.place = place_of(payload) or self.place
        return len(self.subject) - before

    def _add_output(self, text: str) -> int:
        kept = text[: max(0, MAX_OUTPUT - self.output_size)]
        if len(kept) < len(text):
            self.hidden_chars += len(text) - len(kept)
            self.hidden_lines += text.count("\n", len(kept))
        self._output.append(kept)
        self.output_size += len(kept)
        return len(kept)

    @property
    def output(self) -> str:
        """What it printed, raw, as far as it is kept."""
        if len(self._output) > 1:
            self._output = ["".join(self._output)]
        return self._output[0] if self._output else ""

    @property
    def name(self) -> str:
        """What to call it on one line."""
        return self.title or self.kind or "tool call"

    @property
    def lines_changed(self) -> str:
        """The count of lines it changed, or nothing."""
        if not self.changes:
            return ""
        added = sum(change.added for change in self.changes)
        removed = sum(change.removed for change in self.changes)
        return f"+{added} -{removed}"

    @property
    def duration(self) -> str:
        """How long it took, if it is over and its times can be read."""
        if not self.ended:
            return ""
        try:
            took = datetime.fromisoformat(self.ended) - datetime.fromisoformat(self.began)
            seconds = took.total_seconds()
        except (TypeError, ValueError, OverflowError):
            return ""
        if seconds < 0.05:
            return ""
        if seconds < 60:
            return f"{seconds:.1f} s"
        minutes, rest = divmod(int(seconds), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"

    @property
    def file(self) -> tuple[str, int] | None:
        """The file and line it is about: the first it changed, else one it named."""
        if self.changes:
            return self.changes[0].path, self.changes[0].first_line
        return self.place

    def as_text(self) -> str:
        """All that is kept of it as safe text, to be copied."""
        head = " · ".join(filter(None, (self.name, self.status, self.duration)))
        parts = [head, self.subject, without_colours(self.output).rstrip("\n")]
        parts += ["\n".join((change.head, *change.lines)) for change in self.changes]
        return "\n\n".join(filter(None, parts))


def _subject(raw: Any) -> str:
    """Return the command of a tool's input, or all of the input."""
    text = ""
    if isinstance(raw, dict):
        for key in _COMMAND_KEYS:
            command = raw.get(key)
            if isinstance(command, list):
                command = " ".join(map(as_text, command))
            if isinstance(command, str) and command:
                text = f"$ {command}"
                break
    text = text or (raw if isinstance(raw, str) else as_json(raw))
    cut = text[:_MAX_SUBJECT]
    left = len(text) - len(cut)
    shown = clean(cut).replace("\t", "    ")
    return f"{shown}\n… {left:,} characters more (open the trace)" if left else shown


def place_of(payload: dict[str, Any]) -> tuple[str, int] | None:
    """Return the first file a call names, in its locations or its input."""
    locations = payload.get("locations")
    for location in locations if isinstance(locations, list) else []:
        if path := member(location, "path"):
            line = location.get("line")
            return path, line if isinstance(line, int) and 0 < line < 2**31 else 1
    raw = payload.get("raw_input")
    if isinstance(raw, dict):
        for key in _PATH_KEYS:
            if isinstance(raw.get(key), str) and raw[key]:
                return raw[key], 1
    return None
