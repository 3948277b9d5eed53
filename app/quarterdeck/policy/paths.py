"""Where a path leads, whether that is inside the session's directory, and globs over it.

A path is judged by where it ends after following every symlink. It may be changed between the
judgement and the use: rules reduce questions and are no sandbox (DESIGN §6).
"""

import errno
import os
import posixpath
import re
import stat
from functools import cache
from pathlib import Path

_CHARACTERS_LIMIT = 4096
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR})
_RECURSIVE = "**"
_ANYWHERE = "/**/"
NOWHERE = "/dev/null/nowhere"


def real(directory: Path) -> str:
    """Return the real path of a directory, or NOWHERE if the system has none for it."""
    try:
        return os.path.realpath(directory)
    except (OSError, ValueError):
        return NOWHERE


def resolve(cwd: str, path: str) -> str | None:
    """Return the real absolute path that `path` names, or None if that cannot be told.

    `cwd` is a real path itself. What does not exist leads where its existing part leads. `~` is
    not followed: whether it means a home directory depends on who reads it.
    """
    if not path or len(path) > _CHARACTERS_LIMIT or path.startswith("~") or "\0" in path:
        return None
    if path.startswith(cwd + "/"):
        path = path[len(cwd) + 1 :]
    try:
        if not path.startswith("/") and ".." not in path:
            return _walked(cwd, path)
        whole = f"{cwd}/{path}" if not path.startswith("/") else path
        return _followed(whole)
    except (OSError, ValueError):
        return None


def _walked(cwd: str, path: str) -> str:
    """Resolve a path that goes down from a real directory, one look per name.

    Raises:
        OSError: Other than that something is not there.
    """
    here = cwd.rstrip("/")
    names = [name for name in path.split("/") if name not in ("", ".")]
    for index, name in enumerate(names):
        try:
            linked = stat.S_ISLNK(os.lstat(f"{here}/{name}").st_mode)
        except OSError as error:
            if error.errno not in _ABSENT:
                raise
            return "/".join((here, *names[index:]))
        if linked:
            return _followed("/".join((here, *names[index:])))
        here = f"{here}/{name}"
    return here or "/"


def _followed(whole: str) -> str:
    try:
        return os.path.realpath(whole, strict=True)
    except OSError as error:
        if error.errno not in _ABSENT:
            raise
    return os.path.realpath(whole)


def inside(root: str, path: str) -> bool:
    """Tell whether a real path is a real directory or something in it."""
    return path == root or path.startswith(root.rstrip("/") + "/")


def own_repository(root: str, cwd: str) -> bool:
    """Tell whether git, run in `cwd`, works on the same repository as in `root`.

    A repository checked in below has a configuration of its own, which can name programs that
    even `git status` runs; so has a bare one whose files lie among those of the session.
    """
    here = cwd
    while inside(root, here) and here != root:
        if os.path.lexists(f"{here}/.git") or _is_bare(here):
            return False
        here = posixpath.dirname(here)
    return here == root and (os.path.lexists(f"{root}/.git") or not _is_bare(root))


def _is_bare(directory: str) -> bool:
    parts = (f"{directory}/{name}" for name in ("HEAD", "objects", "refs"))
    return all(map(os.path.lexists, parts))


class Globs:
    """A set of path globs: `*` and `?` stay within a name, `**` stands for any folders.

    A glob that begins with `/` is about whole paths, one with `~/` about the home directory, any
    other one about paths inside the session's directory.
    """

    def __init__(self, globs: tuple[str, ...], *, any_case: bool = False) -> None:
        home = str(Path.home())
        globs = tuple(glob.lower() for glob in globs) if any_case else globs
        home = home.lower() if any_case else home
        self._any_case = any_case
        whole = [home + g[1:] if g == "~" or g.startswith("~/") else g for g in globs]
        self._absolute = _compiled(tuple(g for g in whole if g.startswith("/")))
        self._relative = _compiled(tuple("/" + g for g in whole if not g.startswith("/")))

    def match(self, root: str, path: str) -> bool:
        """Tell whether a real path matches one of the globs."""
        if self._any_case:
            root, path = root.lower(), path.lower()
        if self._absolute is not None and self._absolute.match(path):
            return True
        if self._relative is None or not inside(root, path):
            return False
        return self._relative.match(path[len(root.rstrip("/")) :] or "/") is not None


@cache
def _compiled(globs: tuple[str, ...]) -> re.Pattern[str] | None:
    """Make one expression of all globs, those for any folder behind one common search."""
    if not globs:
        return None
    anywhere = [_translate(g[3:]) for g in globs if g.startswith(_ANYWHERE)]
    told = [_translate(g) for g in globs if not g.startswith(_ANYWHERE)]
    if anywhere:
        told.append(f"(?:/[^/]+)*?(?:{'|'.join(anywhere)})")
    return re.compile("|".join(f"(?:{expression})" for expression in told), re.DOTALL)


def _translate(glob: str) -> str:
    """Turn a whole-path glob into an expression that never backtracks over what it has passed.

    Between two `**` the leftmost fit is as good as any, so each may be kept once found.
    """
    parts = [part for part in glob.split("/") if part]
    groups: list[list[str]] = [[]]
    for part in parts:
        if part == _RECURSIVE:
            groups.append([])
        else:
            groups[-1].append(_name(part))
    if not parts:
        return r"/\Z"
    told = "".join("/" + name for name in groups[0])
    if len(groups) == 1:
        return told + r"\Z"
    for group in groups[1:-1]:
        body = "".join("/" + name for name in group)
        told += rf"(?>(?:/[^/]+)*?{body}(?=/|\Z))" if group else ""
    last = "".join("/" + name for name in groups[-1])
    return told + (rf"(?:/[^/]+)*?{last}\Z" if groups[-1] else r"(?:/.*)?\Z")


def _name(part: str) -> str:
    """Translate the glob of one name."""
    pieces = [re.escape(piece).replace(r"\?", "[^/]") for piece in part.split("*")]
    first, *rest = pieces
    if not rest:
        return first
    inner = "".join(rf"(?>[^/]*?{piece})" for piece in rest[:-1] if piece)
    return rf"{first}{inner}[^/]*{rest[-1]}(?![^/])"
