"""Reading a shell string into simple commands, or saying why it cannot be judged (DESIGN §6).

A string is judged only if two readers agree on it: a strict grammar of our own, which knows plain
words, quotes, four operators and three harmless redirections, and tree-sitter's full one. Whatever
one of them takes for something else is asked about, so that a fault of either is no way around
the policy.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import tree_sitter
import tree_sitter_bash

BYTES_LIMIT = 4096
COMMANDS_LIMIT = 20

_OPERATORS = ("&&", "||", ";", "|")
_TOKEN = re.compile(
    r"""[ ]*+(?:
        (?P<operator>&&|\|\||;|\|)
      | (?P<redirect>(?<=[ ])(?:2>/dev/null|>/dev/null|2>&1)(?=[ ;|]|\Z))
      | (?P<word>(?>
            [A-Za-z0-9_@%+=:,./^~-]++
          | '[ -&(-~]*+'
          | "(?>[ \#%-\[\]-_a-~]|\\[ "-~])*+"
        )++)
    )""",
    re.VERBOSE,
)
_UNSAFE = re.compile(r"[^\n -~]")
_PIECE = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)"|([^'"]+)""", re.DOTALL)
_ESCAPED = re.compile(r'\\([\\"$`])')
_COMMAND_NAME = re.compile(r"[A-Za-z0-9_./+-]+")
_UNQUOTED_EXPANSION = re.compile(r"^[~=]|[=:]~")

_HARMLESS_REDIRECTS = (b"2>/dev/null", b">/dev/null", b"2>&1")
"""Written so and at the end of a command, they write to no file: they need not be asked about."""
_PLAIN_NODES = frozenset(
    (
        *("program", "list", "pipeline", "command", "command_name", "concatenation"),
        *("word", "number", "string", "string_content", "raw_string"),
    )
)
_JOINING_NODES = frozenset(("program", "list", "pipeline"))
_NO_WORDS = frozenset(("variable_assignment", "file_redirect", "herestring_redirect"))
_UNCLEAR_NODES = {
    "ERROR": "text that is no complete shell command",
    "redirected_statement": "a redirection",
    "file_redirect": "a redirection",
    "heredoc_redirect": "a here-document",
    "herestring_redirect": "a here-string",
    "command_substitution": "a command substitution",
    "process_substitution": "a process substitution",
    "simple_expansion": "a variable",
    "expansion": "a variable",
    "arithmetic_expansion": "arithmetic",
    "brace_expression": "a brace expansion",
    "variable_assignment": "an assignment",
    "declaration_command": "a declaration",
    "unset_command": "`unset`",
    "subshell": "a subshell",
    "compound_statement": "a group",
    "function_definition": "a function",
    "negated_command": "a negation",
    "test_command": "a test",
    "ansi_c_string": "a string with escapes",
    "translated_string": "a translated string",
    "comment": "a comment",
    "extglob_pattern": "a pattern",
    "regex": "a pattern",
    "if_statement": "a control structure",
    "while_statement": "a control structure",
    "for_statement": "a control structure",
    "c_style_for_statement": "a control structure",
    "case_statement": "a control structure",
}


