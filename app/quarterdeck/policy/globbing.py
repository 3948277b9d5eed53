"""Globs that a program expands by itself: which of its words are some, and what they could find.

A shell's globs are asked about anyway; a quoted one reaches the program. `rg -g '.*' x` reads
hidden files, `git show HEAD -- '.e*'` the ones that were committed.
"""

import re
from fnmatch import fnmatchcase

READERS = frozenset({"egrep", "fgrep", "git", "grep", "rg"})
"""Programs that show what is in the files a glob finds."""
_SECRETS = {
    ".env": ".env",
    ".env.local": ".env.local",
    ".git": ".git/config",
    ".git-credentials": ".git-credentials",
    ".netrc": ".netrc",
    ".npmrc": ".npmrc",
    ".ssh": ".ssh/config",
    "id_rsa": "id_rsa",
    "server.key": "server.key",
    "server.pem": "server.pem",
    "terraform.tfstate": "terraform.tfstate",
}
"""Names a glob is tried on, and the path that stands for what it would find."""
_WILD = re.compile(r"[*?\[{]")
_ALTERNATIVES = re.compile(r"[{},]")
_WITH_VALUE = {
    "rg": ("ABCmgtTd", "after-context before-context color colors context glob iglob max-columns"
           " max-count max-depth sort sortr type type-not"),
    "grep": ("ABCmdD", "after-context before-context binary-files context directories exclude"
             " exclude-dir exclude-from include max-count"),
}  # fmt: skip


def takes_next(program: str, flag: str) -> bool:
    """Tell whether a flag of `rg` or a `grep` takes the next word for its value."""
    letters, names = _WITH_VALUE["rg" if program == "rg" else "grep"]
    if flag.startswith("--"):
        return flag[2:] in names.split()
    first = next((i for i, letter in enumerate(flag[1:], 1) if letter in letters), None)
    return flag.startswith("-") and first == len(flag) - 1


def secrets_met(word: str) -> set[str]:
    """Return the paths that stand for what a word finds if a program takes it for a glob."""
    wild = _WILD.search(word)
    if wild is None or word.startswith("!"):
        return set()
    # In `-ng*x` only what follows the letters is the glob; which letters those are is not known.
    senses = {word, word[wild.start() :]} if word.startswith("-") else {word}
    parts = {part.lower() for sense in senses for part in sense.split("/") if _WILD.search(part)}
    globs = {one for part in parts for one in (part, *_ALTERNATIVES.split(part)) if one}
    return {
        path for name, path in _SECRETS.items() if any(fnmatchcase(name, glob) for glob in globs)
    }
