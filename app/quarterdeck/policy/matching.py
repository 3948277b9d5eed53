"""Whether a rule matches a simple command, or a call that runs none (DESIGN §6)."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from posixpath import basename

from quarterdeck.policy import flags, paths, programs
from quarterdeck.policy.call import FILE_TOOLS, Call, Decision, Tool
from quarterdeck.policy.rules import Pattern, Rule, Word

_PATTERN_FIRST = frozenset({"egrep", "fgrep", "grep", "rg"})
_PATTERN_FLAGS = ("-e", "-f", "--regexp", "--file", "--files")
_DESCENDING = frozenset({"egrep", "fgrep", "grep"})
_DESCENDING_FLAGS = ("-r", "-R", "--recursive", "--dereference-recursive", "-d", "--directories")
_LISTED_LIMIT = 200


@dataclass(frozen=True)
class Command:
    """A simple command where it would run; `cwds` are the directories that may be, all real."""

    argv: tuple[str, ...]
    root: str
    cwds: tuple[str, ...]

    @cached_property
    def places(self) -> tuple[str, ...] | None:
        """Where each word that could be a path leads, or None if that cannot be told of one."""
        found = [paths.resolve(cwd, word) for cwd in self.cwds for word in self.path_words]
        return None if None in found else tuple(place for place in found if place is not None)

    @cached_property
    def hazards(self) -> tuple[str, ...]:
        """`places` in every sense they may have: by name, by where they lead, in the home."""
        return _every_sense(self.root, self.cwds, self.path_words) + _below(self)

    @cached_property
    def forms(self) -> tuple[tuple[str, ...], ...]:
        """The command, and the one inside it if it is a wrapper's."""
        inner = programs.unwrapped(self.argv)
        return (self.argv,) if inner == self.argv else (self.argv, inner)

    @cached_property
    def programs(self) -> frozenset[str]:
        """Every name by which a rule may mean the command."""
        told = {name for argv in self.forms for name in (argv[0], basename(argv[0]).lower())}
        return frozenset(told)

    @cached_property
    def in_own_repository(self) -> bool:
        """Whether git there works on the repository of the session's directory."""
        return all(paths.own_repository(self.root, cwd) for cwd in self.cwds)

    @cached_property
    def path_words(self) -> tuple[str, ...]:
        """The parts of the words that a program could take for paths."""
        return tuple(dict.fromkeys(_path_words(self.argv)))


@dataclass(frozen=True)
class Files:
    """The paths of a call that runs no command."""

    named: tuple[str, ...]
    root: str
    cwd: str

    @cached_property
    def places(self) -> tuple[str, ...] | None:
        """Where each path leads, or None if there is none or that cannot be told of one."""
        found = [paths.resolve(self.cwd, path) for path in self.named]
        return tuple(filter(None, found)) if found and None not in found else None

    @cached_property
    def hazards(self) -> tuple[str, ...]:
        """`places` in every sense they may have."""
        return _every_sense(self.root, (self.cwd,), self.named)


def command_matches(rule: Rule, call: Call, command: Command) -> bool:
    """Tell whether a rule is about a simple command of a call."""
    if rule.programs is not None and command.programs.isdisjoint(rule.programs):
        return False
    if Tool.EXECUTE not in rule.tool or not _about_session(rule, call):
        return False
    if rule.decision is not Decision.ALLOW:
        return any(_words_match(rule, argv) for argv in command.forms) and (
            _any_path_fits(rule, command)
        )
    if not _words_match(rule, command.argv):
        return False
    if command.argv[0] == "git" and not command.in_own_repository:
        return False
    return rule.anywhere or _all_paths_fit(rule, command)


def call_matches(rule: Rule, call: Call, files: Files) -> bool:
    """Tell whether a rule is about a call that runs no command."""
    if call.tool not in rule.tool or not _about_session(rule, call):
        return False
    if call.tool is Tool.FETCH:
        return not rule.host or _named(rule.host, call.host)
    if call.tool is Tool.MCP:
        return (not rule.server or _named(rule.server, call.mcp_server)) and (
            not rule.mcp_tool or _named(rule.mcp_tool, call.mcp_tool)
        )
    if call.tool in FILE_TOOLS:
        if rule.decision is Decision.ALLOW:
            return _all_paths_fit(rule, files)
        return _any_path_fits(rule, files)
    return rule.paths is None


def _about_session(rule: Rule, call: Call) -> bool:
    return (not rule.agent or _named(rule.agent, call.agent)) and (
        not rule.mode or call.mode in rule.mode
    )


def _named(globs: Iterable[str], name: str | None) -> bool:
    if not name:
        return False
    return any(fnmatchcase(name.lower(), glob.lower()) for glob in globs)


def _all_paths_fit(rule: Rule, subject: Command | Files) -> bool:
    if subject.places is None or rule.globs is None:
        return False
    return all(
        rule.globs.match(subject.root, place) and not rule.not_globs.match(subject.root, place)
        for place in subject.places
    )


