"""The command prefix that an amendment could allow for good, where one may be offered (C5)."""

from quarterdeck.policy import flags, programs
from quarterdeck.policy.programs import Reach

_NAMES_LIMIT = 3
_WORDS_LIMIT = 20
_CHARACTERS_LIMIT = 200


def why_not(prefix: tuple[str, ...]) -> str | None:
    """Say why a prefix cannot be allowed for good, or return None if it can."""
    if not prefix or not all(prefix):
        return "a prefix needs at least one word, and none may be empty"
    if not all(word.isascii() and word.isprintable() for word in prefix):
        return "only printable ASCII words can be allowed for good"
    if len(prefix) > _WORDS_LIMIT or any(len(word) > _CHARACTERS_LIMIT for word in prefix):
        return f"a prefix is at most {_WORDS_LIMIT} words of {_CHARACTERS_LIMIT} characters"
    program = prefix[0]
    if "/" in program:
        return f"{program!r} is a path, and what lies there can be changed"
    if programs.reach(program, prefix[1] if len(prefix) > 1 else None) is not Reach.PREFIX:
        return f"{program!r} can run other programs"
    if programs.asked_each_time(prefix):
        return f"what {program!r} does depends on what it is given, so it is asked each time"
    return None


def propose(argv: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the words up to the first flag or path, or all of them if only the program is left.

    So `cargo test --all` gives `cargo test`, and `touch notes.txt` gives itself and not `touch`.
    """
    words: list[str] = []
    for word in argv[:_NAMES_LIMIT]:
        if words and (flags.is_flag(word) or not _is_name(word)):
            break
        words.append(word)
    prefix = tuple(words) if len(words) > 1 else argv
    return prefix if why_not(prefix) is None else None


def _is_name(word: str) -> bool:
    return word.replace("-", "").replace("_", "").replace(":", "").isalnum()
