"""Forms that an agent asks a person to fill in: what its schema allows, and answers checked by it.

The supervisor checks what is sent with the very rules by which the screen let it be typed. An
expression (`pattern`) of an agent's is shown and not run: it could hang whoever tries it, and the
agent checks its own.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

FIELDS_LIMIT = 50
CHOICES_LIMIT = 200
TEXT_LIMIT = 10_000
_YES, _NO = ("yes", "y", "true", "1"), ("no", "n", "false", "0")


class FieldKind(StrEnum):
    """What is filled into a field."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "yes or no"
    CHOICE = "one of"
    CHOICES = "any of"


@dataclass(frozen=True, slots=True)
class FormField:
    """One field; names, labels and choices are an agent's words."""

    name: str
    kind: FieldKind
    label: str
    description: str = ""
    required: bool = False
    default: Any = None
    choices: tuple[tuple[str, str], ...] = ()
    """Value and label of each."""
    least: float | None = None
    """Of a number its value, of a text its length, of choices their number."""
    most: float | None = None
    pattern: str = ""
    form: str = ""
    """The schema's `format`: email, uri, date or date-time."""

    @property
    def told(self) -> str:
        """What may be filled in, in words."""
        parts = [self.kind.value]
        if self.choices:
            parts[0] += ": " + ", ".join(_named(choice) for choice in self.choices)
        if self.least is not None:
            parts.append(f"at least {self.least:g}")
        if self.most is not None:
            parts.append(f"at most {self.most:g}")
        parts += [part for part in (self.form, f"like {self.pattern}" * bool(self.pattern)) if part]
        return ", ".join([*parts, "required" if self.required else "may be left out"])


class FormProblem(ValueError):
    """A form that cannot be shown, or an answer that does not fit; the message names the field."""


def fields_of(schema: Any, order: Any = None) -> tuple[FormField, ...]:
    """Return the fields of a requested schema.

    Args:
        schema: What the agent sent.
        order: The names of its properties in their order, where the schema has lost it.

    Raises:
        FormProblem: It has fields of a kind that is not known, or too many.
    """
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if properties is None:
        properties = {}
    if not isinstance(schema, dict) or not isinstance(properties, dict):
        raise FormProblem("the form is no object with properties")
    if len(properties) > FIELDS_LIMIT:
        raise FormProblem(f"the form has over {FIELDS_LIMIT} fields")
    required = schema.get("required")
    wanted = required if isinstance(required, list) else []
    if any(name not in properties for name in wanted):
        raise FormProblem("the form requires a field that it does not have")
    names = [name for name in order if name in properties] if isinstance(order, list) else []
    names = dict.fromkeys([*names, *properties])
    return tuple(_field(name, properties[name], name in wanted) for name in names)


def described(message: str, fields: tuple[FormField, ...]) -> str:
    """Return the exact text of a form: what is asked, and of each field what may be filled in."""
    lines = [message]
    for field in fields:
        label = field.name if field.label == field.name else f"{field.label} ({field.name})"
        lines += ["", f"{label}: {field.told}"]
        lines += [f"    {field.description}"] if field.description else []
    return "\n".join(lines)


def parsed(field: FormField, text: str) -> Any:
    """Return the value that a typed text means for a field, None for nothing.

    Raises:
        FormProblem: It means none.
    """
    if text == "" or (field.kind is not FieldKind.TEXT and not text.strip()):
        return None
    words = text.strip()
    try:
        if field.kind is FieldKind.INTEGER:
            return int(words)
        if field.kind is FieldKind.NUMBER:
            return float(words)
    except ValueError:
        raise FormProblem(f"{field.label}: {words!r} is no {field.kind.value}") from None
    if field.kind is FieldKind.BOOLEAN:
        if words.lower() not in (*_YES, *_NO):
            raise FormProblem(f"{field.label}: answer yes or no")
        return words.lower() in _YES
    if field.kind is FieldKind.CHOICE:
        return _choice(field, words)
    if field.kind is FieldKind.CHOICES:
        return [_choice(field, part.strip()) for part in words.split(",") if part.strip()]
    return text


