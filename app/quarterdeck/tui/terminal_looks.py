"""What the terminal can show: how many colours, any at all, more than ASCII.

`NO_COLOR`, `COLORTERM` and `TERM` tell of the colours (`TEXTUAL_COLOR_SYSTEM` overrules the last
two); the locale and `TERM` tell of the signs, unless `[screen] glyphs` of config.toml does:

    [screen]
    glyphs = "ascii"              # or "unicode"; "auto" if it is not there
    theme = "quarterdeck-light"   # the one to begin with; the one chosen last is remembered
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_FEW = re.compile(r"^(linux|vt\d+|ansi|dumb|xterm|screen|tmux|rxvt|cygwin|.*-16color)$")
_PLAIN = re.compile(r"^(linux|vt\d+|ansi|dumb)$")


@dataclass(frozen=True, slots=True)
class TerminalLooks:
    """What to do without."""

    colour: bool = True
    few_colours: bool = False
    """Whether there are but 16."""
    ascii: bool = False
    theme: str = ""
    """The theme that config.toml names; empty for none."""
    problems: tuple[str, ...] = ()


def looks_of(environ: Mapping[str, str], file: Path | None = None) -> TerminalLooks:
    """Return what the terminal can show.

    Args:
        environ: Where the terminal's variables are.
        file: The config.toml; one that is missing or broken changes nothing.
    """
    settings, problems = _settings(file), []
    glyphs = settings.get("glyphs", "auto")
    if glyphs not in ("auto", "ascii", "unicode"):
        problems.append(f"[screen] glyphs: want auto, ascii or unicode, not {glyphs!r}")
        glyphs = "auto"
    theme = settings.get("theme", "")
    if not isinstance(theme, str):
        problems.append("[screen] theme: want the name of a theme")
        theme = ""
    return TerminalLooks(
        colour=not environ.get("NO_COLOR"),
        few_colours=_few_colours(environ),
        ascii=glyphs == "ascii" or (glyphs == "auto" and _only_ascii(environ)),
        theme=theme,
        problems=tuple(problems),
    )


def _settings(file: Path | None) -> dict[str, object]:
    try:
        found = tomllib.loads(file.read_text("utf-8")).get("screen", {}) if file else {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _few_colours(environ: Mapping[str, str]) -> bool:
    forced = environ.get("TEXTUAL_COLOR_SYSTEM", "auto").lower()
    if forced != "auto":
        return forced in ("standard", "windows")
    if environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return False
    term = environ.get("TERM", "").strip().lower()
    return bool(_FEW.match(term))


def _only_ascii(environ: Mapping[str, str]) -> bool:
    """Tell whether the locale names another charset than UTF-8, or the terminal is a plain one.

    Where nothing is told, UTF-8 it is. Python itself takes the locale C for UTF-8 and says so in
    LC_CTYPE, unless LC_ALL forbids it.
    """
    if _PLAIN.match(environ.get("TERM", "").strip().lower()):
        return True
    names = ("LC_ALL", "LC_CTYPE", "LANG")
    locale = next((environ[name] for name in names if environ.get(name)), "C.UTF-8")
    charset = locale.partition(".")[2].partition("@")[0].lower().replace("-", "")
    return charset != "utf8" if charset else locale in ("C", "POSIX")
