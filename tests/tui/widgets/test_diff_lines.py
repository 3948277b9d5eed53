"""Changes of files."""

from quarterdeck.tui.widgets.diff_lines import file_change


def test_a_change_is_a_unified_diff() -> None:
    change = file_change("a\nb\nc\n", "a\nB\nc\nd\n")
    assert change.lines == ["@@ -1,3 +1,4 @@", " a", "-b", "+B", " c", "+d"]
    assert (change.added, change.removed) == (2, 1)


def test_a_small_change_in_a_large_file_shows_only_its_surroundings() -> None:
    old = [str(n) for n in range(100_000)]
    new = [*old[:50_000], "new", *old[50_000:]]
    change = file_change("\n".join(old), "\n".join(new))
    assert change.lines[0] == "@@ -49998,6 +49998,7 @@"
    assert change.lines[4] == "+new"
    assert len(change.lines) == 8


def test_what_is_too_large_to_compare_is_shown_as_replaced() -> None:
    change = file_change("\n".join("a" * 5000), "\n".join("b" * 5000))
    assert (change.added, change.removed) == (5000, 5000)
    assert change.lines[1:3] == ["-a", "-a"]


def test_a_new_file_and_no_change() -> None:
    assert file_change("", "x\ny").lines == ["@@ -1,0 +1,2 @@", "+x", "+y"]
    assert file_change("x", "x").lines == []
