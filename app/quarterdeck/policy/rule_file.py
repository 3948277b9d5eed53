"""A file of rules: read, checked with the examples it carries, its faults told by line and key."""

import re
import tomllib
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from quarterdeck.policy.call import Decision
from quarterdeck.policy.examples import fault
from quarterdeck.policy.rules import PROJECT, Rule

BYTES_LIMIT = 256 * 1024
RULES_LIMIT = 1000

_VERSION = 1
_RULE_HEADER = re.compile(r"^\s*\[\[\s*\"?rules\"?\s*\]\]")


class RuleFileError(Exception):
    """A rule file cannot be used; the message names file, line and key and says what to do."""


@dataclass(frozen=True, slots=True)
class RuleFile:
    """What a rule file says."""

    rules: tuple[Rule, ...]
    disable: tuple[str, ...] = ()
    """Ids of default rules that do not count."""


def parse(text: str, name: str, *, project: bool = False) -> RuleFile:
    """Read a rule file's text.

    Args:
        text: TOML with `version = 1`, `[[rules]]` tables and, not in a project's file, `disable`.
        name: What errors call the file.
        project: It came with a project: no expressions, and no `disable`.

    Raises:
        RuleFileError: It is no TOML, a key or value is wrong, or an example does not hold.
    """
    if len(text.encode("utf-8", "replace")) > BYTES_LIMIT:
        raise RuleFileError(f"{name}: over {BYTES_LIMIT} bytes; make it shorter")
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RuleFileError(f"{name}: no valid TOML: {error}") from None
    disable = _head(data, text, name, project=project)
    tables = data.get("rules", [])
    if not isinstance(tables, list) or len(tables) > RULES_LIMIT:
        raise RuleFileError(f"{name}: `rules` is a list of at most {RULES_LIMIT} [[rules]] tables")
    rules = tuple(_rule(t, i, text, name, project=project) for i, t in enumerate(tables))
    _no_id_twice(rules, text, name)
    return RuleFile(rules, disable)


def _head(data: dict[str, Any], text: str, name: str, *, project: bool) -> tuple[str, ...]:
    """Check what stands outside of the rules; returns `disable`."""
    allowed = {"version", "rules"} | (set() if project else {"disable"})
    for key in data:
        if key not in allowed:
            line = _line_of_key(text.splitlines(), key, 0, None)
            raise RuleFileError(f"{name}:{line}: unknown key {key!r}; remove it")
    version = data.get("version", _VERSION)
    if version != _VERSION:
        line = _line_of_key(text.splitlines(), "version", 0, None)
        raise RuleFileError(f"{name}:{line}: version: is {version!r}, and only {_VERSION} is known")
    disable = data.get("disable", [])
    if not isinstance(disable, list) or not all(isinstance(x, str) for x in disable):
        line = _line_of_key(text.splitlines(), "disable", 0, None)
        raise RuleFileError(f"{name}:{line}: disable: is a list of ids of default rules")
    return tuple(disable)


def _rule(table: Any, index: int, text: str, name: str, *, project: bool) -> Rule:
    try:
        rule = Rule.model_validate(table, context={PROJECT: project})
    except ValidationError as error:
        errors = error.errors(include_url=False)
        first = next((e for e in errors if e["type"] == "value_error"), errors[0])
        keys = [key for key in first["loc"] if isinstance(key, str)]
        key = keys[0] if keys else None
        line = _line(text, index, key)
        told = first["msg"].removeprefix("Value error, ")
        where = f"rules[{index}]" + (f".{key}" if key else "")
        raise RuleFileError(f"{name}:{line}: {where}: {told}") from None
    problem = fault(rule)
    if problem is not None:
        key, told = problem
        raise RuleFileError(f"{name}:{_line(text, index, key)}: rules[{index}].{key}: {told}")
    return rule


def _no_id_twice(rules: tuple[Rule, ...], text: str, name: str) -> None:
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        if rule.id in seen:
            line = _line(text, index, "id")
            raise RuleFileError(f"{name}:{line}: rules[{index}].id: {rule.id!r} is taken")
        seen.add(rule.id)


def tightening(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Return the rules that can only make a decision stricter."""
    return tuple(rule for rule in rules if rule.decision is not Decision.ALLOW)


def _line(text: str, index: int, key: str | None) -> int:
    """Return the line of a rule's key, or of its header, from 1."""
    lines = text.splitlines()
    headers = [number for number, line in enumerate(lines) if _RULE_HEADER.match(line)]
    if index >= len(headers):
        return 1
    start = headers[index]
    end = headers[index + 1] if index + 1 < len(headers) else None
    return start + 1 if key is None else _line_of_key(lines, key, start, end)


def _line_of_key(lines: list[str], key: str, start: int, end: int | None) -> int:
    expression = re.compile(rf"^\s*\[*\s*[\"']?{re.escape(key)}[\"']?\s*[=.\]]")
    for number, line in enumerate(lines[start:end], start=start + 1):
        if expression.match(line):
            return number
    return start + 1
