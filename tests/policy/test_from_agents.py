"""Calls are made of what agents really send, and of nothing they merely say (C4)."""

from pathlib import Path
from typing import Any

import pytest

from quarterdeck.policy.call import Call, Decision, Mode, Tool
from quarterdeck.policy.from_agents import (
    call_from_file,
    call_from_permission,
    call_from_terminal,
)
from tests.policy.conftest import Place
from tests.policy.judging import DEFAULTS

ROOT = Path("/.example")


def asked(raw: Any = None, kind: str | None = "execute", **more: Any) -> Call:
    call = {"kind": kind, "raw_input": raw} | more
    payload = {"kind": "tool_call", "tool_call": {k: v for k, v in call.items() if v is not None}}
    return call_from_permission(payload | {"cwd": str(ROOT)}, ROOT, "agent")


@pytest.mark.parametrize(
    "raw",
    [
        {"command": "git status"},
        {"command": "git status", "description": "look", "is_background": False},
        {"cmd": "git status", "timeout": 1000},
        {"command": ["/bin/bash", "-lc", "git status"], "call_id": "c", "parsed_cmd": [{}]},
        {"command": ["bash", "-c", "git status"]},
        {"command": "git", "args": ["status"]},
    ],
)
@pytest.mark.parametrize("kind", ["execute", "read", "other", "think", "edit", None, "new"])
def test_whatever_names_a_command_is_a_shell_call(raw: dict[str, Any], kind: str | None) -> None:
    call = asked(raw, kind)
    assert (call.tool, call.shell, call.argv) == (Tool.EXECUTE, "git status", None)
    assert call.doubt is None


def test_words_without_a_shell_stay_words() -> None:
    assert asked({"command": ["git", "log", "a b"]}).argv == ("git", "log", "a b")
    assert asked({"command": ["bash", "-c", "ls", "x"]}).argv == ("bash", "-c", "ls", "x")
    assert asked({"command": ["./bash", "-c", "ls"]}).shell is None


@pytest.mark.parametrize(
    "raw",
    [
        {"command": "ls", "env": {"LD_PRELOAD": "x"}},
        {"command": "ls", "cmd": "rm x"},
        {"command": "ls", "stdin": "x"},
        {"command": "ls", "sandbox_permissions": "require_escalated"},
        {"command": {"a": "b"}},
        {"command": ["ls", 1]},
        {"command": "ls", "args": ["; rm x"]},
        {"command": "ls", "args": "x"},
        {"command": "ls", "cwd": "/a", "workdir": "/b"},
        {"command": "ls", "cwd": "~"},
        {"command": "ls", "cwd": ["x"]},
        {},
        None,
        "ls",
        ["ls"],
    ],
)
def test_what_is_missing_contradictory_or_changes_what_runs_leaves_a_doubt(
    raw: Any, place: Place
) -> None:
    call = asked(raw)
    assert call.doubt is not None
    assert DEFAULTS.decide(call).decision is not Decision.ALLOW


def test_a_command_works_where_its_input_says() -> None:
    assert asked({"command": "ls", "workdir": "/x"}).cwd == Path("/x")
    assert asked({"command": "ls", "dir_path": "src"}).cwd == ROOT / "src"
    assert asked({"command": "ls"}).cwd == ROOT


@pytest.mark.parametrize(
    "raw",
    [
        {"file_path": "a.py"},
        {"filePath": "a.py"},
        {"filepath": "a.py"},
        {"path": "a.py"},
        {"abs_path": "a.py"},
        {"args": {"target_file": "a.py"}},
    ],
)
def test_paths_are_found_under_every_name_agents_use(raw: dict[str, Any]) -> None:
    assert asked(raw, "read").paths == ("a.py",)


def test_an_edit_names_the_paths_of_input_diffs_patches_and_locations() -> None:
    call = asked(
        {
            "changes": {"a.py": {"type": "update", "move_path": "b.py"}},
            "patch": "*** Update File: c.py\n--- /dev/null\n+++ d.py\n",
            "content": "--- not/a/path\n",
        },
        "edit",
        content=[{"type": "diff", "path": "e.py", "old_text": None, "new_text": "x"}],
        locations=[{"path": "f.py", "line": 1}],
    )
    assert call.tool is Tool.EDIT
    assert set(call.paths) == {"a.py", "b.py", "c.py", "d.py", "e.py", "f.py"}


def test_a_read_that_brings_text_is_an_edit_in_doubt() -> None:
    for raw in ({"path": "a", "content": "x"}, {"path": "a", "new_string": "x"}):
        call = asked(raw, "read")
        assert call.tool is Tool.EDIT
        assert call.doubt is not None
    diff = [{"type": "diff", "path": "a", "old_text": None, "new_text": "x"}]
    assert asked({"path": "a"}, "read", content=diff).tool is Tool.EDIT


def test_a_text_that_looks_like_a_path_counts_wherever_it_stands() -> None:
    assert "/etc/passwd" in asked({"pattern": "x", "where": "/etc/passwd"}, "search").paths
    assert "../x" in asked({"options": {"deep": ["../x"]}, "path": "a"}, "read").paths
    assert asked({"query": "TODO"}, "search").paths == (str(ROOT),)


