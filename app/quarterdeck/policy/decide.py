"""The decision: forbid first, then ask; allowed is what every part of is allowed (C4)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from quarterdeck.policy import paths, shell
from quarterdeck.policy.call import (
    FILE_TOOLS,
    WRITING,
    Call,
    Decision,
    Mode,
    Tool,
    Verdict,
    strictness,
)
from quarterdeck.policy.matching import Command, Files, call_matches, command_matches
from quarterdeck.policy.proposal import propose
from quarterdeck.policy.rules import Rule
from quarterdeck.policy.shell import Reading, Simple


@dataclass(frozen=True, slots=True)
class SourcedRule:
    """A rule and the file it is from: `default`, `user` or `project`."""

    source: str
    rule: Rule

    @property
    def name(self) -> str:
        """The id by which people are told of it."""
        return f"{self.source}:{self.rule.id}"


@dataclass(frozen=True, slots=True)
class _Judged:
    """What the rules say to one part of a call."""

    decision: Decision
    by: SourcedRule | None
    only_reads: bool = False


def decide(call: Call, rules: Sequence[SourcedRule], broken: str | None = None) -> Verdict:
    """Judge a call; never raises, whatever is in it.

    Args:
        call: What the agent asks for.
        rules: All rules that count; their order does not matter.
        broken: Why the rules cannot be relied on: then nothing is allowed.
    """
    runs = call.shell is not None or call.argv is not None
    if runs or call.tool is Tool.EXECUTE:
        verdict, only_reads = _judge_command(replace(call, tool=Tool.EXECUTE), rules)
    else:
        verdict, only_reads = _judge_call(call, rules)
    if call.doubt is not None:
        verdict = _at_least_ask(verdict, call.doubt)
    if paths.NOWHERE in (paths.real(call.root), paths.real(call.cwd)):
        verdict = _at_least_ask(verdict, "its directory cannot be told")
    if broken is not None:
        verdict = _at_least_ask(verdict, broken)
    return _in_mode(call, verdict, only_reads=only_reads)


def _judge_command(call: Call, rules: Sequence[SourcedRule]) -> tuple[Verdict, bool]:
    reading = _read(call)
    root, cwd = paths.real(call.root), paths.real(call.cwd)
    commands = _placed(reading, root, cwd)
    judged = [_strictest(call, rules, command) for command in commands]
    forbidden = next((j for j in judged if j.decision is Decision.FORBID), None)
    if forbidden is not None:
        return _told(Decision.FORBID, forbidden.by, judged), False
    problem = reading.unclear or _moves_problem(reading)
    if problem is not None:
        return Verdict(Decision.ASK, f"{problem}, so it is not judged by rules"), False
    asked = [index for index, j in enumerate(judged) if j.decision is Decision.ASK]
    if not asked:
        return _told(Decision.ALLOW, judged[0].by, judged), all(j.only_reads for j in judged)
    ruled = next((judged[i] for i in asked if judged[i].by is not None), None)
    if ruled is not None:
        return _told(Decision.ASK, ruled.by, judged), False
    first = commands[asked[0]]
    verdict = Verdict(
        Decision.ASK,
        _no_rule(first),
        proposal=_proposal(call, [commands[i] for i in asked]),
        rules=_names(judged),
    )
    return verdict, False


def _no_rule(command: Command) -> str:
    outside = next((cwd for cwd in command.cwds if not paths.inside(command.root, cwd)), None)
    if outside is not None:
        return f"it would work in {outside!r}, outside of the session's directory"
    return f"no rule allows this use of {command.argv[0]!r}"


def _read(call: Call) -> Reading:
    """Return the simple commands of a call, which gives its words or a text for a shell."""
    if call.shell is not None:
        reading = shell.read(call.shell)
        if call.argv is None:
            return reading
        return Reading(reading.commands, reading.unclear or "it names two commands")
    if not call.argv or not call.argv[0]:
        return Reading((), "it does not say what would be run")
    command = (Simple(call.argv),)
    if sum(map(len, call.argv)) > shell.BYTES_LIMIT:
        return Reading(command, f"the command is over {shell.BYTES_LIMIT} bytes long")
    problems = (shell.plain_text_problem(word) for word in call.argv if word.strip())
    return Reading(command, next((p for p in problems if p is not None), None))


def _placed(reading: Reading, root: str, cwd: str) -> list[Command]:
    """Give each command the directories it may run in: only a leading `cd` is followed."""
    commands = reading.commands
    target = _leading_move(commands, cwd)
    if target is None:
        return [Command(c.argv, root, (cwd,)) for c in commands]
    surely = all(c.joined in ("", "&&", "|") for c in commands)
    later = (target,) if surely else (cwd, target)
    places = [(cwd,), *[later] * (len(commands) - 1)]
    return [Command(c.argv, root, place) for c, place in zip(commands, places, strict=True)]


def _leading_move(commands: tuple[Simple, ...], cwd: str) -> str | None:
    if len(commands) < 2 or commands[0].argv[0] != "cd" or commands[1].joined != "&&":
        return None
    argv = commands[0].argv
    return paths.resolve(cwd, argv[1]) if len(argv) == 2 else None


def _moves_problem(reading: Reading) -> str | None:
    """Say why the directories commands run in are not known, or return None."""
    for index, (argv, _) in enumerate(reading.commands):
        if argv[0] != "cd":
            continue
        if index or (len(reading.commands) > 1 and reading.commands[1].joined != "&&"):
            return "it changes the directory other than once at the start with `&&`"
        if len(argv) != 2 or argv[1].startswith("-") or ".." in argv[1].split("/"):
            return "it changes to a directory that only the shell knows"
    return None


def _strictest(call: Call, rules: Sequence[SourcedRule], command: Command) -> _Judged:
    found = [r for r in rules if command_matches(r.rule, call, command)]
    return _winner(found)


def _winner(found: list[SourcedRule]) -> _Judged:
    if not found:
        return _Judged(Decision.ASK, None)
    best = max(found, key=lambda r: strictness(r.rule.decision))
    reads = any(r.rule.read_only for r in found if r.rule.decision is Decision.ALLOW)
    return _Judged(best.rule.decision, best, reads)


def _told(decision: Decision, by: SourcedRule | None, judged: list[_Judged]) -> Verdict:
    assert by is not None
    reason = by.rule.reason or f"the rule {by.name} says so"
    return Verdict(decision, reason, by.name, by.rule.text, rules=_names(judged))


def _names(judged: list[_Judged]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(j.by.name for j in judged if j.by is not None))


def _proposal(call: Call, unallowed: list[Command]) -> tuple[str, ...] | None:
    """Return the one prefix that would let the call through, if there is one.

    An amendment allows inside the session's directory only, so a command that reaches further
    gets none.
    """
    prefixes = {propose(command.argv) for command in unallowed}
    prefix = prefixes.pop()
    if prefixes or prefix is None or call.doubt is not None:
        return None
    rule = Rule(id="proposed", decision=Decision.ALLOW, command=(prefix,))
    fits = all(command_matches(rule, call, command) for command in unallowed)
    return prefix if fits else None


def _judge_call(call: Call, rules: Sequence[SourcedRule]) -> tuple[Verdict, bool]:
    files = Files(call.paths, paths.real(call.root), paths.real(call.cwd))
    found = [r for r in rules if call_matches(r.rule, call, files)]
    judged = _winner(found)
    host = call.host if call.tool is Tool.FETCH and call.doubt is None else None
    if judged.by is None:
        return Verdict(Decision.ASK, _unruled(call, files), host=host), False
    verdict = _told(judged.decision, judged.by, [judged])
    return verdict, judged.only_reads


def _unruled(call: Call, files: Files) -> str:
    if call.tool in FILE_TOOLS:
        if not call.paths:
            return f"this {call.tool.value} names no path"
        outside = [p for p in files.places or () if not paths.inside(files.root, p)]
        if files.places is None:
            return "where a path leads cannot be told"
        if outside:
            return f"{outside[0]!r} is outside of the session's directory"
    if call.tool is Tool.FETCH and call.host:
        return f"no rule allows the host {call.host!r}"
    if call.tool is Tool.MCP:
        return f"no rule allows {call.mcp_tool!r} of the MCP server {call.mcp_server!r}"
    return f"no rule allows a call of the kind {call.tool.value!r} here"


def _at_least_ask(verdict: Verdict, why: str) -> Verdict:
    if verdict.decision is Decision.FORBID:
        return verdict
    return replace(verdict, decision=Decision.ASK, reason=why, proposal=None, host=None)


def _in_mode(call: Call, verdict: Verdict, *, only_reads: bool) -> Verdict:
    """Apply what the session's mode says on top of the rules; it never loosens them."""
    if verdict.decision is Decision.FORBID:
        return verdict
    if call.mode is Mode.ASK_ALL:
        why = "the session asks about everything"
        why = why if verdict.decision is Decision.ALLOW else verdict.reason
        return replace(verdict, decision=Decision.ASK, reason=why, proposal=None, host=None)
    if call.mode is Mode.READ_ONLY and not _is_reading(call, verdict, only_reads=only_reads):
        why = "the session is read-only, and this is not known to only read"
        return replace(verdict, decision=Decision.FORBID, reason=why, proposal=None, host=None)
    return verdict


def _is_reading(call: Call, verdict: Verdict, *, only_reads: bool) -> bool:
    if call.tool in WRITING:
        return False
    runs = call.shell is not None or call.argv is not None or call.tool is Tool.EXECUTE
    if runs or call.tool in (Tool.MCP, Tool.OTHER):
        return verdict.decision is Decision.ALLOW and only_reads
    return True
