"""Flags of a command, read conservatively: clusters, `--flag=value`, abbreviations (DESIGN §6).

What a program takes for a flag cannot be known from its words alone: `--` may be the value of
the flag before it. So every word that begins with `-` counts as a flag, wherever it stands.
"""

import re

_NUMERIC = re.compile(r"-[0-9]+")
_ABBREVIATION_LEAST = 3
FLAG_FORM = re.compile(r"-#|--?[A-Za-z0-9][A-Za-z0-9_+.-]*[=#]?")
DENIED_FORM = re.compile(r"--?[A-Za-z0-9][A-Za-z0-9_+.-]*")


def is_flag(word: str) -> bool:
    """Tell whether a word could be taken for a flag; `-` alone and `--` are none."""
    return word.startswith("-") and word not in ("-", "--")


def only(words: tuple[str, ...], allowed: tuple[str, ...]) -> bool:
    """Tell whether every flag among `words` is one of `allowed`.

    Args:
        words: What follows a rule's command prefix.
        allowed: `-x` and `--name` as they are (single letters may be clustered), `-x=` and
            `--name=` with a value, `-x#` with a number attached, `-#` for a number alone. Nothing
            is taken for an abbreviation.
    """
    return all(_allowed(word, allowed) for word in words if is_flag(word))


def _allowed(word: str, allowed: tuple[str, ...]) -> bool:
    if word in allowed or word + "=" in allowed:
        return True
    name, equals, _ = word.partition("=")
    if word.startswith("--"):
        return bool(equals) and name + "=" in allowed
    if _NUMERIC.fullmatch(word):
        return "-#" in allowed
    return _cluster_allowed(word[1:], allowed)


def _cluster_allowed(letters: str, allowed: tuple[str, ...]) -> bool:
    for index, letter in enumerate(letters):
        flag = f"-{letter}"
        if flag + "=" in allowed:
            return True
        if flag + "#" in allowed:
            rest = letters[index + 1 :]
            return rest == "" or (rest.isascii() and rest.isdigit())
        if flag not in allowed:
            return False
    return True


def denied(words: tuple[str, ...], names: tuple[str, ...]) -> str | None:
    """Return the first word that could be one of the denied flags, or None.

    A long flag is met by itself, with a value, by an abbreviation of it, and with one dash or
    two; a letter by any cluster that holds it.
    """
    for word in words:
        if is_flag(word) and any(_denies(name, word) for name in names):
            return word
    return None


def _denies(name: str, word: str) -> bool:
    bare, given = name.lstrip("-"), word.lstrip("-").partition("=")[0]
    if len(bare) == 1 and not name.startswith("--"):
        return not word.startswith("--") and bare in word
    shortened = bare.startswith(given) and len(given) + 2 >= _ABBREVIATION_LEAST
    return given == bare or (shortened and (word.startswith("--") or len(given) > 1))
