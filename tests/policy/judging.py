"""Shell strings and calls put to the shipped rules, or to rules of a test's own."""

from pathlib import Path

from quarterdeck.policy import rule_file
from quarterdeck.policy.call import Call, Mode, Tool, Verdict
from quarterdeck.policy.decide import SourcedRule, decide
from quarterdeck.policy.rulebook import Rulebook

DEFAULTS = Rulebook.load()


def judge(shell: str, root: Path, mode: Mode = Mode.NORMAL, cwd: Path | None = None) -> Verdict:
    """What the shipped rules say to a shell string."""
    return DEFAULTS.decide(shell_call(shell, root, mode, cwd))


def shell_call(shell: str, root: Path, mode: Mode = Mode.NORMAL, cwd: Path | None = None) -> Call:
    return Call(Tool.EXECUTE, root, cwd or root, "runbook", mode, shell=shell)


def by_rules(toml: str, call: Call) -> Verdict:
    """What the rules in a text, and no others, say to a call."""
    rules = rule_file.parse(toml, "test.toml").rules
    return decide(call, [SourcedRule("user", rule) for rule in rules])
