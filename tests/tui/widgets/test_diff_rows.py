"""A unified diff becomes rows with line numbers, in one column or side by side."""

from quarterdeck.tui.folding import DiffKind
from quarterdeck.tui.widgets.diff_rows import DiffLine, lines_of, one_column, side_by_side

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


def test_lines_have_the_numbers_they_have_in_the_files():
    found = lines_of(DIFF)
    assert found == [
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
    assert [row.line for row in one_column(found)] == found


def test_side_by_side_pairs_what_was_with_what_is():
    rows = [
        (row.left and row.left.text, row.right and row.right.text)
        for row in side_by_side(lines_of(DIFF))
    ]
    assert rows == [
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
    assert [line.text for line in lines_of("Binary files a/x and b/x differ\n")] == [
        "Binary files a/x and b/x differ"
    ]
    assert lines_of("") == []
