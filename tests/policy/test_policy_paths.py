"""Paths are judged by where they lead (C4, DESIGN §6)."""

from pathlib import Path

import pytest

from quarterdeck.policy import paths
from quarterdeck.policy.paths import Globs
from tests.policy.conftest import Place


@pytest.mark.parametrize(
    ("path", "leads"),
    [
        ("src/main.py", "src/main.py"),
        ("./src/../README.md", "README.md"),
        ("missing/file", "missing/file"),
        ("src/missing/../../README.md", "README.md"),
        (".", ""),
        ("link-inside/main.py", "src/main.py"),
        ("README.md/x", "README.md/x"),
    ],
)
def test_a_path_inside_leads_inside(place: Place, path: str, leads: str) -> None:
    root = str(place.root.resolve())
    assert paths.resolve(root, path) == str(Path(root, leads))


@pytest.mark.parametrize(
    "path", ["link-out", "link-out/secret", "link-to-secret", "../x", "/etc/passwd", "src/../../x"]
)
def test_symlinks_and_dots_are_followed_out(place: Place, path: str) -> None:
    root = str(place.root.resolve())
    found = paths.resolve(root, path)
    assert found is not None
    assert not paths.inside(root, found)


@pytest.mark.parametrize("path", ["", "~", "~/x", "loop", "a\0b", "\ud800", "x" * 5000, "n" * 300])
def test_what_cannot_be_told_is_not_guessed(place: Place, path: str) -> None:
    assert paths.resolve(str(place.root.resolve()), path) is None


def test_a_directory_with_a_longer_name_is_not_inside() -> None:
    assert paths.inside("/a/b", "/a/b")
    assert paths.inside("/a/b", "/a/b/c")
    assert not paths.inside("/a/b", "/a/bc")
    assert paths.inside("/", "/a")


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("**", "/r", True),
        ("**", "/r/a/b", True),
        ("**", "/rx", False),
        ("src/**", "/r/src/a/b", True),
        ("src/**", "/r/srcx", False),
        ("*.py", "/r/a.py", True),
        ("*.py", "/r/a/b.py", False),
        ("**/*.py", "/r/a/b.py", True),
        ("/**/.env", "/x/y/.env", True),
        ("/**/.env", "/x/y/.env/z", False),
        ("/**/.ssh/**", "/h/.ssh/id", True),
        ("/**/a/**/b/c", "/a/b/1/b/c", True),
        ("/a?c/*", "/abc/d", True),
        ("/a?c/*", "/abc/d/e", False),
        ("/", "/", True),
        ("/", "/a", False),
        ("~/x", str(Path.home() / "x"), True),
    ],
)
def test_globs(glob: str, path: str, matches: bool) -> None:
    assert Globs((glob,)).match("/r", path) is matches


def test_globs_can_pass_over_case_as_some_file_systems_do() -> None:
    assert Globs(("/**/.env",), any_case=True).match("/r", "/r/.ENV")
    assert not Globs(("/**/.env",)).match("/r", "/r/.ENV")


def test_a_checked_in_repository_is_not_the_sessions_own(place: Place) -> None:
    """Its configuration can name programs that `git status` runs."""
    root = str(place.root.resolve())
    assert paths.own_repository(root, root)
    assert paths.own_repository(root, f"{root}/src")
    assert not paths.own_repository(root, f"{root}/vendored")
    assert not paths.own_repository(root, f"{root}/vendored/bare/objects")
    assert not paths.own_repository(root, "/")
