"""Defaults, the person's rules and the project's, which only tighten (DESIGN §6)."""

from pathlib import Path

import pytest

from quarterdeck.policy.call import Decision
from quarterdeck.policy.rulebook import Rulebook
from quarterdeck.policy.trust import NotAsSeen, Trust, content_hash
from tests.policy.judging import shell_call

PROJECT = """
[[rules]]
id = "tests"
decision = "allow"
command = [["npm", "test"]]
[[rules]]
id = "no-log"
decision = "forbid"
command = [["git", "log"]]
"""


def decided(book: Rulebook, text: str) -> Decision:
    return book.decide(shell_call(text, Path("/.example"))).decision


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_without_files_the_defaults_count(tmp_path: Path) -> None:
    book = Rulebook.load(tmp_path / "none.toml", tmp_path / "x" / "none.toml")
    assert book.problems == ()
    assert decided(book, "ls") is Decision.ALLOW
    assert decided(book, "npm test") is Decision.ASK


def test_a_person_adds_rules_and_switches_defaults_off(tmp_path: Path) -> None:
    text = (
        'disable = ["list"]\n[[rules]]\nid = "t"\ndecision = "allow"\ncommand = [["npm", "test"]]'
    )
    book = Rulebook.load(written(tmp_path / "policy.toml", text))
    assert book.problems == ()
    assert decided(book, "npm test") is Decision.ALLOW
    assert decided(book, "ls") is Decision.ASK
    assert decided(book, "git status") is Decision.ALLOW


def test_a_project_only_tightens_until_its_content_is_trusted(tmp_path: Path) -> None:
    file = written(tmp_path / "project" / "policy.toml", PROJECT)
    trust = Trust(tmp_path / "state" / "trust.json")
    book = Rulebook.load(None, file, trust)
    assert decided(book, "npm test") is Decision.ASK
    assert decided(book, "git log") is Decision.FORBID
    assert book.untrusted == ("tests",)

    assert book.project_sha256 == content_hash(PROJECT.encode())
    trust.give(file, content_hash(PROJECT.encode()))
    book = Rulebook.load(None, file, trust)
    assert decided(book, "npm test") is Decision.ALLOW
    assert decided(book, "git log") is Decision.FORBID
    assert book.untrusted == ()

    file.write_text(PROJECT + "\n# changed\n")
    assert decided(Rulebook.load(None, file, trust), "npm test") is Decision.ASK


def test_trust_is_for_what_was_seen_and_for_one_place(tmp_path: Path) -> None:
    file = written(tmp_path / "a" / "policy.toml", PROJECT)
    other = written(tmp_path / "b" / "policy.toml", PROJECT)
    trust = Trust(tmp_path / "trust.json")
    sha256 = content_hash(PROJECT.encode())
    with pytest.raises(NotAsSeen):
        trust.give(file, content_hash(b"something else"))
    assert not trust.holds(file, sha256)
    trust.give(file, sha256)
    assert trust.holds(file, sha256)
    assert not trust.holds(other, sha256)
    assert (tmp_path / "trust.json").stat().st_mode & 0o777 == 0o600
    trust.withdraw(file)
    assert not trust.holds(file, sha256)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"projects": 5}', b"\xff", b"[" * 100000])
def test_a_damaged_trust_file_trusts_nothing(tmp_path: Path, content: bytes) -> None:
    file = written(tmp_path / "policy.toml", PROJECT)
    (tmp_path / "trust.json").write_bytes(content)
    trust = Trust(tmp_path / "trust.json")
    assert not trust.holds(file, content_hash(PROJECT.encode()))
    trust.give(file, content_hash(PROJECT.encode()))
    assert trust.holds(file, content_hash(PROJECT.encode()))


@pytest.mark.parametrize("which", ["user", "project"])
def test_a_broken_file_asks_about_everything_and_says_why(tmp_path: Path, which: str) -> None:
    file = written(tmp_path / "policy.toml", '[[rules]]\nid = "x"\ndecision = "maybe"\n')
    book = Rulebook.load(file) if which == "user" else Rulebook.load(None, file)
    assert len(book.problems) == 1
    assert f"{file}:3: rules[0].decision" in book.problems[0]
    verdict = book.decide(shell_call("ls", Path("/.example")))
    assert (verdict.decision, verdict.reason) == (Decision.ASK, book.problems[0])
    assert decided(book, "rm -rf /") is Decision.FORBID


def test_files_that_cannot_be_read_are_problems(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b"# \xe4\n")
    for file in (folder, latin, written(tmp_path / "d.toml", 'disable = ["nothing"]')):
        book = Rulebook.load(file)
        assert len(book.problems) == 1
        assert str(file) in book.problems[0]
        assert decided(book, "ls") is Decision.ASK
