"""Redaction of whole texts and JSON values (A2, A15)."""

from collections.abc import Iterable, Mapping
from typing import Any

from quarterdeck.model.redaction.known_secrets import KnownSecrets
from quarterdeck.model.redaction.marker import marker
from quarterdeck.model.redaction.scanning import Flow, Scan
from quarterdeck.model.redaction.user_patterns import UserPattern

DEPTH_LIMIT = 200
"""What nests deeper in a JSON value is replaced whole."""

_PAIRS = (("name", "value"), ("key", "value"))


class Redactor:
    """Replaces secrets by markers that say their kind and the class of their length."""

    def __init__(
        self, patterns: Iterable[UserPattern] = (), secrets: Mapping[str, str] | None = None
    ) -> None:
        """Look for the built-in shapes and for these.

        Args:
            patterns: Of the configuration; see `user_patterns.compile_all`.
            secrets: Known values by the kind they are shown as; see `known_secrets.secrets_of`.
        """
        self.scan = Scan(list(patterns), KnownSecrets(secrets or {}))

    def redact(self, text: str) -> str:
        """Return `text` with every secret replaced, in time linear to its length."""
        return text if self.scan.is_clean(text) else self._after("", text)

    def redact_value(self, value: Any) -> Any:
        """Return a JSON value with every text in it redacted, keys too; the value is not changed.

        A text is judged by its key as if both stood in one line (`{"password": "…"}`), by the
        name beside it (`{"name": "API_KEY", "value": "…"}`), and in a list by the flag before it.
        """
        return self._value(value, "", 0)

    def _after(self, context: str, text: str) -> str:
        """Redact a text that stands after `context`, which is not returned."""
        return self.scan.advance(Flow(context=context), text, final=True)

    def _value(self, value: Any, context: str, depth: int) -> Any:
        if isinstance(value, str):
            if context and not self.scan.is_clean(context):
                return self._after(context, value)
            return self.redact(value)
        if depth >= DEPTH_LIMIT and isinstance(value, dict | list | tuple):
            return marker("deep-nesting", len(value))
        if isinstance(value, dict):
            return self._members(value, depth)
        if isinstance(value, list | tuple):
            return self._items(value, context, depth)
        return value

    def _members(self, value: dict[Any, Any], depth: int) -> dict[Any, Any]:
        redacted: dict[Any, Any] = {}
        for key, inner in value.items():
            name = key
            for named, valued in _PAIRS:
                if key == valued and isinstance(value.get(named), str):
                    name = value[named]
            context = f"{name[-64:]}: " if isinstance(name, str) else ""
            shown = self._free_key(key, redacted)
            redacted[shown] = self._value(inner, context, depth + 1)
        return redacted

    def _items(self, value: Iterable[Any], context: str, depth: int) -> list[Any]:
        redacted: list[Any] = []
        before = context
        for inner in value:
            redacted.append(self._value(inner, before, depth + 1))
            flag = isinstance(inner, str) and inner.startswith("--") and len(inner) <= 64
            before = f"{inner} " if flag else context
        return redacted

    def _free_key(self, key: Any, taken: dict[Any, Any]) -> Any:
        """Return a key redacted; two that became the same stay two members."""
        if not isinstance(key, str):
            return key
        shown = redacted = self.redact(key)
        count = 1
        while shown in taken:
            count += 1
            shown = f"{redacted} {count}"
        return shown
