"""Which part of a piece of code is what, for its colours; imported when the first code is shown."""

from importlib import import_module
from itertools import islice
from typing import Any

MAX_CODE = 8_192
"""Characters of code beyond which it is shown plain."""
_MAX_LINE = 1_000
"""Lexers are made of regular expressions, some of them slow on long lines."""
_MAX_TOKENS = 6_000

# Only lexers in wide use, by name: a fence's language is the agent's word, and Pygments would
# search all of its modules for it.
_LEXERS = {
    "python": ("python", "PythonLexer"),
    "shell": ("shell", "BashLexer"),
    "json": ("data", "JsonLexer"),
    "yaml": ("data", "YamlLexer"),
    "toml": ("configs", "TOMLLexer"),
    "ini": ("configs", "IniLexer"),
    "docker": ("configs", "DockerLexer"),
    "javascript": ("javascript", "JavascriptLexer"),
    "typescript": ("javascript", "TypeScriptLexer"),
    "html": ("html", "HtmlLexer"),
    "css": ("css", "CssLexer"),
    "rust": ("rust", "RustLexer"),
    "go": ("go", "GoLexer"),
    "c": ("c_cpp", "CLexer"),
    "cpp": ("c_cpp", "CppLexer"),
    "java": ("jvm", "JavaLexer"),
    "kotlin": ("jvm", "KotlinLexer"),
    "ruby": ("ruby", "RubyLexer"),
    "php": ("php", "PhpLexer"),
    "sql": ("sql", "SqlLexer"),
    "make": ("make", "MakefileLexer"),
    "diff": ("diff", "DiffLexer"),
}
_OTHER_NAMES = {
    **dict.fromkeys(("py", "python3", "py3"), "python"),
    **dict.fromkeys(("sh", "bash", "zsh"), "shell"),
    **dict.fromkeys(("yml",), "yaml"),
    **dict.fromkeys(("cfg",), "ini"),
    **dict.fromkeys(("dockerfile",), "docker"),
    **dict.fromkeys(("js", "jsx", "node"), "javascript"),
    **dict.fromkeys(("ts", "tsx"), "typescript"),
    **dict.fromkeys(("xml", "svg"), "html"),
    **dict.fromkeys(("rs",), "rust"),
    **dict.fromkeys(("golang",), "go"),
    **dict.fromkeys(("h",), "c"),
    **dict.fromkeys(("c++", "cc", "hpp"), "cpp"),
    **dict.fromkeys(("kt",), "kotlin"),
    **dict.fromkeys(("rb",), "ruby"),
    **dict.fromkeys(("makefile",), "make"),
    **dict.fromkeys(("patch",), "diff"),
}
_LOOKS = (
    ("Token.Comment", "code-comment"),
    ("Token.Literal.String", "code-string"),
    ("Token.Literal.Number", "code-number"),
    ("Token.Keyword", "code-keyword"),
    ("Token.Operator.Word", "code-keyword"),
    ("Token.Name.Function", "code-name"),
    ("Token.Name.Class", "code-name"),
    ("Token.Name.Tag", "code-name"),
    ("Token.Name.Decorator", "code-name"),
    ("Token.Generic.Inserted", "code-added"),
    ("Token.Generic.Deleted", "code-removed"),
    ("Token.Generic.Subheading", "code-comment"),
)
_PLAIN = "code_block"
_lexers: dict[str, Any] = {}


def code_looks(code: str, language: str) -> list[tuple[int, str]]:
    """Return at which offsets of `code` another look begins; empty if all of it looks alike.

    Args:
        code: Safe text.
        language: What stands behind the fence.
    """
    lexer = _lexer(language)
    if lexer is None or len(code) > MAX_CODE or max(map(len, code.split("\n"))) > _MAX_LINE:
        return []
    found: list[tuple[int, str]] = []
    try:
        for offset, kind, value in islice(lexer.get_tokens_unprocessed(code), _MAX_TOKENS):
            look = _look(str(kind)) if value else _PLAIN
            if value and (not found or found[-1][1] != look):
                found.append((offset, look))
    except Exception:
        # Colours are no reason to fail on code that a lexer does not expect.
        return []
    return found


def _lexer(language: str) -> Any:
    name = language.strip().lower()
    name = _OTHER_NAMES.get(name, name)
    place = _LEXERS.get(name)
    if place is None:
        return None
    if name not in _lexers:
        module, kind = place
        _lexers[name] = getattr(import_module(f"pygments.lexers.{module}"), kind)()
    return _lexers[name]


def _look(kind: str) -> str:
    return next((look for prefix, look in _LOOKS if kind.startswith(prefix)), _PLAIN)