@pytest.mark.parametrize(
    ("raw", "host"),
    [
        ({"url": "https://docs.python.org/3/"}, "docs.python.org"),
        ({"url": "HTTPS://Docs.Python.org:443/3/"}, "docs.python.org"),
        ({"prompt": "read https://docs.python.org/3/ and say"}, "docs.python.org"),
        ({"url": "docs.python.org/3"}, "docs.python.org"),
    ],
)
def test_a_fetch_names_its_host(raw: dict[str, Any], host: str) -> None:
    call = asked(raw, "fetch")
    assert (call.tool, call.host, call.doubt) == (Tool.FETCH, host, None)


@pytest.mark.parametrize(
    "raw",
    [
        {"url": "https://good.example@evil.example/"},
        {"url": "https://good.example\\@evil.example/"},
        {"url": "file:///etc/passwd"},
        {"url": "https://g\u043eod.example/"},
        {"urls": ["https://a.example", "https://b.example"]},
        {"url": "https://a.example", "prompt": "and http://b.example"},
        {"url": "https://[bad"},
        {"url": "https://a.example/", "output_path": "x"},
    ],
)
def test_an_odd_address_leaves_a_doubt(raw: dict[str, Any]) -> None:
    assert asked(raw, "fetch").doubt is not None


def test_a_read_or_a_thought_with_an_address_is_a_fetch() -> None:
    assert asked({"url": "https://a.example/"}, "read").tool is Tool.FETCH
    assert asked({"url": "https://a.example/"}, "read").doubt is not None
    assert asked({"url": "https://a.example/"}, "think").tool is Tool.FETCH
    assert asked({"thought": "hm / hm"}, "think").tool is Tool.THINK
    assert asked({"path": "/etc/passwd"}, "think").tool is Tool.OTHER


def test_mcp_calls_by_their_input_or_the_usual_title() -> None:
    call = asked({"server": "tracker", "tool": "list"}, "other")
    assert (call.tool, call.mcp_server, call.mcp_tool) == (Tool.MCP, "tracker", "list")
    call = asked({"id": 1}, "other", title="mcp__my_tracker__list_all")
    assert (call.tool, call.mcp_server, call.mcp_tool) == (Tool.MCP, "my_tracker", "list_all")
    assert asked({"id": 1}, "other", title="List").tool is Tool.OTHER


@pytest.mark.parametrize(
    ("params", "shell", "argv"),
    [
        ({"command": "ls -la"}, "ls -la", None),
        ({"command": "ls", "args": ["-la", "a b"]}, None, ("ls", "-la", "a b")),
        ({"command": "/bin/sh", "args": ["-c", "ls"]}, "ls", None),
        ({"command": "sh", "args": ["x.sh"]}, None, ("sh", "x.sh")),
    ],
)
def test_terminals(params: dict[str, Any], shell: str | None, argv: tuple[str, ...] | None) -> None:
    call = call_from_terminal(params, ROOT, "agent")
    assert (call.shell, call.argv, call.doubt, call.cwd) == (shell, argv, None, ROOT)
    payload = {"kind": "terminal", "params": params, "tool_call": {"kind": "execute"}}
    assert call_from_permission(payload, ROOT, "agent") == call


def test_a_terminal_with_an_environment_or_no_command_is_in_doubt() -> None:
    env = [{"name": "LD_PRELOAD", "value": "x"}]
    assert call_from_terminal({"command": "ls", "env": env}, ROOT, "a").doubt is not None
    assert call_from_terminal({}, ROOT, "a").doubt is not None
    assert call_from_terminal({"command": "ls", "args": [1]}, ROOT, "a").doubt is not None


@pytest.mark.parametrize(
    "raw",
    [
        {"path": "README.md", "a": [[[[[[[[["/etc/passwd"]]]]]]]]]},
        {"path": "README.md,/etc/passwd"},
        {"path": "README.md /etc/passwd"},
        {"path": "README.md:~/x"},
        {"path": "secret", "root": "link-out"},
        {"path": "secret", "workspace": "link-out"},
    ],
)
def test_a_path_that_is_hidden_from_the_look_is_not_read_unasked(
    place: Place, raw: dict[str, Any]
) -> None:
    payload = {"tool_call": {"kind": "read", "raw_input": raw}}
    call = call_from_permission(payload, place.root, "agent", Mode.TRUSTED)
    assert DEFAULTS.decide(call).decision is Decision.ASK


def test_file_requests(place: Place) -> None:
    root = place.root
    read = call_from_file(str(root / "README.md"), write=False, root=root, agent="a")
    assert DEFAULTS.decide(read).decision is Decision.ALLOW
    write = call_from_file("src/main.py", write=True, root=root, agent="a")
    assert DEFAULTS.decide(write).decision is Decision.ASK
    trusted = call_from_file("src/main.py", write=True, root=root, agent="a", mode=Mode.TRUSTED)
    assert DEFAULTS.decide(trusted).decision is Decision.ALLOW
    odd = call_from_file("a\u202e.py", write=False, root=root, agent="a")
    assert DEFAULTS.decide(odd).decision is Decision.ASK


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"tool_call": None, "cwd": 5},
        {"tool_call": {"kind": 5, "raw_input": {"path": 5}, "locations": 5, "content": "x"}},
        {"tool_call": {"kind": "read", "raw_input": {"path": "\ud800"}}},
        {"kind": "terminal", "params": {"command": 5}},
        {"tool_call": {"raw_input": {"a": [[[[[[[[[[["/etc"]]]]]]]]]]]}}},
    ],
)
def test_a_payload_of_any_shape_gives_a_call_that_is_not_allowed(payload: Any) -> None:
    call = call_from_permission(payload, ROOT, "agent")
    assert DEFAULTS.decide(call).decision is not Decision.ALLOW
