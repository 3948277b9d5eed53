"""Whether a rule matches a simple command, or a call that runs none (DESIGN §6)."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import islice
from pathlib import Path
from posixpath import basename

from quarterdeck.policy import flags, globbing, paths, programs
from quarterdeck.policy.call import FILE_TOOLS, Call, Decision, Tool
from quarterdeck.policy.rules import Pattern, Rule, Word

_GREPS = frozenset({"egrep", "fgrep", "grep"})
_PATTERN_FIRST = _GREPS | {"rg"}
_PATTERN_FLAGS = ("-e", "-f", "--regexp", "--file", "--files")
_DESCENDING_FLAGS = ("-r", "-R", "--recursive", "--dereference-recursive", "-d", "--directories")
_LISTED_LIMIT = 200
_LISTED_DIRECTORIES = 40
_NOT_ENTERED = frozenset({".git", "node_modules"})


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
        found = _every_sense(self.root, self.cwds, self.path_words)
        return found + _below(self) + _found_by_globs(self)

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
    return rule.anywhere or (_works_inside(rule, command) and _all_paths_fit(rule, command))


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


def touches(call: Call, directories: Iterable[Path]) -> bool:
    """Tell whether one of the paths a call names leads into one of some directories."""
    files = Files(call.paths, paths.real(call.root), paths.real(call.cwd))
    return any(
        paths.inside(paths.real(directory), place)
        for directory in directories
        for place in files.hazards
    )


def _about_session(rule: Rule, call: Call) -> bool:
    return (not rule.agent or _named(rule.agent, call.agent)) and (
        not rule.mode or call.mode in rule.mode
    )


def _named(globs: Iterable[str], name: str | None) -> bool:
    if not name:
        return False
    return any(fnmatchcase(name.lower(), glob.lower()) for glob in globs)


def _works_inside(rule: Rule, command: Command) -> bool:
    """Tell whether a rule reaches where a command works: many read what lies there, unnamed."""
    return all(
        paths.inside(command.root, cwd)
        or (rule.globs is not None and rule.globs.match(command.root, cwd))
        for cwd in command.cwds
    )


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
    name = basename(argv[0])
    pattern_is_open = name in _PATTERN_FIRST and (flags.denied(argv[1:], _PATTERN_FLAGS) is None)
    before = ""
    for word in argv[1:]:
        if flags.is_flag(word):
            found += _in_flag(word)
        elif word == "--":
            pass
        elif pattern_is_open and not globbing.takes_next(name, before):
            pattern_is_open = False
        elif word:
            found += [word, *_after_signs(word)]
        before = word
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

    From those it names, or else the one it runs in, level by level and hidden entries first, as
    many as a decision has time for: enough to notice secrets that lie where projects keep them.
    """
    name = basename(command.argv[0])
    if name not in _GREPS or flags.denied(command.argv[1:], _DESCENDING_FLAGS) is None:
        return ()
    waiting: list[str] = []
    for cwd in command.cwds:
        places = [paths.resolve(cwd, word) for word in command.path_words]
        waiting += [p for p in places if p is not None and os.path.lexists(p)] or [cwd]
    return tuple(islice(_descended(waiting), _LISTED_LIMIT))


def _descended(waiting: list[str]) -> Iterator[str]:
    for looked, place in enumerate(waiting):
        if looked >= _LISTED_DIRECTORIES:
            return
        for path, is_directory in _entries(place):
            yield path
            if is_directory:
                waiting.append(path)


def _entries(directory: str) -> list[tuple[str, bool]]:
    """Return the paths in a directory, hidden ones first, and which are directories to go into."""
    try:
        with os.scandir(directory) as found:
            entries = [(e.name, e.is_dir(follow_symlinks=False)) for e in found]
    except (OSError, ValueError):
        return []
    entries.sort(key=lambda entry: not entry[0].startswith("."))
    base = directory.rstrip("/")
    return [(f"{base}/{n}", d and n not in _NOT_ENTERED) for n, d in entries[:_LISTED_LIMIT]]


def _found_by_globs(command: Command) -> tuple[str, ...]:
    """Return where secrets could lie that a program finds by a glob it was given."""
    if basename(command.argv[0]) not in globbing.READERS:
        return ()
    clusters = (w for w in command.argv[1:] if flags.is_flag(w) and not w.startswith("--"))
    words = (*command.path_words, *clusters)
    names = {name for word in words for name in globbing.secrets_met(word)}
    return tuple(f"{cwd}/{name}" for cwd in command.cwds for name in sorted(names))


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
