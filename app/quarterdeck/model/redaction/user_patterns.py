"""Patterns from the configuration: regular expressions that cannot blow up, found in streams too.

Linear time is kept by what is refused. Every repeat is bounded, so a match has a greatest length;
only single characters are repeated, so nothing repeats a repeat; and a repeat, an optional part
or a choice that may also take what follows it, the one source of backtracking, is allowed only
while all such parts together have few ways. Work for each character of a text is bounded then.
"""

import re
from collections.abc import Iterable, Sequence

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.redaction import regex_tree
from quarterdeck.model.redaction.regex_tree import Boundary, Char, Group, Node, NotSupported, Repeat

KIND = "user-pattern"
LONGEST = 1024
"""A match has at most so many characters."""
MOST_PARTS = 100
MOST_WAYS = 64
"""How many ways of matching one text a pattern may have."""

_SAMPLES = "".join(map(chr, range(128))) + "\x85\u00a0éßЖ中٣\u2028"
_KIND_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")


class PatternRefused(QuarterdeckError):
    """A redaction pattern of the configuration cannot be used; it is named with the reason."""

    def __init__(self, pattern: str, why: str) -> None:
        shown = pattern if len(pattern) <= 200 else pattern[:199] + "…"
        super().__init__("config_invalid", f"redaction pattern {shown!r}: {why}", pattern=shown)


class UserPattern:
    """One expression, ready to search a text and its unfinished end."""

    def __init__(self, source: str, kind: str = KIND) -> None:
        """Check and compile an expression.

        Args:
            source: See `regex_tree.parse`; `(?i)` at its beginning ignores case.
            kind: What a marker says it was: a short name.

        Raises:
            PatternRefused: The expression or the name cannot be used.
        """
        if not _KIND_NAME.fullmatch(kind):
            raise PatternRefused(source, f"{kind!r} is no short name of letters, digits, `_.-`")
        flags = re.IGNORECASE if source.startswith("(?i)") else re.NOFLAG
        try:
            tree = regex_tree.parse(source.removeprefix("(?i)"))
            _check(tree, flags)
            self.whole = re.compile(regex_tree.whole(tree), flags)
            self.beginnings = re.compile(regex_tree.beginnings(tree), flags)
        except NotSupported as error:
            raise PatternRefused(source, str(error)) from error
        except (re.error, OverflowError, RecursionError) as error:
            raise PatternRefused(source, f"not a regular expression: {error}") from error
        self.source, self.kind = source, kind
        self.longest = regex_tree.longest(tree)

    def begun(self, text: str, start: int) -> int | None:
        """Return where the end of `text` begins that may be the beginning of a match."""
        found = self.beginnings.search(text, max(start, len(text) - self.longest))
        return None if found is None or found.start() == len(text) else found.start()


def compile_all(sources: Iterable[str]) -> list[UserPattern]:
    """Compile the expressions of the configuration.

    Raises:
        PatternRefused: One of them cannot be used.
    """
    return [UserPattern(source) for source in sources]


def _check(tree: Sequence[Node], flags: re.RegexFlag) -> None:
    sequence = tuple(tree)
    if regex_tree.size(sequence) > MOST_PARTS:
        raise NotSupported(f"more than {MOST_PARTS} parts")
    if regex_tree.longest(sequence) > LONGEST:
        raise NotSupported(
            f"a match may have more than {LONGEST} characters; an open repeat counts as"
            f" {regex_tree.OPEN_REPEAT}"
        )
    ways = _Ways(regex_tree.whole(sequence), flags)
    if ways.of(sequence, frozenset())[1]:
        raise NotSupported("it matches the empty text")
    if ways.product > MOST_WAYS:
        raise NotSupported(
            "repeats, optional parts or choices that may also take what follows them: exclude it,"
            " like [^;]* before ;"
        )


class _Ways:
    """Counts the ways in which one text can be matched, from what each part can begin with."""

    def __init__(self, source: str, flags: re.RegexFlag) -> None:
        self.product = 1
        self._flags = flags
        self._samples = set(_SAMPLES + source)
        self._known: dict[str, frozenset[str]] = {}

    def of(self, sequence: Sequence[Node], follow: frozenset[str]) -> tuple[frozenset[str], bool]:
        """Return what a sequence and then `follow` can begin with, and if it may be empty."""
        empty = True
        for node in reversed(sequence):
            firsts, optional = self._node(node, follow)
            follow = firsts | follow if optional else firsts
            empty = empty and optional
        return follow, empty

    def _node(self, node: Node, follow: frozenset[str]) -> tuple[frozenset[str], bool]:
        match node:
            case Char(source):
                return self._chars(source), False
            case Boundary():
                return frozenset(), True
            case Repeat(char, low, high):
                firsts = self._chars(char.source)
                if high > low and firsts & follow:
                    self.product *= high - low + 1
                return firsts, low == 0
            case Group(choices):
                told = [self.of(choice, follow) for choice in choices]
                union = frozenset[str]().union(*(firsts for firsts, _ in told))
                if len(union) < sum(len(firsts) for firsts, _ in told):
                    self.product *= len(choices)
                return union, any(optional for _, optional in told)

    def _chars(self, source: str) -> frozenset[str]:
        if source not in self._known:
            pattern = re.compile(source, self._flags)
            self._known[source] = frozenset(c for c in self._samples if pattern.fullmatch(c))
        return self._known[source]
