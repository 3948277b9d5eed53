"""What is known of the tool calls of a turn: merged from updates, small enough to be stored."""

import dataclasses
import hashlib
from dataclasses import dataclass, field
from typing import Any

from quarterdeck.agents.acp import content

CHANGING_KINDS = frozenset({"execute", "edit", "delete", "move"})
FINAL_STATUSES = frozenset({"completed", "failed", "cancelled", "canceled", "rejected"})
_KEPT_CALLS = 256
_KEPT_OF_REPLAY = 8
_KEPT_OUTPUT = 64 * 1024
_KEPT_WEIGHT = 4 * 1024 * 1024
"""Characters of all calls together; the last one is kept whatever its size."""
_KEPT_DIGESTS = 256


@dataclass(slots=True)
class ToolCall:
    """One tool call, as far as later messages need it."""

    title: str | None = None
    kind: str | None = None
    raw_input: Any = None
    locations: list[Any] = field(default_factory=list)
    diffs: list[dict[str, Any]] = field(default_factory=list)
    """The last diffs it showed, whole, while it may still be asked about."""
    output: str = ""
    """The end of the last text it showed while running."""
    diffs_told: list[str] = field(default_factory=list)
    output_told: str | None = None
    asked: bool = False
    """Whether a permission was asked for it."""
    began: bool = False
    unasked_told: bool = False
    done: bool = False
    left_over: bool = False
    """Whether its turn is over; it goes with the next one."""
    weight: int = 0
    """About how many characters it has."""

    def merge(self, update: dict[str, Any]) -> None:
        """Take over what an update or a permission request says; silence changes nothing."""
        if isinstance(update.get("title"), str):
            self.title = update["title"]
        if isinstance(update.get("kind"), str):
            self.kind = update["kind"]
        if update.get("rawInput") not in (None, {}, [], ""):
            self.raw_input = update["rawInput"]
        self.locations = content.items(update, "locations") or self.locations
        pieces = content.items(update, "content")
        self.diffs = [content.diff(p) for p in pieces if content.is_diff(p)] or self.diffs
        self.output = content.text_of(pieces)[-_KEPT_OUTPUT:] or self.output
        self.weight = _weight([self.title, self.raw_input, self.locations, self.diffs, self.output])

    def new_diffs(self) -> list[dict[str, Any]]:
        """Return the diffs not told before, and note them as told."""
        fresh = []
        for change in self.diffs:
            digest = content.diff_hash(change)
            if digest not in self.diffs_told:
                self.diffs_told.append(digest)
                fresh.append(change)
        del self.diffs_told[:-_KEPT_DIGESTS]
        return fresh

    def new_output(self, update: dict[str, Any]) -> str:
        """Return the output at the end of the call, or an empty text if it was told before."""
        text = (
            content.text_of(content.items(update, "content"))
            or content.output_of(update.get("rawOutput"))
            or self.output
        )
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        if not text or digest == self.output_told:
            return ""
        self.output_told = digest
        return text

    def found_unasked(self, update: dict[str, Any], *, served: bool, cancelled: bool) -> bool:
        """Tell whether this update shows, for the first time, that it acts without asking (C4).

        Many agents say in_progress and only then ask, so that proves nothing yet: output does,
        and so does the end of the call.

        Args:
            update: The update, already merged.
            served: Whether the agent asked us in this turn for what this kind of tool does.
            cancelled: Whether the turn is being cancelled, so that failing proves nothing.
        """
        status = update.get("status")
        if self.asked or served or self.unasked_told or self.kind not in CHANGING_KINDS:
            return False
        running = status == "in_progress" and (
            update.get("rawOutput") not in (None, {}, [], "")
            or any(item.get("type") == "terminal" for item in content.items(update, "content"))
        )
        failed = status == "failed" and self.began and not cancelled
        if not (running or failed or status == "completed"):
            return False
        self.unasked_told = True
        return True

    def finish(self) -> None:
        """Let go of what only an open call needs."""
        self.done = True
        self.raw_input, self.locations, self.diffs, self.output = None, [], [], ""
        self.weight = 0


class ToolCalls:
    """The tool calls of the current turn, and those a former turn left unfinished."""

    def __init__(self, calls: dict[str, ToolCall] | None = None) -> None:
        self._calls = dict(calls or {})

    def known(self, tool_call_id: str) -> ToolCall:
        """Return the tool call of this id, a blank one at first."""
        if tool_call_id not in self._calls:
            self._calls[tool_call_id] = ToolCall()
        self._trim(_KEPT_CALLS, tool_call_id)
        return self._calls[tool_call_id]

    def replayed(self, update: dict[str, Any]) -> None:
        """Note a tool call of the history: the last ones may be asked about after a restart.

        Their status is not trusted: some agents call completed what never ran.
        """
        if isinstance(update.get("toolCallId"), str):
            self.known(update["toolCallId"]).merge(update)
            self._trim(_KEPT_OF_REPLAY, update["toolCallId"])

    def end_turn(self) -> None:
        """Forget finished calls, and unfinished ones that are left from the turn before."""
        self._calls = {
            key: call for key, call in self._calls.items() if not (call.done or call.left_over)
        }
        for call in self._calls.values():
            call.left_over = True

    def clear(self) -> None:
        """Forget all."""
        self._calls.clear()

    def to_state(self) -> dict[str, Any]:
        """Return the calls as a JSON-able dict."""
        return {
            key: {f.name: _copied(getattr(call, f.name)) for f in dataclasses.fields(call)}
            for key, call in self._calls.items()
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "ToolCalls":
        """Build from what `to_state` returned."""
        return cls({key: ToolCall(**call) for key, call in state.items()})

    def _trim(self, limit: int, wanted: str) -> None:
        """Keep at most `limit` calls: drop the oldest finished one, else the oldest.

        The one that is wanted just now is kept; of the others also what weighs too much goes.
        """
        weight = sum(len(key) + call.weight for key, call in self._calls.items())
        while len(self._calls) > 1 and (len(self._calls) > limit or weight > _KEPT_WEIGHT):
            others = [key for key in self._calls if key != wanted]
            finished = (key for key in others if self._calls[key].done)
            oldest = next(finished, others[0])
            weight -= len(oldest) + self._calls.pop(oldest).weight


def _weight(value: Any) -> int:
    """Return about how many characters a value has as JSON."""
    total, queue = 0, [value]
    while queue:
        found = queue.pop()
        total += 8
        if isinstance(found, str):
            total += len(found)
        elif isinstance(found, list):
            queue += found
        elif isinstance(found, dict):
            queue += found.values()
            total += sum(map(len, found))
    return total


def _copied(value: Any) -> Any:
    return list(value) if isinstance(value, list) else value
