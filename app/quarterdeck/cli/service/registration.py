"""The service put into the manager's directory and taken out again; the same twice is once."""

import os
import shutil
import sys
from typing import Any

from quarterdeck.cli.service.definition import Definition
from quarterdeck.cli.service.launchd import Launchd
from quarterdeck.cli.service.manager import Manager
from quarterdeck.cli.service.systemd import Systemd
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.failpoints import failpoint


def manager_of(platform: str = sys.platform) -> Manager:
    """Return the manager that this kind of system has."""
    return Launchd() if platform == "darwin" else Systemd()


def answering(manager: Manager) -> Manager:
    """Return `manager` if it can be asked.

    Raises:
        QuarterdeckError: `no_service_manager`, with what to do.
    """
    if shutil.which(manager.program) is None:
        raise QuarterdeckError(
            "no_service_manager", f"{manager.program} is not here: no systemd and no launchd"
        )
    if problem := manager.probe():
        raise QuarterdeckError(
            "no_service_manager",
            f"{manager.name} does not run here for you: {problem}",
            hint=manager.hint,
        )
    return manager


def installed(manager: Manager, of: Definition) -> bool:
    """Whether the service's file is there."""
    return manager.file(of).is_file()


def install(manager: Manager, of: Definition) -> tuple[bool, list[str]]:
    """Write the file and enable the service.

    Returns:
        Whether the file had to be written, and what the person should know.
    """
    file, content = manager.file(of), manager.content(of)
    changed = not file.is_file() or file.read_bytes() != content
    if changed:
        failpoint("service.write.before")
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_name(f".{file.name}.{os.getpid()}")
        fresh.write_bytes(content)
        fresh.replace(file)
    return changed, manager.enable(of, changed=changed)


def remove(manager: Manager, of: Definition) -> bool:
    """Disable the service and remove its file; returns whether there was one."""
    if not installed(manager, of):
        return False
    manager.disable(of)
    failpoint("service.remove.before")
    manager.file(of).unlink(missing_ok=True)
    manager.forget(of)
    return True


def state(manager: Manager, of: Definition) -> dict[str, Any]:
    """Return what is installed, whether it is what would be written now, and its state."""
    file = manager.file(of)
    there = file.is_file()
    return {
        "manager": manager.name,
        "name": of.name,
        "file": str(file),
        "installed": there,
        "current": there and file.read_bytes() == manager.content(of),
        **manager.state(of),
    }