def _any_path_fits(rule: Rule, subject: Command | Files) -> bool:
    if rule.globs is None:
        return True
    return any(
        rule.globs.match(subject.root, place) and not rule.not_globs.match(subject.root, place)
        for place in subject.hazards
    )


def _words_match(rule: Rule, argv: tuple[str, ...]) -> bool:
    """Tell whether the words of a command fit a rule's prefix and what it says of the rest."""
    if rule.expressions and not any(e.fullmatch(w) for e in rule.expressions for w in argv[1:]):
        return False
    if not rule.command:
        return _rest_matches(rule, argv[1:])
    strict = rule.decision is Decision.ALLOW
    return any(
        _prefix_matches(prefix, argv, strict=strict) and _rest_matches(rule, argv[len(prefix) :])
        for prefix in rule.command
    )


def _prefix_matches(prefix: tuple[Word, ...], argv: tuple[str, ...], *, strict: bool) -> bool:
    """Compare word by word; a rule that does not allow is about a program wherever it lies."""
    if len(argv) < len(prefix):
        return False
    program = argv[0] if strict or argv[0] in prefix else basename(argv[0]).lower()
    return all(map(_word_matches, prefix, (program, *argv[1:])))


def _word_matches(word: Word, given: str) -> bool:
    if isinstance(word, Pattern):
        return word.compiled.fullmatch(given) is not None
    return given == word if isinstance(word, str) else given in word


def _rest_matches(rule: Rule, rest: tuple[str, ...]) -> bool:
    if rule.exact and rest:
        return False
    if rule.only_flags is not None and not flags.only(rest, rule.only_flags):
        return False
    if rule.deny_flags and flags.denied(rest, rule.deny_flags) is not None:
        return False
    if rule.with_flags and flags.denied(rest, rule.with_flags) is None:
        return False
    if rule.operands is None:
        return True
    return sum(not flags.is_flag(word) and word != "--" for word in rest) <= rule.operands


def _path_words(argv: tuple[str, ...]) -> list[str]:
    """Return every part of a command's words that a program could take for a path."""
    found: list[str] = []
    pattern_is_open = basename(argv[0]) in _PATTERN_FIRST and (
        flags.denied(argv[1:], _PATTERN_FLAGS) is None
    )
    for word in argv[1:]:
        if flags.is_flag(word):
            found += _in_flag(word)
        elif word == "--":
            continue
        elif pattern_is_open:
            pattern_is_open = False
        elif word:
            found += [word, *_after_signs(word)]
    return found


def _in_flag(word: str) -> list[str]:
    """Return what could be a path in `--name=value`, `-xvalue` or a cluster with a value."""
    found = _after_signs(word)
    if not word.startswith("--"):
        starts = [word.index(sign) for sign in "/.~" if sign in word]
        found += [word[2:]] if len(word) > 2 else []
        found += [word[min(starts) :]] if starts else []
    return found


def _after_signs(word: str) -> list[str]:
    """Return what follows each `=` and `:`, as in `of=/dev/sda` and `HEAD:.env`."""
    ends = [i + 1 for i, char in enumerate(word) if char in "=:"]
    return [word[end:] for end in ends[:20] if word[end:]]


def _below(command: Command) -> tuple[str, ...]:
    """Return entries of the directories whose files a command goes through by itself.

    Only the directories it names are looked at, or else the one it runs in, hidden entries first:
    enough to notice the secrets that lie where projects keep them, at the top.
    """
    name = basename(command.argv[0])
    if name not in _DESCENDING or flags.denied(command.argv[1:], _DESCENDING_FLAGS) is None:
        return ()
    found: list[str] = []
    for cwd in command.cwds:
        places = [paths.resolve(cwd, word) for word in command.path_words]
        there = [place for place in places if place is not None and os.path.lexists(place)]
        for place in there or [cwd]:
            found += [f"{place.rstrip('/')}/{entry}" for entry in _entries(place)]
    return tuple(found)


def _entries(directory: str) -> list[str]:
    try:
        names = os.listdir(directory)  # noqa: PTH208 (names are all that is wanted)
    except (OSError, ValueError):
        return []
    return sorted(names, key=lambda name: not name.startswith("."))[:_LISTED_LIMIT]


def _every_sense(root: str, cwds: tuple[str, ...], named: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for word in named:
        senses = [word]
        if word == "~" or word.startswith("~/"):
            senses.append(str(Path.home()) + word[1:])
        for sense in senses:
            for cwd in cwds:
                whole = sense if sense.startswith("/") else f"{cwd}/{sense}"
                found["/" + os.path.normpath(whole).lstrip("/")] = None
                real = paths.resolve(cwd, sense)
                if real is not None:
                    found[real] = None
    return tuple(found)
