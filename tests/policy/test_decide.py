"""The decision over rules, modes and parts of a call (C4, C5, DESIGN §6)."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quarterdeck.policy.call import Call, Decision, Mode, Tool, strictness
from tests.policy.conftest import Place
from tests.policy.judging import DEFAULTS, by_rules, judge, shell_call

HERE = Path("/.example")
ALLOW, ASK, FORBID = Decision.ALLOW, Decision.ASK, Decision.FORBID

THREE = """
[[rules]]
id = "ok"
decision = "allow"
command = [["ok"]]
[[rules]]
id = "hm"
decision = "ask"
reason = "better look"
command = [["hm"], ["ok", "--hm"]]
[[rules]]
id = "no"
decision = "forbid"
reason = "never"
command = [["no"], ["ok", "--no"]]
"""


@pytest.mark.parametrize(
    ("text", "decision", "rule"),
    [
        ("ok", ALLOW, "user:ok"),
        ("hm", ASK, "user:hm"),
        ("no", FORBID, "user:no"),
        ("other", ASK, None),
        ("ok --hm", ASK, "user:hm"),
        ("ok --no", FORBID, "user:no"),
        ("ok && hm", ASK, "user:hm"),
        ("ok; other; no", FORBID, "user:no"),
        ("ok | ok", ALLOW, "user:ok"),
        ("other && hm", ASK, "user:hm"),
        ("ok > x", ASK, None),
        ("no > x", FORBID, "user:no"),
    ],
)
def test_the_strictest_wins_and_forbid_comes_first(
    text: str, decision: Decision, rule: str | None
) -> None:
    verdict = by_rules(THREE, shell_call(text, HERE))
    assert (verdict.decision, verdict.rule) == (decision, rule)


def test_a_verdict_tells_the_rules_reason_and_its_text_at_that_time() -> None:
    verdict = by_rules(THREE, shell_call("no", HERE))
    assert verdict.reason == "never"
    assert verdict.rule_text is not None
    assert 'id = "no"' in verdict.rule_text


def test_a_program_by_path_is_not_the_bare_name_but_forbidden_all_the_same() -> None:
    assert by_rules(THREE, shell_call("/usr/bin/ok", HERE)).decision is ASK
    assert by_rules(THREE, shell_call("./ok", HERE)).decision is ASK
    assert by_rules(THREE, shell_call("/usr/bin/no", HERE)).decision is FORBID
    assert by_rules(THREE, shell_call("sudo -n no", HERE)).decision is FORBID


def test_rules_can_be_for_an_agent_or_a_mode() -> None:
    toml = """
    [[rules]]
    id = "a"
    decision = "allow"
    agent = ["code*"]
    mode = ["trusted"]
    command = [["x"]]
    """
    call = shell_call("x", HERE, Mode.TRUSTED)
    assert by_rules(toml, replace(call, agent="codex")).decision is ALLOW
    assert by_rules(toml, replace(call, agent="gemini")).decision is ASK
    assert by_rules(toml, replace(call, agent="codex", mode=Mode.NORMAL)).decision is ASK


@pytest.mark.parametrize(
    ("host", "decision"),
    [
        ("docs.python.org", ALLOW),
        ("DOCS.python.org", ALLOW),
        ("evil.example", FORBID),
        ("python.org.evil.net", ASK),
        (None, ASK),
    ],
)
def test_hosts(host: str | None, decision: Decision) -> None:
    """C5: an unsettled host is proposed, each by itself."""
    toml = """
    [[rules]]
    id = "docs"
    decision = "allow"
    tool = "fetch"
    host = ["*.python.org"]
    [[rules]]
    id = "evil"
    decision = "forbid"
    tool = "fetch"
    host = ["evil.example"]
    """
    verdict = by_rules(toml, Call(Tool.FETCH, HERE, HERE, host=host))
    assert verdict.decision is decision
    assert verdict.host == (host if decision is ASK else None)


def test_mcp_servers_and_tools() -> None:
    toml = """
    [[rules]]
    id = "issues"
    decision = "allow"
    tool = "mcp"
    server = ["tracker"]
    mcp_tool = ["list_*"]
    """
    call = Call(Tool.MCP, HERE, HERE, mcp_server="tracker", mcp_tool="list_issues")
    assert by_rules(toml, call).decision is ALLOW
    assert by_rules(toml, replace(call, mcp_tool="delete_issue")).decision is ASK
    assert by_rules(toml, replace(call, mcp_server="other")).decision is ASK
    assert by_rules(toml, replace(call, mcp_tool=None)).decision is ASK


def test_an_allow_rule_is_about_the_sessions_directory_unless_it_says_otherwise() -> None:
    toml = """
    [[rules]]
    id = "x"
    decision = "allow"
    command = [["x"]]
    [[rules]]
    id = "y"
    decision = "allow"
    command = [["y"]]
    paths = ["**", "/opt/**"]
    not_paths = ["**/private/**"]
    """
    for text in ("x a", "x --file=a/b", "y /opt/z", "y a"):
        assert by_rules(toml, shell_call(text, HERE)).decision is ALLOW, text
    for text in ("x /opt/z", "x --file=/z", "x -f/z", "x a:/z", "y /opt2", "y private/a"):
        assert by_rules(toml, shell_call(text, HERE)).decision is ASK, text


@pytest.mark.parametrize(
    ("tool", "path", "normal", "trusted", "read_only"),
    [
        (Tool.READ, "src/main.py", ALLOW, ALLOW, ALLOW),
        (Tool.READ, "link-out/secret", ASK, ASK, ASK),
        (Tool.READ, ".env", ASK, ASK, ASK),
        (Tool.SEARCH, "src", ALLOW, ALLOW, ALLOW),
        (Tool.EDIT, "src/main.py", ASK, ALLOW, FORBID),
        (Tool.EDIT, "link-out/x", ASK, ASK, FORBID),
        (Tool.EDIT, ".git/hooks/pre-commit", ASK, ASK, FORBID),
        (Tool.EDIT, ".quarterdeck/policy.toml", ASK, ASK, FORBID),
        (Tool.EDIT, ".env", ASK, ASK, FORBID),
        (Tool.DELETE, "src/main.py", ASK, ASK, FORBID),
        (Tool.MOVE, "src/main.py", ASK, ASK, FORBID),
    ],
)
def test_files_by_mode(
    place: Place, tool: Tool, path: str, normal: Decision, trusted: Decision, read_only: Decision
) -> None:
    expected = {
        Mode.NORMAL: normal,
        Mode.TRUSTED: trusted,
        Mode.READ_ONLY: read_only,
        Mode.ASK_ALL: ASK,
    }
    for mode, decision in expected.items():
        call = Call(tool, place.root, place.root, mode=mode, paths=(path,))
        assert DEFAULTS.decide(call).decision is decision, mode


def test_one_path_outside_decides_about_all(place: Place) -> None:
    call = Call(Tool.READ, place.root, place.root, paths=("README.md", "/etc/passwd"))
    verdict = DEFAULTS.decide(call)
    assert verdict.decision is ASK
    assert "/etc/passwd" in verdict.reason
    assert DEFAULTS.decide(replace(call, paths=())).decision is ASK


def test_commands_by_mode(place: Place) -> None:
    """Read-only forbids what is not known to only read; ask-all asks about what is allowed."""
    expected = {
        Mode.NORMAL: (ALLOW, ASK, ASK, FORBID),
        Mode.TRUSTED: (ALLOW, ASK, ASK, FORBID),
        Mode.ASK_ALL: (ASK, ASK, ASK, FORBID),
        Mode.READ_ONLY: (ALLOW, FORBID, FORBID, FORBID),
    }
    for mode, decisions in expected.items():
        texts = ("git status | head", "npm test", "ls > x", "rm -rf /")
        assert tuple(judge(t, place.root, mode).decision for t in texts) == decisions, mode


def test_an_allowed_command_that_writes_is_forbidden_in_a_read_only_session() -> None:
    toml = '[[rules]]\nid = "t"\ndecision = "allow"\ncommand = [["npm", "test"]]\n'
    assert by_rules(toml, shell_call("npm test", HERE)).decision is ALLOW
    assert by_rules(toml, shell_call("npm test", HERE, Mode.READ_ONLY)).decision is FORBID


def test_paths_after_a_leading_cd_are_judged_where_it_leads(place: Place) -> None:
    for text in ("cd src && cat main.py", f"cd {place.root}/src && ls ..", "cd src && ls; ls"):
        assert judge(text, place.root).decision is ALLOW, text
    for text in (
        "cd src && cat ../../x",
        "cd src; cat main.py",
        "cd src && ls; cat ../x",
        "cd src || cat main.py",
        "ls && cd src",
        "cd link-out && cat secret",
        "cd ..",
    ):
        assert judge(text, place.root).decision is ASK, text


def test_a_call_that_works_elsewhere_is_judged_there(place: Place) -> None:
    assert judge("ls ..", place.root, cwd=place.root / "src").decision is ALLOW
    assert judge("echo here", place.root, cwd=place.outside).decision is ALLOW
    reason = judge("ls", place.root, cwd=place.outside).reason
    assert reason == f"it would work in '{place.outside}', outside of the session's directory"


@pytest.mark.parametrize(
    "text", ["ls", "rg x", "grep -r x", "find", "tree", "du", "pwd", "cat main.py", "git status"]
)
def test_what_works_outside_is_asked_though_it_names_nothing_there(place: Place, text: str) -> None:
    """C4: an agent says where a call works, and many commands read what lies there, unnamed."""
    for cwd in (place.outside, place.root / "link-out", place.root / "..", Path("/")):
        verdict = judge(text, place.root, cwd=cwd)
        assert verdict.decision is ASK, cwd
    assert judge(text, place.root, cwd=place.root / "src").decision is ALLOW
    toml = """
    [[rules]]
    id = "data"
    decision = "allow"
    command = [["ls"]]
    paths = ["**", "{outside}/**"]
    """
    toml = toml.replace("{outside}", str(place.outside))
    assert by_rules(toml, shell_call("ls", place.root, cwd=place.outside)).decision is ALLOW
    assert by_rules(toml, shell_call("ls", place.root, cwd=Path("/"))).decision is ASK


def test_git_is_asked_where_files_of_the_session_would_be_its_repository(tmp_path: Path) -> None:
    """C4: a trusted session could write one, whose configuration names programs to run."""
    for name in ("HEAD", "config", "objects/x", "refs/x"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert judge("git status", tmp_path, Mode.TRUSTED).decision is ASK
    (tmp_path / ".git").mkdir()
    assert judge("git status", tmp_path, Mode.TRUSTED).decision is ALLOW


@pytest.mark.parametrize(
    ("text", "decision"),
    [
        ("rg -g .env KEY", ASK),
        ("rg -g '.e*' KEY", ASK),
        ("rg -ng'*' KEY", ASK),
        ("rg --glob '**/.[e]nv' KEY", ASK),
        ("rg --iglob '{.ENV,x}' KEY", ASK),
        ("grep -rn --include .env KEY src", ASK),
        ("grep -rn --include='.e*' KEY src", ASK),
        ("git log -p -- '.en*'", ASK),
        ("git show HEAD -- ':(glob)**/.e*'", ASK),
        ("rg -A 3 KEY src/.env", ASK),
        ("rg -A 3 'KEY.*' src", ALLOW),
        ("rg '.*' src", ALLOW),
        ("rg -g '*.py' '/api/.*' src", ALLOW),
        ("rg -g '!*.lock' -g '*.{js,ts}' 'from .*' src", ALLOW),
        ("grep -rn --include='*.py' '/api/.*' src", ALLOW),
        ("git diff -- '*.py'", ALLOW),
        ("find src -name '*'", ALLOW),
    ],
)
def test_a_glob_that_a_program_expands_counts_as_what_it_could_find(
    place: Place, text: str, decision: Decision
) -> None:
    assert judge(text, place.root).decision is decision


def test_a_search_through_folders_is_asked_if_secrets_lie_in_them(tmp_path: Path) -> None:
    below = tmp_path / "packages" / "api"
    below.mkdir(parents=True)
    assert judge("grep -rn KEY packages", tmp_path).decision is ALLOW
    (below / ".env").write_text("KEY=x\n")
    assert judge("grep -rn KEY packages", tmp_path).decision is ASK
    assert judge("grep -rn KEY", tmp_path).decision is ASK
    assert judge("grep -n KEY packages/api/main.py", tmp_path).decision is ALLOW


@pytest.mark.parametrize(
    ("text", "proposal"),
    [
        ("npm test", ("npm", "test")),
        ("cargo test --all | tail -5", ("cargo", "test")),
        ("cargo build && cargo build --release", ("cargo", "build")),
        ("touch notes.txt", ("touch", "notes.txt")),
        ("pytest -q tests", ("pytest", "-q", "tests")),
        ("npm test && cargo test", None),
        ("npm install evil", None),
        ("git push", None),
        ("bash run.sh", None),
        ("python3.11 x.py", None),
        ("env npm test", None),
        ("sudo npm test", None),
        ("uv run x", None),
        ("./gradlew test", None),
        ("rm x", None),
        ("find . -delete", None),
        ("npm test > x", None),
        ("touch /etc/x", None),
        ("cat .env", None),
        ("ls", None),
    ],
)
def test_a_prefix_is_proposed_only_where_it_may_be_allowed_for_good(
    place: Place, text: str, proposal: tuple[str, ...] | None
) -> None:
    """C5: amending is offered only when a command prefix is proposed."""
    assert judge(text, place.root).proposal == proposal


def test_doubt_and_broken_rules_allow_nothing_and_loosen_nothing(place: Place) -> None:
    call = shell_call("ls", place.root)
    assert DEFAULTS.decide(replace(call, doubt="odd")).decision is ASK
    assert DEFAULTS.decide(replace(call, doubt="odd")).reason == "odd"
    broken = replace(DEFAULTS, problems=("policy.toml:3: broken",))
    assert broken.decide(call).reason == "policy.toml:3: broken"
    assert broken.decide(call).decision is ASK
    assert broken.decide(replace(call, shell="rm -rf /")).decision is FORBID


def test_a_command_that_is_named_as_another_kind_is_judged_as_one(place: Place) -> None:
    """C4: every shell call is judged as one tool, whatever its name."""
    for tool in Tool:
        call = Call(tool, place.root, place.root, shell="touch x", paths=("README.md",))
        assert DEFAULTS.decide(call).decision is ASK, tool
        assert DEFAULTS.decide(replace(call, shell="rm -rf /")).decision is FORBID, tool


def test_an_execute_call_without_a_command_is_asked(place: Place) -> None:
    for argv in (None, (), ("",)):
        call = Call(Tool.EXECUTE, place.root, place.root, argv=argv)
        assert DEFAULTS.decide(call).decision is ASK


PIECES = st.sampled_from(
    [
        "ls",
        "cat",
        "git log",
        " ",
        "-n",
        "--",
        "&&",
        "||",
        ";",
        "|",
        "'",
        '"',
        "\\",
        "$(",
        ")",
        "`",
        "..",
        "/",
        "~",
        "README.md",
        ".env",
        "rm -rf /",
        "\n",
        "é",
        "cd src",
        "=",
        ":",
        "#",
        ">",
        "*",
    ]
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=15).map("".join))


@settings(max_examples=300)
@given(text=TEXTS, mode=st.sampled_from(list(Mode)))
def test_deciding_never_raises(text: str, mode: Mode) -> None:
    judge(text, HERE, mode)
    words = Call(Tool.EXECUTE, HERE, HERE, mode=mode, argv=tuple(text.split(" ")))
    DEFAULTS.decide(words)
    for tool in Tool:
        call = Call(tool, Path(text), HERE, text, mode, paths=(text,), host=text, mcp_server=text)
        DEFAULTS.decide(call)


@settings(max_examples=200)
@given(text=TEXTS, operator=st.sampled_from([" && ", " || ", "; ", " | ", "\n", " & "]))
def test_adding_a_forbidden_command_never_leaves_it_allowed(text: str, operator: str) -> None:
    for whole in (f"{text}{operator}rm -rf /", f"rm -rf /{operator}{text}"):
        assert judge(whole, HERE).decision is not ALLOW


COMMANDS = st.lists(
    st.sampled_from(["ls", "cat README.md", "npm test", "cat .env", "rm -rf /", "ls > x"]),
    min_size=1,
    max_size=6,
)


@given(commands=COMMANDS, operator=st.sampled_from([" && ", "; ", " | ", " || "]))
def test_the_whole_is_as_strict_as_its_strictest_part(commands: list[str], operator: str) -> None:
    parts = [strictness(judge(text, HERE).decision) for text in commands]
    assert strictness(judge(operator.join(commands), HERE).decision) == max(parts)
