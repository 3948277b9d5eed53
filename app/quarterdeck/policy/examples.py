"""The examples a rule carries: what it has to match, and what it must not (DESIGN §6)."""

from pathlib import Path

from quarterdeck.policy import shell
from quarterdeck.policy.call import FILE_TOOLS, Call, Decision, Mode, Tool
from quarterdeck.policy.matching import Command, Files, call_matches, command_matches
from quarterdeck.policy.rules import Rule

PLACE = Path("/.example")
"""The directory examples are judged in; there is none, so that the machine has no say."""


def fault(rule: Rule) -> tuple[str, str] | None:
    """Return the key and the fault of the first example that does not hold, or None.

    An example is a shell command for a rule about `execute`, else a path, a host or
    `server/tool`, by the first tool the rule is about.
    """
    for key, wanted in (("match", True), ("not_match", False)):
        for example in getattr(rule, key):
            problem = _unusable(rule, example) if wanted else None
            if problem is not None:
                return key, f"{example!r} cannot be an example: {problem}"
            if _matched(rule, example) is not wanted:
                told = "is not matched by the rule" if wanted else "is matched by the rule"
                return key, f"{example!r} {told}; correct the rule or the example"
    return None


def _call(rule: Rule) -> Call:
    agent = rule.agent[0].replace("*", "x") if rule.agent else ""
    mode = rule.mode[0] if rule.mode else Mode.NORMAL
    return Call(rule.tool[0], PLACE, PLACE, agent, mode)


def _unusable(rule: Rule, example: str) -> str | None:
    if rule.tool[0] is not Tool.EXECUTE:
        return None
    reading = shell.read(example)
    if rule.decision is Decision.ALLOW and reading.unclear is not None:
        return reading.unclear
    return None if len(reading.commands) == 1 else "it is not one simple command"


def _matched(rule: Rule, example: str) -> bool:
    call, place = _call(rule), str(PLACE)
    tool = call.tool
    if tool is Tool.EXECUTE:
        reading = shell.read(example)
        if rule.decision is Decision.ALLOW and reading.unclear is not None:
            return False
        commands = (Command(argv, place, (place,)) for argv, _ in reading.commands)
        return any(command_matches(rule, call, command) for command in commands)
    if tool is Tool.FETCH:
        call = Call(tool, PLACE, PLACE, call.agent, call.mode, host=example)
    elif tool is Tool.MCP:
        server, _, name = example.partition("/")
        call = Call(
            tool, PLACE, PLACE, call.agent, call.mode, mcp_server=server, mcp_tool=name or None
        )
    named = (example,) if tool in FILE_TOOLS else ()
    return call_matches(rule, call, Files(named, place, place))
