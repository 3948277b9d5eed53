"""Amendments: a rule added to the person's own file, whose comments and order stay (C5)."""

import re
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT

from quarterdeck.policy import private_file
from quarterdeck.policy.call import Decision, Tool
from quarterdeck.policy.proposal import why_not
from quarterdeck.policy.rule_file import RuleFileError, parse

_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]+)?|\[[0-9a-f:.]+\]")


class AmendmentRefused(Exception):
    """A rule is not added; the message says why."""


def allow_command(file: Path, prefix: tuple[str, ...], reason: str = "") -> str:
    """Allow commands that begin with `prefix`, inside the session's directory.

    Args:
        file: The person's rule file; made if there is none.
        prefix: The words as the person left them.
        reason: Written with the rule.

    Returns:
        The id of the rule, also if the file had such a one.

    Raises:
        AmendmentRefused: The prefix may not be allowed for good.
        RuleFileError: The file is broken; nothing is changed.
        OSError: The file cannot be read or written.
    """
    problem = why_not(prefix)
    if problem is not None:
        raise AmendmentRefused(f"{' '.join(prefix)!r} cannot be allowed for good: {problem}")
    table = {"decision": Decision.ALLOW.value, "command": [list(prefix)]}
    return _add(file, "allow-" + "-".join(prefix), table, reason)


def settle_host(file: Path, host: str, decision: Decision, reason: str = "") -> str:
    """Allow or forbid fetching from a host, or with `*.` from all hosts under a name.

    Returns:
        The id of the rule.

    Raises:
        AmendmentRefused: It is no host.
        RuleFileError: The file is broken; nothing is changed.
        OSError: The file cannot be read or written.
    """
    if not _HOST.fullmatch(host) or decision is Decision.ASK:
        raise AmendmentRefused(f"{host!r} is no host that can be allowed or forbidden")
    table = {"decision": decision.value, "tool": [Tool.FETCH.value], "host": [host]}
    return _add(file, f"{decision.value}-{host}", table, reason)


def _add(file: Path, wanted_id: str, fields: dict[str, Any], reason: str) -> str:
    text = _read(file)
    known = parse(text, str(file)).rules
    for rule in known:
        told = rule.model_dump(mode="json", exclude_unset=True)
        if {key: told[key] for key in told if key not in ("id", "reason")} == fields:
            return rule.id
    rule_id = _free_id(wanted_id, {rule.id for rule in known})
    table = {"id": rule_id} | fields | ({"reason": reason[:500]} if reason else {})
    changed = _with_table(text, file, table)
    parse(changed, str(file))
    private_file.replace(file, changed)
    return rule_id


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise RuleFileError(f"{file}: no valid UTF-8: {error}") from None


def _with_table(text: str, file: Path, table: dict[str, Any]) -> str:
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise RuleFileError(f"{file}: no valid TOML: {error}") from None
    rules = document.get("rules")
    if rules is None:
        rules = tomlkit.aot()
        if not text:
            document.add("version", tomlkit.integer(1))
            document.add(tomlkit.nl())
        document.append("rules", rules)
        rules = document["rules"]
    if not isinstance(rules, AoT):
        raise RuleFileError(f"{file}: `rules` is written as a list; write [[rules]] tables")
    rules.append(tomlkit.item(table))
    return tomlkit.dumps(document)


def _free_id(wanted: str, taken: set[str]) -> str:
    base = re.sub(r"[^a-z0-9._-]+", "-", wanted.lower()).strip("-.")[:56]
    numbered = (f"{base}-{number}" for number in range(2, len(taken) + 3))
    return base if base not in taken else next(x for x in numbered if x not in taken)
