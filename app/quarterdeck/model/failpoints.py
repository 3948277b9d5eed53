"""Failpoints: named places at which a test kills this process, as losing power there would.

Every commit, spawn, append, rename and reply passes one, so that a test can walk k = 1, 2, 3 …
and kill the process at the k-th (R, D1-D5). In normal use `failpoint` is an empty function.

`QUARTERDECK_FAILPOINT` chooses, when the process starts:

- `kill:K` kills it at the K-th failpoint passed, whatever its name;
- `kill:NAME:K` kills it at the K-th time the failpoint NAME is passed;
- `kill:…@FILE` does so once: only the process that makes FILE, with the name in it, is killed;
- `stop:` in place of `kill:` stops it there, as SIGSTOP does;
- `count:FILE` writes the name of each one passed to FILE, a line each.
- `after FILE RULE` follows one of these rules from the moment FILE exists.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path

VARIABLE = "QUARTERDECK_FAILPOINT"
_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


def _off(name: str) -> None:
    """Pass the failpoint `name`, a dotted lower-case name such as `store.commit`."""


def _first(once: str, name: str) -> bool:
    try:
        descriptor = os.open(once, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return False
    os.write(descriptor, name.encode())
    os.close(descriptor)
    return True


def _sending(
    number: signal.Signals, wanted: str | None, at: int, once: str
) -> Callable[[str], None]:
    passed = 0

    def failpoint(name: str) -> None:
        nonlocal passed
        if wanted is not None and name != wanted:
            return
        passed += 1
        if passed == at and (not once or _first(once, name)):
            os.kill(os.getpid(), number)

    return failpoint


def _counting(file: Path) -> Callable[[str], None]:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def failpoint(name: str) -> None:
        os.write(descriptor, f"{name}\n".encode())

    return failpoint


def _from(file: Path, rule: Callable[[str], None]) -> Callable[[str], None]:
    def failpoint(name: str) -> None:
        if file.exists():
            rule(name)

    return failpoint


def chosen(setting: str) -> Callable[[str], None]:
    """Return what a failpoint does under `setting`, the value of the variable.

    Raises:
        ValueError: The setting is none of those above.
    """
    if not setting:
        return _off
    if setting.startswith("after ") and setting.count(" ") > 1:
        file, _, rule = setting.removeprefix("after ").rpartition(" ")
        return _from(Path(file), chosen(rule))
    kind, _, rest = setting.partition(":")
    if kind == "count" and rest:
        return _counting(Path(rest))
    rule, _, once = rest.partition("@")
    name, _, number = rule.rpartition(":")
    if kind in _SIGNALS and number.isdigit() and int(number) > 0:
        return _sending(_SIGNALS[kind], name or None, int(number), once)
    raise ValueError(f"{VARIABLE}={setting!r}: want kill:[NAME:]K[@FILE] or count:FILE")


failpoint = chosen(os.environ.get(VARIABLE, ""))
