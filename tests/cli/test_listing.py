"""`qd ls`, `qd show`, `qd agents`, `qd status` (DESIGN §11)."""

from tests.cli.conftest import Qd
from tests.support.scripted_server import InThread, approval, run, session


def test_ls_prints_every_page(qd: Qd, deck_server: InThread) -> None:
    """A10: all pages, in the order they come in."""
    deck_server.server.page = 2
    deck_server.server.sessions = [session(f"ses_{n}") for n in range(5)]
    rows = qd.json("ls")
    assert [row["session_id"] for row in rows] == [f"ses_{n}" for n in range(5)]
    assert {
        "session_id",
        "title",
        "agent",
        "state",
        "attention",
        "cwd",
        "last_event_seq",
    } <= rows[0].keys()
    assert [p.get("state") for p in deck_server.server.asked("session.list")] == [None] * 3


def test_ls_passes_its_filters_on(qd: Qd, deck_server: InThread) -> None:
    qd.json("ls", "--all", "--agent", "opencode")
    qd.json("ls", "--state", "waiting")
    asked = deck_server.server.asked("session.list")
    assert [(p.get("state"), p.get("agent")) for p in asked] == [
        ("all", "opencode"),
        ("waiting", None),
    ]


def test_ls_without_a_terminal_prints_cleaned_fields_between_tabs(
    qd: Qd, deck_server: InThread
) -> None:
    """DESIGN §5: no control character of an agent's reaches the terminal, no line is forged."""
    deck_server.server.sessions = [session(title="a\x1b]0;evil\x07\nb\tc [bold]d[/]")]
    fields = qd("ls").stdout.splitlines()[0].split("\t")
    assert fields[0] == "ses_1"
    assert fields[-1] == "a\\x1b]0;evil\\x07⏎b    c [bold]d[/]"


def test_show_is_the_session_with_its_runs_commands_and_approvals(
    qd: Qd, deck_server: InThread
) -> None:
    deck_server.server.sessions = [session(state="waiting")]
    deck_server.server.runs = [run(state="failed", reason="it fell over"), run("run_2")]
    deck_server.server.approvals = [approval("make")]
    shown = qd.json("show", "ses_1")
    assert (shown["session_id"], shown["state"]) == ("ses_1", "waiting")
    assert [r["run_id"] for r in shown["runs"]] == ["run_of_ses_1", "run_2"]
    assert [a["approval_id"] for a in shown["approvals"]] == ["apr_1"]
    assert shown["commands"] == []
    text = qd("show", "ses_1").stdout
    assert "run_of_ses_1 failed it fell over" in text and "apr_1" in text


def test_an_unknown_session_is_5(qd: Qd, deck_server: InThread) -> None:
    code, error = qd.error("show", "ses_9")
    assert (code, error["code"]) == (5, "unknown_session")


def test_agents_lists_the_profiles(qd: Qd, deck_server: InThread) -> None:
    profile = {
        "name": "runbook",
        "command": ["python", "-m", "x"],
        "protocol": "acp",
        "found": True,
        "env_names": [],
    }
    deck_server.server.agents = [profile]
    assert qd.json("agents") == [profile]
    assert qd("agents").stdout == "runbook\tacp\tfound\tnot known yet\tpython -m x\n"


def test_status_of_a_running_supervisor(qd: Qd, deck_server: InThread) -> None:
    status = qd.json("status")
    assert status["running"] is True
    assert status.keys() == {
        "running",
        "pid",
        "version",
        "state_dir",
        "store",
        "recovery",
        "counts",
        "damaged",
    }
    assert f"pid {status['pid']}" in qd("status").stdout


def test_status_without_one_says_so_and_starts_none(qd: Qd) -> None:
    status = qd.json("status")
    assert (status["running"], status["pid"]) == (False, None)
    assert status["state_dir"] == str(qd.places.state)
    assert not qd.places.state.exists()


def test_reader_is_named_by_the_environment_or_is_the_user(qd: Qd, deck_server: InThread) -> None:
    """A9: one reader on the laptop and over ssh."""
    qd.json("ls")
    qd.json("ls", QUARTERDECK_READER="", LOGNAME="ada")
    assert [p["reader"] for p in deck_server.server.asked("hello")] == ["tester", "ada"]
