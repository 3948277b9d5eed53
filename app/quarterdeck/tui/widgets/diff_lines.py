"""A file's change as the lines of a unified diff, with a bound on the work."""

import difflib
from dataclasses import dataclass

_CONTEXT = 3
_MAX_COMPARED = 400
"""Lines of each side beyond which the changed part is shown as replaced instead of compared."""


@dataclass(frozen=True)
class FileChange:
    """The lines of a unified diff without file headers, and how many lines came and went."""

    lines: list[str]
    added: int
    removed: int


def file_change(old: str, new: str) -> FileChange:
    """Return what turns `old` into `new`.

    What both begin and end with is cut off before comparing, so that a small change in a
    large file costs little, and a change too large to compare is shown as replaced.
    """
    before, after = old.splitlines(), new.splitlines()
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    first = max(0, head - _CONTEXT)
    last = max(0, tail - _CONTEXT)
    before = before[first : len(before) - last]
    after = after[first : len(after) - last]
    if max(len(before), len(after)) > _MAX_COMPARED:
        lines = [_hunk(first, len(before), len(after))]
        lines += [f"-{line}" for line in before] + [f"+{line}" for line in after]
    else:
        lines = []
        for group in difflib.SequenceMatcher(None, before, after).get_grouped_opcodes(_CONTEXT):
            lines += _group(group, before, after, first)
    return FileChange(
        lines,
        added=sum(line.startswith("+") for line in lines),
        removed=sum(line.startswith("-") for line in lines),
    )


def _group(
    group: list[tuple[str, int, int, int, int]], before: list[str], after: list[str], first: int
) -> list[str]:
    old_start, old_end = group[0][1], group[-1][2]
    new_start, new_end = group[0][3], group[-1][4]
    lines = [
        f"@@ -{first + old_start + 1},{old_end - old_start} "
        f"+{first + new_start + 1},{new_end - new_start} @@"
    ]
    for tag, i1, i2, j1, j2 in group:
        if tag == "equal":
            lines += [f" {line}" for line in before[i1:i2]]
            continue
        lines += [f"-{line}" for line in before[i1:i2]]
        lines += [f"+{line}" for line in after[j1:j2]]
    return lines


def _hunk(first: int, old: int, new: int) -> str:
    return f"@@ -{first + 1},{old} +{first + 1},{new} @@"


def _common(left: list[str], right: list[str]) -> int:
    count = 0
    for a, b in zip(left, right, strict=False):
        if a != b:
            break
        count += 1
    return count
