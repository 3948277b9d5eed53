"""The regular expressions a user may write, as a tree: a subset without look-around and recursion.

From the tree two expressions for `re` are made: the whole one, and the one of its beginnings,
which finds where the end of a text may be the beginning of a match. `re` cannot tell that.
"""

import re
from dataclasses import dataclass

OPEN_REPEAT = 256
"""What `*`, `+` and `{n,}` take at most."""

_QUANTIFIER = re.compile(r"\*|\+|\?|\{(\d{1,4})(,?)(\d{0,4})\}")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:[dDwWsStnrfv]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[^A-Za-z0-9])", re.DOTALL)


class NotSupported(ValueError):
    """The expression uses what the subset does not have; the text says what."""


@dataclass(frozen=True, slots=True)
class Char:
    """Exactly one character: a literal, an escape, a class or the dot."""

    source: str


@dataclass(frozen=True, slots=True)
class Boundary:
    r"""A word boundary, `\b`."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """A character `low` to `high` times."""

    char: Char
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Group:
    """One of several sequences, which may be empty."""

    choices: "tuple[Sequence, ...]"


Node = Char | Boundary | Repeat | Group
Sequence = tuple[Node, ...]


def parse(source: str) -> Sequence:
    """Read an expression.

    Raises:
        NotSupported: It is malformed, or uses more than characters, classes, groups, `|`,
            `\\b`, and repeats of single characters; a group may be repeated a fixed number of
            times or be optional.
    """
    parser = _Parser(source)
    choices = parser.choices()
    if parser.at < len(source):
        raise NotSupported("a `)` without its `(`")
    return choices[0] if len(choices) == 1 else (Group(choices),)


def whole(sequence: Sequence) -> str:
    """Return the expression for `re`."""
    return "".join(map(_whole, sequence))


def beginnings(sequence: Sequence) -> str:
    """Return the expression that matches, up to the end of a text, what a match may begin with.

    It also matches what is a match already and could grow.
    """
    built = ""
    for node in reversed(sequence):
        begun = _begun(node)
        built = f"(?:{begun}|{_whole(node)}{built})" if built else begun
    return built


def longest(sequence: Sequence) -> int:
    """Return how many characters a match has at most."""
    return sum(_longest(node) for node in sequence)


def size(sequence: Sequence) -> int:
    """Return the number of parts."""
    return sum(
        1 + sum(map(size, node.choices)) if isinstance(node, Group) else 1 for node in sequence
    )


def _whole(node: Node) -> str:
    match node:
        case Char(source):
            return source
        case Boundary():
            return r"\b"
        case Repeat(char, low, high):
            return f"{char.source}{{{low},{high}}}"
        case Group(choices):
            return f"(?:{'|'.join(map(whole, choices))})"


def _begun(node: Node) -> str:
    match node:
        case Char() | Boundary():
            return r"\Z"
        case Repeat(char, _, high):
            return rf"{char.source}{{0,{max(high - 1, 0)}}}\Z"
        case Group(choices):
            begun = [beginnings(choice) for choice in choices if choice]
            return f"(?:{'|'.join(begun)})" if begun else r"\Z"


def _longest(node: Node) -> int:
    match node:
        case Char():
            return 1
        case Boundary():
            return 0
        case Repeat(_, _, high):
            return high
        case Group(choices):
            return max(map(longest, choices))


class _Parser:
    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self._depth = 0

    def choices(self) -> tuple[Sequence, ...]:
        found = [self._sequence()]
        while self._take("|"):
            found.append(self._sequence())
        return tuple(found)

    def _sequence(self) -> Sequence:
        nodes: list[Node] = []
        while self.at < len(self.source) and self.source[self.at] not in "|)":
            nodes += self._quantified(self._atom())
        return tuple(nodes)

    def _take(self, text: str) -> bool:
        if not self.source.startswith(text, self.at):
            return False
        self.at += len(text)
        return True

    def _atom(self) -> Node:
        if self._take("("):
            return self._group()
        if self._take(r"\b"):
            return Boundary()
        char = self.source[self.at]
        if char in "^$":
            raise NotSupported(rf"`{char}`; text comes in pieces, write \b or what stands there")
        if char in "*+?{":
            raise NotSupported(
                f"`{char}` with nothing to repeat; for the character write `\\{char}`"
            )
        if char in "[\\":
            return Char(self._matched(_CLASS if char == "[" else _ESCAPE))
        self.at += 1
        return Char("." if char == "." else re.escape(char))

    def _matched(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.source, self.at)
        if found is None:
            shown = self.source[self.at : self.at + 8]
            raise NotSupported(
                f"`{shown}`: a class without end, or an escape that is not supported"
            )
        self.at = found.end()
        return found.group()

    def _group(self) -> Node:
        if self._take("?") and not self._take(":"):
            raise NotSupported("`(?…`; only plain groups and `(?:…)` are supported")
        self._depth += 1
        if self._depth > 10:
            raise NotSupported("groups in groups, more than 10 deep")
        choices = self.choices()
        self._depth -= 1
        if not self._take(")"):
            raise NotSupported("a `(` without its `)`")
        return Group(choices)

    def _quantified(self, node: Node) -> list[Node]:
        found = _QUANTIFIER.match(self.source, self.at)
        if found is None:
            return [node]
        self.at = found.end()
        if self.source[self.at : self.at + 1] in ("?", "+", "*", "{"):
            raise NotSupported("a repeat of a repeat, or a lazy or possessive one")
        low, high = _bounds(found)
        if high < low or high > 4096:
            raise NotSupported(f"`{found.group()}`: bounds that are reversed or above 4096")
        match node:
            case Char():
                return [Repeat(node, low, high)]
            case Group(choices) if (low, high) == (0, 1):
                return [Group((*choices, ()))]
            case Group() if low == high and 0 < low <= 16:
                return [node] * low
        raise NotSupported("a repeated group; only `?` and a fixed `{n}` up to 16 may follow one")


def _bounds(found: re.Match[str]) -> tuple[int, int]:
    fixed = {"*": (0, OPEN_REPEAT), "+": (1, OPEN_REPEAT), "?": (0, 1)}.get(found.group())
    if fixed is not None:
        return fixed
    low = int(found.group(1))
    if not found.group(2):
        return low, low
    return low, int(found.group(3)) if found.group(3) else max(low, OPEN_REPEAT)
