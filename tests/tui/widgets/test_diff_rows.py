"""A unified diff becomes rows with line numbers, in one column or side by side."""

import random

import pytest

from quarterdeck.tui.folding import DiffKind
from quarterdeck.tui.widgets import diff_rows
from quarterdeck.tui.widgets.diff_rows import DiffLine, DiffLines, OneColumn, SideBySide

DIFF = """diff --git a/f b/f
index 1..2 100644
--- a/f
+++ b/f
@@ -1,4 +1,5 @@ def f
 same
--- was a rule
-two
+2
 end
+++ plus
\\ No newline at end of file
@@ -20 +21 @@
-x
+y
"""


def texts(rows: SideBySide) -> list[tuple[str | None, str | None]]:
    """Return what stands left and right on each row."""
    found = [rows[at] for at in range(len(rows))]
    return [(row.left and row.left.text, row.right and row.right.text) for row in found]


def test_lines_have_the_numbers_they_have_in_the_files():
    found = DiffLines(DIFF)
    assert list(found) == [
        DiffLine(DiffKind.HUNK, "@@ -1,4 +1,5 @@ def f"),
        DiffLine(DiffKind.PLAIN, "same", 1, 1),
        DiffLine(DiffKind.REMOVED, "-- was a rule", 2),
        DiffLine(DiffKind.REMOVED, "two", 3),
        DiffLine(DiffKind.ADDED, "2", None, 2),
        DiffLine(DiffKind.PLAIN, "end", 4, 3),
        DiffLine(DiffKind.ADDED, "++ plus", None, 4),
        DiffLine(DiffKind.FILE, "\\ No newline at end of file"),
        DiffLine(DiffKind.HUNK, "@@ -20 +21 @@"),
        DiffLine(DiffKind.REMOVED, "x", 20),
        DiffLine(DiffKind.ADDED, "y", None, 21),
    ]
    rows = OneColumn(found)
    assert [rows[at].line for at in range(len(rows))] == list(found)


def test_side_by_side_pairs_what_was_with_what_is():
    rows = SideBySide(DiffLines(DIFF))
    assert texts(rows) == [
        ("@@ -1,4 +1,5 @@ def f", None),
        ("same", "same"),
        ("-- was a rule", "2"),
        ("two", None),
        ("end", "end"),
        (None, "++ plus"),
        ("\\ No newline at end of file", None),
        ("@@ -20 +21 @@", None),
        ("x", "y"),
    ]


def test_a_binary_file_says_so_and_no_diff_has_no_rows():
    assert [line.text for line in DiffLines("Binary files a/x and b/x differ\n")] == [
        "Binary files a/x and b/x differ"
    ]
    assert list(DiffLines("")) == []
    assert len(SideBySide(DiffLines(""))) == 0


def test_a_line_that_only_looks_like_a_hunk_is_left_out_and_moves_no_number():
    found = DiffLines("@@ -1 +1 @@\n same\n@@ no hunk\ndiff --git\n-x\n")
    assert list(found) == [
        DiffLine(DiffKind.HUNK, "@@ -1 +1 @@"),
        DiffLine(DiffKind.PLAIN, "same", 1, 1),
        DiffLine(DiffKind.REMOVED, "x", 2),
    ]


@pytest.mark.parametrize("seed", range(20))
def test_numbers_and_pairs_hold_in_long_diffs_too(seed):
    chance = random.Random(seed)
    text, told, number = ["diff --git a/f b/f", "rename from f"], [], [0, 0]
    for _ in range(6):
        number = [number[0] + chance.randrange(50), number[1] + chance.randrange(50)]
        text.append(f"@@ -{number[0]} +{number[1]} @@")
        told.append((None, None))
        for sign in chance.choices("+- ", k=chance.choice((3, 700, 1500))):
            text.append(f"{sign}a")
            told.append((None if sign == "+" else number[0], None if sign == "-" else number[1]))
            number = [number[0] + (sign != "+"), number[1] + (sign != "-")]
    lines = DiffLines("\n".join(text))
    assert [(line.old, line.new) for line in lines][1:] == told
    rows = SideBySide(lines)
    sides = [rows[at] for at in range(len(rows))]
    assert [row.left.old for row in sides if row.left and row.left.old] == [
        old for old, _ in told if old
    ]
    assert [row.right.new for row in sides if row.right and row.right.new] == [
        new for _, new in told if new
    ]
    assert [lines[rows.line_at(at)] for at in range(len(rows))] == [row.line for row in sides]


def test_of_a_long_diff_only_the_rows_asked_for_are_made(monkeypatch):
    made: list[str] = []
    monkeypatch.setattr(
        diff_rows, "DiffLine", lambda *given: made.append(given[1]) or DiffLine(*given)
    )
    text = "@@ -1,9999 +1,9999 @@\n" + "-old\n" * 9999 + "+new\n" * 9999
    lines = DiffLines(text)
    rows = [OneColumn(lines), SideBySide(lines)]
    assert [len(each) for each in rows] == [19_999, 10_000]
    assert rows[1][5000].line == DiffLine(DiffKind.ADDED, "new", None, 5000)
    assert made == ["old", "new"]