def checked(fields: tuple[FormField, ...], content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to a form, in the order of its fields.

    Raises:
        FormProblem: Something required is missing, unknown, or not as the schema wants it.
    """
    known = {field.name for field in fields}
    for name in content:
        if name not in known:
            raise FormProblem(f"{name}: the form has no such field")
    answer: dict[str, Any] = {}
    for field in fields:
        value = content.get(field.name)
        if value is None:
            if field.required:
                raise FormProblem(f"{field.label}: is required")
            continue
        answer[field.name] = _fitting(field, value)
    return answer


def _field(name: Any, told: Any, required: bool) -> FormField:
    if not isinstance(name, str) or not isinstance(told, dict):
        raise FormProblem(f"the field {name!r:.100} cannot be read")
    label, description = told.get("title"), told.get("description")
    choices = _choices(name, told)
    kind = _kind(name, told, choices)
    least, most = {
        FieldKind.TEXT: ("minLength", "maxLength"),
        FieldKind.CHOICES: ("minItems", "maxItems"),
    }.get(kind, ("minimum", "maximum"))
    made = FormField(
        name,
        kind,
        label if isinstance(label, str) and label.strip() else name,
        description if isinstance(description, str) else "",
        required,
        None,
        choices,
        _number(told.get(least)),
        _number(told.get(most)),
        told["pattern"] if isinstance(told.get("pattern"), str) else "",
        told["format"] if isinstance(told.get("format"), str) else "",
    )
    return _with_default(made, told.get("default"))


def _with_default(field: FormField, default: Any) -> FormField:
    """Take an agent's default only where it would be a valid answer."""
    if default is None:
        return field
    values = {name: getattr(field, name) for name in FormField.__slots__}
    try:
        return FormField(**values | {"default": _fitting(field, default)})
    except FormProblem:
        return field


def _kind(name: str, told: dict[str, Any], choices: tuple[tuple[str, str], ...]) -> FieldKind:
    kinds = {
        "string": FieldKind.CHOICE if choices else FieldKind.TEXT,
        "integer": FieldKind.INTEGER,
        "number": FieldKind.NUMBER,
        "boolean": FieldKind.BOOLEAN,
        "array": FieldKind.CHOICES,
    }
    told_kind = told.get("type")
    found = kinds.get(told_kind) if isinstance(told_kind, str) else None
    if found is None or (found is FieldKind.CHOICES and not choices):
        raise FormProblem(f"the field {name!r:.100} is of a kind this client cannot show")
    return found


def _choices(name: str, told: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    items = told.get("items") if told.get("type") == "array" else told
    items = items if isinstance(items, dict) else {}
    titled = items.get("oneOf") or items.get("anyOf") or []
    plain = items.get("enum") or []
    if not isinstance(titled, list) or not isinstance(plain, list):
        raise FormProblem(f"the choices of {name!r:.100} cannot be read")
    found = [(value, value) for value in plain]
    found += [(x.get("const"), x.get("title") or x.get("const")) for x in titled if _is_dict(x)]
    if len(found) > CHOICES_LIMIT or not all(
        isinstance(value, str) and isinstance(label, str) for value, label in found
    ):
        raise FormProblem(f"the choices of {name!r:.100} are no texts or over {CHOICES_LIMIT}")
    return tuple(dict.fromkeys(found))


def _is_dict(value: Any) -> bool:
    return isinstance(value, dict)


def _number(value: Any) -> float | None:
    told = isinstance(value, int | float) and not isinstance(value, bool)
    return value if told and math.isfinite(value) else None


def _named(choice: tuple[str, str]) -> str:
    value, label = choice
    return value if value == label else f"{value} ({label})"


def _choice(field: FormField, word: str) -> str:
    for value, label in field.choices:
        if word in (value, label):
            return value
    raise FormProblem(f"{field.label}: {word!r:.100} is none of its choices")


def _fitting(field: FormField, value: Any) -> Any:
    """Return a value that fits a field; raises FormProblem."""
    if field.kind is FieldKind.BOOLEAN:
        if not isinstance(value, bool):
            raise FormProblem(f"{field.label}: must be true or false")
        return value
    if field.kind in (FieldKind.INTEGER, FieldKind.NUMBER):
        return _fitting_number(field, value)
    if field.kind is FieldKind.CHOICES:
        if not isinstance(value, list) or not all(isinstance(x, str) for x in value):
            raise FormProblem(f"{field.label}: must be a list of texts")
        _within(field, len(value), "choices")
        return list(dict.fromkeys(_choice(field, word) for word in value))
    if not isinstance(value, str):
        raise FormProblem(f"{field.label}: must be a text")
    if field.kind is FieldKind.CHOICE:
        return _choice(field, value)
    if len(value) > TEXT_LIMIT:
        raise FormProblem(f"{field.label}: over {TEXT_LIMIT} characters")
    _within(field, len(value), "characters")
    if value and not _has_form(field.form, value):
        raise FormProblem(f"{field.label}: is no {field.form}")
    return value


def _fitting_number(field: FormField, value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise FormProblem(f"{field.label}: must be a number")
    if field.kind is FieldKind.INTEGER:
        if value != int(value):
            raise FormProblem(f"{field.label}: must be a whole number")
        value = int(value)
    _within(field, value, "")
    return value


def _within(field: FormField, amount: float, of: str) -> None:
    told = f" {of}" if of else ""
    if field.least is not None and amount < field.least:
        raise FormProblem(f"{field.label}: at least {field.least:g}{told}")
    if field.most is not None and amount > field.most:
        raise FormProblem(f"{field.label}: at most {field.most:g}{told}")


def _has_form(form: str, value: str) -> bool:
    try:
        if form == "date":
            date.fromisoformat(value)
        elif form == "date-time":
            datetime.fromisoformat(value)
        elif form == "email":
            name, at, host = value.rpartition("@")
            return bool(name and at and host) and " " not in value
        elif form == "uri":
            return bool(urlsplit(value).scheme)
    except ValueError:
        return False
    return True
