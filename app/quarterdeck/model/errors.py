"""Every error a client can get: code, message, hint, class and the exit code of `qd` (A16)."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    """Exit codes scripts can rely on (DESIGN §11)."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    STALE = 3
    LOCK_HELD = 4
    UNKNOWN_ID = 5
    CANNOT_START = 6
    TIMED_OUT = 124


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """What is fixed about an error code."""

    exit: Exit
    recoverable: bool
    hint: str


KINDS: dict[str, ErrorKind] = {
    "unknown_session": ErrorKind(Exit.UNKNOWN_ID, False, "`qd ls --all` lists the sessions"),
    "unknown_run": ErrorKind(Exit.UNKNOWN_ID, False, "`qd show SESSION` lists its runs"),
    "unknown_command": ErrorKind(Exit.UNKNOWN_ID, False, "`qd show SESSION` lists its commands"),
    "unknown_approval": ErrorKind(Exit.UNKNOWN_ID, False, "`qd approvals` lists the open ones"),
    "unknown_checkpoint": ErrorKind(
        Exit.UNKNOWN_ID, False, "`qd checkpoints SESSION` lists those there are"
    ),
    "unknown_report": ErrorKind(Exit.UNKNOWN_ID, False, "`qd status --json` lists the open ones"),
    "unknown_job": ErrorKind(Exit.UNKNOWN_ID, False, "runner.jobs lists the run's jobs"),
    "unknown_agent": ErrorKind(
        Exit.UNKNOWN_ID, False, "name an agent of config.toml's [agents] or `runbook`"
    ),
    "ambiguous_id": ErrorKind(Exit.USAGE, False, "give more digits of the id"),
    "stale": ErrorKind(Exit.STALE, False, "look at the approval again and decide on what it says"),
    "not_pending": ErrorKind(Exit.STALE, False, "it was settled before; `qd show` tells how"),
    "invalid_params": ErrorKind(Exit.USAGE, False, "correct the named parameter"),
    "invalid_option": ErrorKind(Exit.USAGE, False, "choose one of the options of the approval"),
    "invalid_query": ErrorKind(
        Exit.USAGE, False, 'give words, "quoted phrases" or begin*, with letters or digits'
    ),
    "import_invalid": ErrorKind(
        Exit.USAGE, False, "correct or drop the file; nothing of it was imported"
    ),
    "import_newer": ErrorKind(
        Exit.USAGE, False, "use the version of Quarterdeck that wrote it, or a newer one"
    ),
    "id_taken": ErrorKind(
        Exit.USAGE, False, "it is in this deck already; --new-id imports it beside that one"
    ),
    "no_worktree": ErrorKind(
        Exit.FAILED, False, "a diff needs a session whose directory is in a git work tree"
    ),
    "git_failed": ErrorKind(Exit.FAILED, True, "run the same in the session's directory"),
    "unknown_import": ErrorKind(Exit.UNKNOWN_ID, False, "begin the import again"),
    "backup_failed": ErrorKind(
        Exit.FAILED, True, "check that the directory is there, writable, and has room"
    ),
    "backup_unusable": ErrorKind(
        Exit.USAGE, False, "name a file that `qd store backup` has written"
    ),
    "empty_prompt": ErrorKind(Exit.USAGE, False, "write what the agent should do"),
    "unknown_method": ErrorKind(Exit.USAGE, False, "client and supervisor may differ in version"),
    "conflict": ErrorKind(
        Exit.USAGE, False, "the idempotency key was used with another payload; use a new key"
    ),
    "project_mismatch": ErrorKind(Exit.USAGE, False, "start a new session in that project"),
    "agent_mismatch": ErrorKind(Exit.USAGE, False, "start a new session with that agent"),
    "run_of_other_session": ErrorKind(Exit.USAGE, False, "`qd show SESSION` lists its runs"),
    "not_queued": ErrorKind(Exit.STALE, False, "`qd queue SESSION` lists what still waits"),
    "not_supported": ErrorKind(Exit.FAILED, False, "this agent cannot do it"),
    "session_live": ErrorKind(
        Exit.FAILED, True, "`qd close SESSION` ends its agent; then it can be deleted"
    ),
    "session_deleted": ErrorKind(Exit.FAILED, False, "`qd restore SESSION` brings it back"),
    "run_ended": ErrorKind(Exit.FAILED, False, "a run that has ended takes nothing more"),
    "runner_lease_conflict": ErrorKind(
        Exit.FAILED, True, "wait until the holder's lease has ended, or claim the run first"
    ),
    "session_already_running": ErrorKind(Exit.FAILED, True, "use the run that is live"),
    "session_starting": ErrorKind(Exit.FAILED, True, "wait until the session is running"),
    "session_not_running": ErrorKind(Exit.FAILED, True, "send a prompt to start a run"),
    "run_mismatch": ErrorKind(Exit.FAILED, True, "name the active run, or none"),
    "command_channel_closed": ErrorKind(Exit.FAILED, True, "wait for the recovery, then retry"),
    "agent_startup_failed": ErrorKind(
        Exit.FAILED, True, "see the reason; `qd trace SESSION` has what the agent said"
    ),
    "agent_not_reading": ErrorKind(Exit.FAILED, True, "wait, or close the session"),
    "session_manager_already_running": ErrorKind(
        Exit.LOCK_HELD, False, "use the supervisor that runs, or another QUARTERDECK_STATE_DIR"
    ),
    "cannot_start": ErrorKind(
        Exit.CANNOT_START, False, "`qd up --foreground` shows what the supervisor says"
    ),
    "upgrade_refused": ErrorKind(
        Exit.CANNOT_START, True, "correct what is named; the supervisor that runs goes on as it was"
    ),
    "upgrade_failed": ErrorKind(
        Exit.CANNOT_START, True, "agents live on; `qd up` tries again, `qd doctor` looks around"
    ),
    "no_service_manager": ErrorKind(
        Exit.FAILED, False, "without systemd or launchd, start `qd up` from what starts at boot"
    ),
    "service_failed": ErrorKind(Exit.FAILED, True, "see what the named command says by itself"),
    "store_newer": ErrorKind(
        Exit.CANNOT_START, False, "use the version of Quarterdeck that wrote it, or a newer one"
    ),
    "store_unusable": ErrorKind(Exit.CANNOT_START, False, "see the message for what is wrong"),
    "form_invalid": ErrorKind(Exit.USAGE, False, "correct the named field"),
    "rule_refused": ErrorKind(
        Exit.USAGE, False, "write a narrower rule into policy.toml, with `only_flags` or `exact`"
    ),
    "rules_invalid": ErrorKind(Exit.USAGE, False, "correct the named rule file"),
    "config_invalid": ErrorKind(Exit.USAGE, False, "correct the named key in config.toml"),
    "unreachable": ErrorKind(Exit.CANNOT_START, True, "`qd up` starts the supervisor"),
    "shutting_down": ErrorKind(Exit.FAILED, True, "retry; a client starts the next supervisor"),
    "protocol_newer": ErrorKind(
        Exit.FAILED, False, "Quarterdeck was upgraded meanwhile: leave this and start `qd` anew"
    ),
    "timed_out": ErrorKind(Exit.TIMED_OUT, True, "wait longer with --timeout"),
    "internal": ErrorKind(Exit.FAILED, False, "the supervisor's log has the details; report it"),
}


class QuarterdeckError(Exception):
    """An error with a code of `KINDS`; the same over socket, CLI and screen (A16)."""

    def __init__(self, code: str, message: str, *, hint: str | None = None, **data: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.kind = KINDS.get(code, KINDS["internal"])
        self.hint = hint or self.kind.hint
        self.data = data

    def to_wire(self) -> dict[str, Any]:
        """Return the `data` member of the JSON-RPC error object."""
        return {
            "code": self.code,
            "class": "recoverable" if self.kind.recoverable else "unrecoverable",
            "hint": self.hint,
            **self.data,
        }

    @classmethod
    def from_wire(cls, message: str, data: Any) -> "QuarterdeckError":
        """Rebuild the error from a JSON-RPC error's message and data."""
        if not isinstance(data, dict) or not isinstance(data.get("code"), str):
            return cls("internal", message)
        rest = {k: v for k, v in data.items() if k not in ("code", "class", "hint")}
        error = cls(data["code"], message, hint=data.get("hint"))
        error.data = rest
        return error
