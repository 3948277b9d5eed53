"""The command line itself: help, usage errors, exit codes (DESIGN §11, A16)."""

import json
import subprocess
import sys

import pytest

from quarterdeck import __version__
from quarterdeck.cli.program import COMMANDS
from quarterdeck.model.errors import KINDS, QuarterdeckError
from tests.cli.conftest import Qd
from tests.support.scripted_server import InThread, session


def test_version(qd: Qd) -> None:
    assert qd("--version").stdout == f"quarterdeck {__version__}\n"
    assert qd.json("--version") == {"version": __version__}


def test_help_lists_every_command_and_each_has_its_own(qd: Qd) -> None:
    listed = qd("--help").stdout
    for name in COMMANDS:
        assert f"\n  {name} " in listed
    assert "--json" in qd("wait", "--help").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("--no-such-option",),
        ("no-such-command",),
        ("show",),
        ("ls", "--no-such-option"),
        ("ls", "--all", "--state", "idle"),
        ("trace", "ses_1", "--after", "many"),
        ("trace", "ses_1", "--run", "run_1", "--all-runs"),
        ("wait", "ses_1", "--until", "asleep,tired"),
        ("wait", "ses_1", "--until", ","),
        ("new", "--agent", "runbook", "--cwd", "/no/such/directory", "do it"),
        (),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2_with_a_message_and_a_hint(qd: Qd, arguments: tuple[str, ...]) -> None:
    """Exit code 2, no traceback, and nothing was started for it."""
    code, error = qd.error(*arguments)
    assert (code, error["code"], error["class"]) == (2, "invalid_params", "unrecoverable")
    assert error["message"] and error["hint"]
    told = qd(*arguments)
    assert (
        told.returncode == 2 and told.stderr.startswith("qd: ") and "Traceback" not in told.stderr
    )
    assert not qd.places.state.exists()


def test_without_a_terminal_the_full_screen_view_is_refused_with_a_hint(qd: Qd) -> None:
    done = qd()
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr and "qd ls" in done.stderr


@pytest.mark.parametrize("code", sorted(KINDS))
def test_every_error_of_the_protocol_has_its_exit_code(
    qd: Qd, deck_server: InThread, code: str
) -> None:
    """A16: class, code, message and hint arrive as the supervisor gave them."""
    sent = QuarterdeckError(code, "what went wrong", run_id="run_7")
    deck_server.server.failing["session.get"] = sent
    exit_code, error = qd.error("mark-read", "ses_1")
    assert exit_code == KINDS[code].exit
    assert error == {**sent.to_wire(), "message": "what went wrong", "run_id": "run_7"}


def test_an_error_for_people_names_hint_and_hides_control_characters(
    qd: Qd, deck_server: InThread
) -> None:
    deck_server.server.failing["session.get"] = QuarterdeckError("unknown_session", "no \x1b[2J")
    done = qd("show", "ses_1")
    assert done.returncode == 5 and done.stdout == ""
    assert done.stderr == "qd: no \\x1b[2J\n    `qd ls --all` lists the sessions\n"


def test_json_counts_before_the_command_too(qd: Qd, deck_server: InThread) -> None:
    deck_server.server.sessions = [session()]
    assert json.loads(qd("--json", "ls").stdout)[0]["session_id"] == "ses_1"


def test_json_as_an_argument_is_not_the_option(qd: Qd, deck_server: InThread) -> None:
    deck_server.server.sessions = [session()]
    done = qd("send", "ses_1", "--", "--json")
    assert done.stdout == "cmd_1 turn pending\n"
    assert deck_server.server.asked("session.send")[0]["text"] == "--json"


def test_a_state_directory_that_cannot_be_used_is_6(qd: Qd) -> None:
    qd.places.state.write_text("a file stands here")
    code, error = qd.error("up")
    assert (code, error["code"]) == (6, "cannot_start")


def test_a_reader_that_had_enough_ends_it_without_a_word(qd: Qd, deck_server: InThread) -> None:
    deck_server.server.sessions = [session(f"ses_{n}", title="t" * 4000) for n in range(90)]
    process = qd.start("ls")
    assert process.stdout and process.stderr
    assert process.stdout.read(5) == "ses_0"
    process.stdout.close()
    assert process.wait(30) != 0
    assert process.stderr.read() == ""


def test_one_command_imports_neither_the_screen_nor_what_other_commands_need(qd: Qd) -> None:
    """`qd ls` must start fast: the heavy libraries stay out."""
    code = (
        "import sys; from quarterdeck.cli.main import main; main(['status', '--json']);"
        "print(*sorted(m for m in ('textual', 'acp', 'tree_sitter', 'rich', 'psutil', 'yaml')"
        " if m in sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=qd.environment(), capture_output=True, text=True
    )
    assert done.stderr.strip() == ""
