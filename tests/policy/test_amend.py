"""An amendment adds a rule to the person's file and leaves the rest as it was (C5)."""

import threading
from pathlib import Path

import pytest

from quarterdeck.policy import amend, private_file
from quarterdeck.policy.amend import AmendmentRefused
from quarterdeck.policy.call import Call, Decision, Tool
from quarterdeck.policy.rule_file import RuleFileError
from quarterdeck.policy.rulebook import Rulebook
from tests.policy.judging import shell_call

HERE = Path("/.example")
MINE = """# My rules, do not lose this line.
version = 1
disable = ["tree"]  # never wanted

[[rules]]
id = "allow-npm-test"   # by hand
decision = "ask"
command = [ ["npm",   "test", "--now"] ]
# the end
"""


def decided(file: Path, text: str) -> Decision:
    book = Rulebook.load(file)
    assert book.problems == ()
    return book.decide(shell_call(text, HERE)).decision


def test_a_prefix_is_allowed_from_then_on_inside_the_directory_only(tmp_path: Path) -> None:
    file = tmp_path / "config" / "policy.toml"
    rule_id = amend.allow_command(file, ("npm", "test"), "approved once too often")
    assert rule_id == "allow-npm-test"
    assert decided(file, "npm test --watch src") is Decision.ALLOW
    assert decided(file, "npm test /etc") is Decision.ASK
    assert decided(file, "npm run build") is Decision.ASK
    assert "approved once too often" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_comments_order_and_layout_stay(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(MINE)
    file.chmod(0o644)
    assert amend.allow_command(file, ("npm", "test")) == "allow-npm-test-2"
    text = file.read_text()
    for line in MINE.splitlines():
        assert line in text.splitlines()
    assert text.startswith(MINE.removesuffix("# the end\n"))
    assert file.stat().st_mode & 0o777 == 0o600
    assert decided(file, "npm test") is Decision.ALLOW
    assert decided(file, "npm test --now") is Decision.ASK
    assert list(tmp_path.iterdir()) == [file]


def test_the_same_amendment_twice_is_one_rule(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    first = amend.allow_command(file, ("npm", "test"), "a")
    text = file.read_text()
    assert amend.allow_command(file, ("npm", "test"), "b") == first
    assert file.read_text() == text


@pytest.mark.parametrize(
    "prefix",
    [
        (),
        ("",),
        ("bash",),
        ("git", "status"),
        ("sudo", "ls"),
        ("env", "npm", "test"),
        ("python3", "x.py"),
        ("npm",),
        ("npm", "exec", "x"),
        ("npm", "install"),
        ("./run.sh",),
        ("rm", "-rf", "build"),
        ("curl", "https://a.example"),
        ("l\u0455",),
        ("x", "a\nb"),
        ("x",) * 21,
        ("x", "y" * 201),
    ],
)
def test_what_cannot_be_allowed_for_good_is_refused(
    tmp_path: Path, prefix: tuple[str, ...]
) -> None:
    """Also when a person edits the proposal into it."""
    file = tmp_path / "policy.toml"
    with pytest.raises(AmendmentRefused):
        amend.allow_command(file, prefix)
    assert not file.exists()


@pytest.mark.parametrize("text", ["[[rules", "rules = []\n", "nonsense = 1\n"])
def test_a_file_that_cannot_take_a_rule_is_left_as_it_is(tmp_path: Path, text: str) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(text)
    with pytest.raises(RuleFileError):
        amend.allow_command(file, ("npm", "test"))
    assert file.read_text() == text


def test_hosts_are_settled_one_by_one(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    amend.settle_host(file, "docs.python.org", Decision.ALLOW)
    amend.settle_host(file, "*.evil.example", Decision.FORBID)
    book = Rulebook.load(file)
    found = [
        book.decide(Call(Tool.FETCH, HERE, HERE, host=host)).decision
        for host in ("docs.python.org", "www.evil.example", "python.org")
    ]
    assert found == [Decision.ALLOW, Decision.FORBID, Decision.ASK]
    for host, decision in (("*", Decision.ALLOW), ("a b", Decision.ALLOW), ("a.b", Decision.ASK)):
        with pytest.raises(AmendmentRefused):
            amend.settle_host(file, host, decision)


def test_a_symlinked_file_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "policy.toml"
    real.parent.mkdir()
    real.write_text("version = 1\n")
    link = tmp_path / "policy.toml"
    link.symlink_to(real)
    amend.allow_command(link, ("npm", "test"))
    assert link.is_symlink()
    assert "npm" in real.read_text()


def test_readers_see_a_whole_file_at_any_time(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    texts = {"a" * 200_000, "b" * 200_000}
    private_file.replace(file, min(texts))
    seen: set[str] = set()
    stop = threading.Event()

    def reading() -> None:
        while not stop.is_set():
            seen.add(file.read_text())

    reader = threading.Thread(target=reading)
    reader.start()
    for text in [*texts] * 10:
        private_file.replace(file, text)
    stop.set()
    reader.join()
    assert seen <= texts


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    private_file.replace(file, "old")
    with pytest.raises(UnicodeEncodeError):
        private_file.replace(file, "new \ud800")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]
