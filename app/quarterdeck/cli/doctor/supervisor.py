"""The supervisor: whether it answers, is this version, and lives through a logout."""

from typing import Any

from quarterdeck import __version__
from quarterdeck.cli.doctor.finding import Finding, bad, ok, warn

NAMES = {"config": "config.toml", "policy": "policy.toml", "store": "store"}


def running(status: dict[str, Any] | None, problem: str = "") -> Finding:
    """Check the supervisor's answer.

    Args:
        status: What it told, or None.
        problem: Why there is no answer, where that is more than that none runs.
    """
    check = "supervisor"
    if problem:
        return bad(check, problem, "`qd up --foreground` shows what it says")
    if status is None:
        return ok(check, "none runs; the first command that needs one starts it")
    told = f"pid {status['pid']}, version {status['version']}"
    if status["version"] != __version__:
        return warn(check, f"{told}; this is {__version__}", "`qd upgrade`: agents live on")
    note = (status.get("store") or {}).get("note")
    if note:
        return warn(check, f"{told}; {note}", "look at the file before you delete it")
    return ok(check, told)


def self_check(told: dict[str, Any]) -> list[Finding]:
    """Return what this version's supervisor finds of configuration, rules and store."""
    found = [
        bad(NAMES.get(problem["about"]) or "installation", problem["message"], problem["remedy"])
        for problem in told["problems"]
    ]
    known = {problem["about"] for problem in told["problems"]}
    found += [ok(name, "valid") for about, name in NAMES.items() if about not in known | {"store"}]
    if "store" not in known:
        present, newest = told["store_schema"], told["schema"]
        words = "not made yet" if present is None else f"schema {present}"
        if present not in (None, newest):
            words += f", migrated to {newest} by the next start"
        found.append(ok("store", words))
    return found


def boot(state: dict[str, Any] | None, problem: str) -> Finding:
    """Check that agents live through a logout.

    Args:
        state: What `qd service status` tells, or None where no service manager answers.
        problem: Why none does.
    """
    check = "logout and boot"
    if state is None:
        return ok(check, f"{problem}; so nothing ends agents at logout, and nothing starts at boot")
    if state["linger"] is False:
        return warn(
            check,
            "you do not linger: systemd may end supervisor and agents when you log out",
            "`loginctl enable-linger`, or `qd service install`, which starts at boot too",
        )
    if not state["installed"]:
        return ok(check, "agents live through a logout; `qd service install` starts at boot too")
    if not state["current"]:
        return warn(check, f"{state['file']} is of another installation", "`qd service install`")
    return ok(check, f"started by {state['manager']} at boot")
