"""What an approval dialog shows, made by this client from the payload it hashed itself."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from quarterdeck.model import approval_text
from quarterdeck.model.canonical import sha256
from quarterdeck.model.forms import FormField, FormProblem, fields_of
from quarterdeck.model.hostile_text import clean, mixed_scripts
from quarterdeck.model.records import ApprovalView
from quarterdeck.model.states import ASKED_BY_AGENT, ApprovalKind
from quarterdeck.model.titles import fold
from quarterdeck.tui.board import kind_words
from quarterdeck.tui.folding import count_invisible
from quarterdeck.tui.widgets.ages import age_text

VALUE_LIMIT = 400
CLAIM_LIMIT = 200
WORDS_NAMED = 3
WORD_LIMIT = 40


@dataclass(frozen=True, slots=True)
class Question:
    """One approval as it is put to a person; never changes while it is shown."""

    view: ApprovalView
    text: str
    """The exact text, raw: whoever shows it cleans it strictly."""
    diff: bool
    sha256: str
    """Of the payload the text was made from; sent with the decision."""
    refusal: str
    """Why it cannot be approved at all, or empty."""
    warnings: tuple[str, ...]
    fields: tuple[tuple[str, str], ...]
    """What stands above the text: label and clean value."""
    command: bool = False
    """Whether a command is among the tool's input."""
    edited: tuple[str, ...] = ()
    """The paths of the files it edits, raw."""
    form: tuple[FormField, ...] = ()
    """The fields it asks to be filled in."""

    @property
    def recovery(self) -> bool:
        """Whether it asks what to do with a session that could not be resumed."""
        return self.view.kind == ApprovalKind.RECOVERY

    @property
    def own_dialog(self) -> str:
        """What of it only its own dialog can answer, or empty."""
        if self.view.kind == ApprovalKind.ELICITATION:
            return "form"
        return "recovery" if self.recovery else ""

    @property
    def extent(self) -> str:
        """How long the text is, in words."""
        count, lines = len(self.text), self.text.count("\n") + 1
        return f"{count:,} character{'s' * (count != 1)}, {lines:,} line{'s' * (lines != 1)}"


def question(view: ApprovalView, now_ms: int) -> Question:
    """Make the question of an approval.

    Args:
        view: The approval as it was fetched.
        now_ms: Unix milliseconds, for its age.
    """
    own_hash = sha256(view.payload)
    payload, problem = _parsed(view.payload)
    text = view.payload
    if payload is not None:
        try:
            text = approval_text.subject(payload)
        except Exception as error:
            # Whatever an agent sent that breaks the rendering: then the payload itself is shown.
            problem = f"its text could not be made from its payload ({type(error).__name__})"
    form: tuple[FormField, ...] = ()
    if view.kind == ApprovalKind.ELICITATION and payload is not None:
        try:
            form = fields_of(payload.get("schema"), payload.get("order"))
        except FormProblem as error:
            problem = f"its form cannot be shown ({clean(str(error), strict=True)})"
    refusal = f"This cannot be approved here: {problem}." if problem else ""
    if own_hash != view.payload_sha256:
        refusal = (
            "This cannot be approved here: its text does not match its hash, so it may not be "
            "what would be run."
        )
    return Question(
        view=view,
        text=text,
        diff=_has_diff(payload),
        sha256=own_hash,
        refusal=refusal,
        warnings=_warnings(text),
        fields=_fields(view, now_ms),
        command=_has_command(payload),
        edited=tuple(item["path"] for item in _diffs(payload)),
        form=form,
    )


def _parsed(payload: str) -> tuple[dict[str, Any] | None, str]:
    try:
        value = json.loads(payload)
    except ValueError:
        return None, "its payload is not JSON"
    if not isinstance(value, dict):
        return None, "its payload is not an object"
    return value, ""


def _call(payload: dict[str, Any] | None) -> dict[str, Any]:
    call = payload.get("tool_call") if payload else None
    return call if isinstance(call, dict) else {}


def _has_command(payload: dict[str, Any] | None) -> bool:
    given = _call(payload).get("raw_input")
    return isinstance(given, dict) and any(given.get(name) for name in ("command", "cmd"))


def _has_diff(payload: dict[str, Any] | None) -> bool:
    content = _call(payload).get("content")
    return isinstance(content, list) and any(
        isinstance(item, dict) and item.get("type") == "diff" for item in content
    )


def _diffs(payload: dict[str, Any] | None) -> list[dict[str, Any]]:
    content = _call(payload).get("content")
    found = content if isinstance(content, list) else []
    return [x for x in found if isinstance(x, dict) and isinstance(x.get("path"), str)]


def _warnings(text: str) -> tuple[str, ...]:
    found: list[str] = []
    if count := count_invisible(text):
        noun = "character that is" if count == 1 else "characters that are"
        found.append(f"{count:,} {noun} invisible or misleading, spelled out above")
    if words := list(dict.fromkeys(mixed_scripts(text))):
        named = ", ".join(clean(word, strict=True)[:WORD_LIMIT] for word in words[:WORDS_NAMED])
        more = f" and {len(words) - WORDS_NAMED} more" if len(words) > WORDS_NAMED else ""
        found.append(f"letters of look-alike scripts in: {named}{more}")
    return tuple(found)


def _fields(view: ApprovalView, now_ms: int) -> tuple[tuple[str, str], ...]:
    age = age_text(view.created_at, now_ms)
    who = " · ".join(part for part in (view.session_title or view.session_id, view.agent) if part)
    wants = kind_words(view.kind) + (f"   ({age} ago)" if age else "")
    rows: list[tuple[str, str, Callable[[str], str]]] = [
        ("session", who, _claim),
        ("asks for", wants, _exact),
        ("in", view.cwd, _exact),
        ("it says", _said(view), _claim),
        ("because", view.reason or "", _exact),
        ("rule", view.matched_rule or "", _exact),
    ]
    return tuple((label, shorten(value)) for label, value, shorten in rows if value)


def _said(view: ApprovalView) -> str:
    """Return the title, marked as the agent's claim where it is one."""
    if not view.title:
        return ""
    own = "  (the agent's own words)" if view.kind in ASKED_BY_AGENT else ""
    return f"“{view.title}”{own}"


def _claim(text: str) -> str:
    return clean(fold(text, CLAIM_LIMIT), strict=True)


def _exact(text: str) -> str:
    shown = clean(text, strict=True).replace("\n", "⏎").replace("\t", "    ")
    if len(shown) <= VALUE_LIMIT:
        return shown
    return f"{shown[:VALUE_LIMIT]}… ({len(shown):,} characters)"
