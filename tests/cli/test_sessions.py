"""`qd new`, `qd send`, `qd cancel`, `qd close`, `qd mark-read` (DESIGN §11)."""

from quarterdeck.model.errors import QuarterdeckError
from tests.cli.conftest import Qd
from tests.support.scripted_server import InThread, session

PROFILE = {
    "name": "runbook",
    "command": ["x"],
    "protocol": "acp",
    "found": True,
    "env_names": ["PATH", "API_KEY", "NOT_SET"],
}


def test_new_prints_the_three_ids_and_waits_for_the_handshake(
    qd: Qd, deck_server: InThread
) -> None:
    """R4: without --no-wait its end is that of the handshake."""
    made = qd.json("new", "--agent", "runbook", "--title", "T", "do it")
    assert made == {"session_id": "ses_new", "run_id": "run_new", "command_id": "cmd_new"}
    (asked,) = deck_server.server.asked("session.new")
    assert (asked["prompt"], asked["title"], asked["wait"]) == ("do it", "T", True)
    assert asked["cwd"] == str(qd.home)
    assert qd("new", "--agent", "runbook", "--no-wait", "x").stdout == "ses_new\n"
    assert deck_server.server.asked("session.new")[1]["wait"] is False


def test_new_reads_its_prompt_from_stdin(qd: Qd, deck_server: InThread) -> None:
    qd("new", "--agent", "runbook", "-", stdin="line one\nline two ✓\n")
    assert deck_server.server.asked("session.new")[0]["prompt"] == "line one\nline two ✓\n"


def test_new_and_send_pass_on_only_the_variables_the_profile_names(
    qd: Qd, deck_server: InThread
) -> None:
    """DESIGN §11: an agent's environment is fresh from the client that starts it, and clean."""
    deck_server.server.agents = [PROFILE]
    deck_server.server.sessions = [session()]
    qd.json("new", "--agent", "runbook", "x", API_KEY="k", OTHER="o")
    qd.json("send", "ses_1", "x", API_KEY="k2", OTHER="o")
    path = qd.environment()["PATH"]
    assert deck_server.server.asked("session.new")[0]["env"] == {"PATH": path, "API_KEY": "k"}
    assert deck_server.server.asked("session.send")[0]["env"] == {"PATH": path, "API_KEY": "k2"}


def test_new_resolves_its_directory_here_and_not_at_the_supervisor(
    qd: Qd, deck_server: InThread
) -> None:
    (qd.home / "project").mkdir()
    qd.json("new", "--agent", "runbook", "--cwd", "project", "x")
    assert deck_server.server.asked("session.new")[0]["cwd"] == str(qd.home / "project")


def test_a_start_that_failed_is_1_with_the_reason(qd: Qd, deck_server: InThread) -> None:
    error = QuarterdeckError("agent_startup_failed", "no such program", session_id="ses_7")
    deck_server.server.failing["session.new"] = error
    code, told = qd.error("new", "--agent", "runbook", "x")
    assert (code, told["code"], told["session_id"]) == (1, "agent_startup_failed", "ses_7")
    assert told["class"] == "recoverable"


def test_text_that_is_no_utf8_is_refused(qd: Qd) -> None:
    code, error = qd.error("new", "--agent", "runbook", "bad \udcff byte")
    assert (code, error["code"]) == (2, "invalid_params")


def test_send_cancel_and_close_print_the_command(qd: Qd, deck_server: InThread) -> None:
    deck_server.server.sessions = [session()]
    assert qd.json("send", "ses_1", "go on")["kind"] == "turn"
    assert qd.json("cancel", "ses_1")["kind"] == "cancel"
    closed = qd.json("close", "ses_1")
    assert (closed["command_id"], closed["kind"], closed["state"]) == ("cmd_1", "close", "pending")


def test_mark_read_stores_the_version_that_was_seen(qd: Qd, deck_server: InThread) -> None:
    """A9: what happens afterwards is unread again."""
    deck_server.server.sessions = [session(version=12)]
    assert qd.json("mark-read", "ses_1") == {"session_id": "ses_1", "version": 12}
    assert deck_server.server.asked("session.mark_read") == [{"session_id": "ses_1", "version": 12}]
