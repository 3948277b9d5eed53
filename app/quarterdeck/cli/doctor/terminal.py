"""What the terminal can do."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping

from quarterdeck.cli.doctor.finding import Finding, bad, ok, warn
from quarterdeck.model.failpoints import failpoint

LEAST = (80, 24)
TRUE_COLOR = ("truecolor", "24bit")


def findings(environ: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Check the terminal that this process has; without one there is nothing to check."""
    if not sys.stdout.isatty():
        yield ok("terminal", "none here: output goes to a file or a pipe")
        return
    yield kind(environ)
    yield colors(environ)
    yield encoding(sys.stdout.encoding)
    columns, lines = shutil.get_terminal_size()
    yield size(columns, lines)
    if "TMUX" in environ:
        yield from tmux(_tmux("-V"), _tmux("show-options", "-gv", "allow-passthrough"))
        yield clipboard(_tmux("show-options", "-sv", "set-clipboard"))


def kind(environ: Mapping[str, str]) -> Finding:
    """Check TERM."""
    term = environ.get("TERM", "")
    if term in ("", "dumb", "unknown"):
        return bad("terminal", f"TERM is {term or 'not set'}", "set TERM, such as xterm-256color")
    return ok("terminal", term)


def colors(environ: Mapping[str, str]) -> Finding:
    """Check how many colours there are."""
    if environ.get("NO_COLOR"):
        return ok("colours", "none, as NO_COLOR asks")
    if environ.get("COLORTERM", "").lower() in TRUE_COLOR:
        return ok("colours", "16 million")
    if "256" in environ.get("TERM", ""):
        return ok("colours", "256 (COLORTERM=truecolor, if the terminal can, gives all)")
    return warn("colours", "16, as far as TERM tells", "export COLORTERM=truecolor if it can more")


def encoding(name: str | None) -> Finding:
    """Check that text is UTF-8."""
    if (name or "").lower().replace("-", "") == "utf8":
        return ok("encoding", "UTF-8")
    return bad("encoding", f"text is {name}", "set LANG or LC_ALL to a UTF-8 locale, as C.UTF-8")


def size(columns: int, lines: int) -> Finding:
    """Check the size."""
    told = f"{columns}×{lines}"
    if columns < LEAST[0] or lines < LEAST[1]:
        return warn("size", told, f"make it {LEAST[0]}×{LEAST[1]} or larger")
    return ok("size", told)


def tmux(version: str, passthrough: str) -> Iterator[Finding]:
    """Check tmux, which stands between us and the terminal."""
    found = re.search(r"(\d+)\.(\d+)", version)
    if found is None:
        yield warn("tmux", "its version is not known", "see that `tmux` is on PATH")
        return
    if (int(found[1]), int(found[2])) < (3, 2):
        yield warn("tmux", version, "tmux 3.2 or newer draws less and knows more colours")
    else:
        yield ok("tmux", version)
    if passthrough in ("on", "all"):
        yield ok("tmux passthrough", passthrough)
    else:
        yield warn(
            "tmux passthrough",
            "off: notifications of the terminal stay within tmux",
            "tmux set -g allow-passthrough on",
        )


def clipboard(setting: str) -> Finding:
    """Check whether what is copied comes to the terminal's clipboard through tmux."""
    if setting in ("on", "external"):
        return ok("tmux clipboard", setting)
    return warn("tmux clipboard", "off: copying stays in tmux", "tmux set -s set-clipboard on")


def _tmux(*arguments: str) -> str:
    failpoint("doctor.tmux.before")
    try:
        done = subprocess.run(
            ["tmux", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
