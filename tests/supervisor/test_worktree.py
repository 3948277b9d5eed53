"""What git says of a work tree: listed, told file by file, and nothing of a repository is run."""

import os
import subprocess
from pathlib import Path

import pytest

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.supervisor import worktree


def git(top: Path, *arguments: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    done = subprocess.run(
        ["git", "-C", str(top), *who, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def top(tmp_path: Path) -> Path:
    top = tmp_path / "work"
    top.mkdir()
    git(top, "init", "-q")
    (top / "a.txt").write_text("one\ntwo\nthree\n")
    (top / "gone.txt").write_text("x\n")
    (top / "old name.txt").write_text("".join(f"line {n}\n" for n in range(20)))
    (top / "data.bin").write_bytes(bytes(range(256)))
    (top / ".gitignore").write_text("ignored\n")
    git(top, "add", ".")
    git(top, "commit", "-qm", "base")
    return top


async def test_every_kind_of_change_is_listed_with_its_lines(top: Path):
    base = git(top, "rev-parse", "HEAD")
    (top / "a.txt").write_text("one\n2\nthree\nfour\n")
    (top / "gone.txt").unlink()
    git(top, "mv", "old name.txt", "new name.txt")
    (top / "data.bin").write_bytes(bytes(reversed(range(256))))
    (top / "committed.txt").write_text("c\n")
    git(top, "add", ".")
    git(top, "commit", "-qm", "more")
    (top / "ünïcode\n.txt").write_text("u\nv")
    (top / "ignored").write_text("not told\n")
    found = await worktree.changed_files(str(top), base)
    told = {f.path: (f.status, f.added, f.removed, f.binary, f.old_path) for f in found.files}
    assert not found.more
    assert told == {
        "a.txt": ("modified", 2, 1, False, None),
        "gone.txt": ("deleted", 0, 1, False, None),
        "new name.txt": ("renamed", 0, 0, False, "old name.txt"),
        "data.bin": ("modified", 0, 0, True, None),
        "committed.txt": ("added", 1, 0, False, None),
        "ünïcode\n.txt": ("untracked", 2, 0, False, None),
    }


async def test_a_file_is_told_as_a_unified_diff_also_an_untracked_one(top: Path):
    base = git(top, "rev-parse", "HEAD")
    (top / "a.txt").write_text("one\n2\nthree\n")
    (top / "new.txt").write_text("fresh\n")
    changed = await worktree.file_diff(str(top), base, "a.txt")
    assert "-two\n+2\n" in changed.text and not changed.cut
    assert "+fresh\n" in (await worktree.file_diff(str(top), base, "new.txt")).text


async def test_a_diff_is_cut_at_its_limit(top: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(worktree, "DIFF_LIMIT", 1000)
    (top / "a.txt").write_text("y\n" * 100_000)
    found = await worktree.file_diff(str(top), None, "a.txt")
    assert found.cut and len(found.text) == 1000


@pytest.mark.parametrize("path", ["/etc/passwd", "../outside", "a/../../b"])
async def test_no_path_outside_the_work_tree_is_told(top: Path, path: str):
    with pytest.raises(QuarterdeckError) as caught:
        await worktree.file_diff(str(top), None, path)
    assert caught.value.code == "invalid_params"


async def test_outside_a_work_tree_is_said_so(tmp_path: Path):
    with pytest.raises(QuarterdeckError) as caught:
        await worktree.changed_files(str(tmp_path), None)
    assert caught.value.code == "no_worktree"


async def test_a_base_that_is_gone_and_a_repository_without_commits_are_borne(tmp_path: Path):
    git(tmp_path, "init", "-q")
    (tmp_path / "first.txt").write_text("1\n")
    git(tmp_path, "add", ".")
    found = await worktree.changed_files(str(tmp_path), "f" * 40)
    assert [(f.path, f.status, f.added) for f in found.files] == [("first.txt", "added", 1)]


async def test_nothing_a_repository_configures_is_run(top: Path):
    trap, sprung = top.parent / "trap.sh", top.parent / "sprung"
    trap.write_text(f"#!/bin/sh\ntouch {sprung}\ncat\n")
    trap.chmod(0o755)
    git(top, "config", "core.fsmonitor", str(trap))
    git(top, "config", "diff.external", str(trap))
    git(top, "config", "diff.evil.textconv", str(trap))
    git(top, "config", "core.pager", str(trap))
    (top / ".gitattributes").write_text("*.txt diff=evil\n")
    (top / "a.txt").write_text("changed\n")
    await worktree.changed_files(str(top), None)
    await worktree.file_diff(str(top), None, "a.txt")
    assert not sprung.exists()


async def test_files_are_found_by_their_letters_best_first(top: Path):
    (top / "src").mkdir()
    for name in ("src/main.py", "src/domain.py", "main.md"):
        (top / name).write_text("")
    found = await worktree.file_names(str(top), "main", 10)
    assert found == ["main.md", "src/main.py", "src/domain.py"]
    assert await worktree.file_names(str(top), "smn", 10) == ["src/main.py", "src/domain.py"]
    assert await worktree.file_names(str(top / "src"), "main", 10) == ["main.py", "domain.py"]


async def test_no_git_at_all_is_a_typed_error(top: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(os.environ, "PATH", "/nonexistent")
    with pytest.raises(QuarterdeckError) as caught:
        await worktree.file_names(str(top), "a", 10)
    assert caught.value.code == "git_failed"