class Simple(NamedTuple):
    """A simple command: its words as the program gets them, and what joins it to the one before."""

    argv: tuple[str, ...]
    joined: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a shell string runs.

    With `unclear` set, `commands` are only those that could be made out: they may be forbidden
    by what they are, and never allow anything.
    """

    commands: tuple[Simple, ...]
    unclear: str | None = None


def read(text: str) -> Reading:
    """Read a shell string; never raises, whatever the text."""
    text = text.rstrip("\n ")
    if len(text.encode("utf-8", "replace")) > BYTES_LIMIT:
        return Reading((), f"the command is over {BYTES_LIMIT} bytes long")
    # The grammar's scanner looks characters up in tables made for bytes: on others, which are
    # asked about in any case, it can crash the process.
    encoded = _UNSAFE.sub("?", text).encode("ascii")
    problem = plain_text_problem(text)
    root, broken = _parse(encoded)
    if problem is None:
        problem = _first_odd_node(root, encoded)
    if problem is None:
        commands = _tokens(text)
        if isinstance(commands, str):
            problem = commands
        elif [c.argv for c in commands] != list(_tree_commands(root, encoded)):
            problem = "the command can be read in more than one way"
        elif len(commands) > COMMANDS_LIMIT:
            problem = f"it is more than {COMMANDS_LIMIT} commands"
        else:
            return Reading(tuple(commands))
    if broken:
        return Reading((), problem)
    return Reading(tuple(Simple(argv) for argv in _tree_commands(root, encoded)), problem)


def plain_text_problem(text: str) -> str | None:
    """Say what in a text is not printable ASCII, or return None.

    Letters of other scripts can look like ASCII ones, so a command with them is asked about.
    """
    if not text.strip():
        return "the command is empty"
    for index, char in enumerate(text):
        if not " " <= char <= "~":
            if char in "\n\r":
                return "it is more than one line"
            return f"it contains the character U+{ord(char):04X} at position {index + 1}"
    return None


class _Node(NamedTuple):
    """A node of a syntax tree, as plain data."""

    type: str
    named: bool
    missing: bool
    start: int
    end: int
    children: list["_Node"]


@cache
def _parser() -> tree_sitter.Parser:
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


def _parse(text: bytes) -> tuple[_Node, bool]:
    """Return a text's syntax tree, and whether the text is no complete command.

    The library's own nodes do not outlive this function: links between them have led to
    crashes of the whole process. There is no recursion, since a tree may be nested deeply.
    """
    tree = _parser().parse(text)
    cursor = tree.walk()
    root = _copy(cursor)
    above = [root]
    while True:
        if cursor.goto_first_child():
            node = _copy(cursor)
            above[-1].children.append(node)
            above.append(node)
            continue
        while not cursor.goto_next_sibling():
            above.pop()
            if not cursor.goto_parent():
                return root, tree.root_node.has_error
        above[-1] = _copy(cursor)
        above[-2].children.append(above[-1])


def _copy(cursor: tree_sitter.TreeCursor) -> _Node:
    node = cursor.node
    assert node is not None
    return _Node(node.type, node.is_named, node.is_missing, node.start_byte, node.end_byte, [])


def _tokens(text: str) -> list[Simple] | str:
    """Cut a text by our own grammar; returns the commands, or what does not fit it."""
    commands: list[Simple] = []
    words: list[str] = []
    joined, position, redirected = "", 0, False
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            rest = text[position:].lstrip(" ")
            return f"it contains {rest[:1]!r}, which is more than plain words and strings"
        if match["operator"]:
            if not words:
                return f"there is no command before {match['operator']!r}"
            commands.append(Simple(tuple(words), joined))
            words, joined, redirected = [], match["operator"], False
        elif match["redirect"]:
            if not words:
                return "a redirection stands before its command"
            redirected = True
        elif redirected:
            return "it contains words behind a redirection"
        else:
            problem = _word_problem(match["word"], first=not words)
            if problem is not None:
                return problem
            words.append(_decode(match["word"]))
        position = match.end()
    if not words:
        return f"there is no command after {joined!r}"
    return [*commands, Simple(tuple(words), joined)]


def _word_problem(word: str, *, first: bool) -> str | None:
    if first and not _COMMAND_NAME.fullmatch(word):
        return "the name of a command is quoted or no plain word"
    if "\\'" in word:
        return "it contains a backslash before a quote, which shells read differently"
    if _UNQUOTED_EXPANSION.search(word):
        return "it contains a path that the shell expands"
    return None


def _decode(word: str) -> str:
    """Remove the quotes of a plain word as a shell does."""
    parts = []
    for single, double, bare in _PIECE.findall(word):
        parts.append(single or bare or _ESCAPED.sub(r"\1", double))
    return "".join(parts)


def _is_harmless(node: _Node, text: bytes) -> bool:
    """Tell whether a node is a redirection that can only throw output away, or part of one."""
    if node.type == "file_redirect":
        return text[node.start : node.end] in _HARMLESS_REDIRECTS
    return node.type == "file_descriptor"


def _first_odd_node(root: _Node, text: bytes) -> str | None:
    """Name the first thing in a tree that is more than plain words, strings and operators."""
    for node in _walk(root):
        if node.missing:
            return f"it contains {_UNCLEAR_NODES['ERROR']}"
        if node.type == "redirected_statement" or _is_harmless(node, text):
            continue
        if node.named and node.type not in _PLAIN_NODES:
            return f"it contains {_UNCLEAR_NODES.get(node.type, 'more than words and strings')}"
        if node.type in _JOINING_NODES:
            for sign in (child.type for child in node.children if not child.named):
                if sign == "&":
                    return "it runs a command in the background"
                if sign not in _OPERATORS:
                    return f"it contains the operator {sign!r}"
    return None


def _walk(root: _Node) -> Iterator[_Node]:
    """Go through a tree in the order of its text."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node.children)


def _tree_commands(root: _Node, text: bytes) -> Iterator[tuple[str, ...]]:
    """Give the words of every simple command in a tree."""
    for node in _walk(root):
        if node.type == "command":
            words = tuple(
                _decode_node(child, text)
                for child in node.children
                if child.named and child.type not in _NO_WORDS
            )
            if words:
                yield words


def _decode_node(node: _Node, text: bytes) -> str:
    if node.type == "command_name" and len(node.children) == 1:
        node = node.children[0]
    if node.type == "concatenation":
        return "".join(_decode_piece(child, text) for child in node.children)
    return _decode_piece(node, text)


def _decode_piece(node: _Node, text: bytes) -> str:
    told = text[node.start : node.end].decode("utf-8", "replace")
    if node.type == "raw_string":
        return told[1:-1]
    if node.type == "string":
        return _ESCAPED.sub(r"\1", told[1:-1])
    return told
