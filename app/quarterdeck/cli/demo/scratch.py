"""The demo's scratch folder: a git repository, and a state directory of its own."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.failpoints import failpoint
from quarterdeck.model.places import Places

SETTINGS = {
    "user.name": "Quarterdeck demo",
    "user.email": "demo@localhost",
    "commit.gpgsign": "false",
    "core.hooksPath": os.devnull,
}
"""Written into the scratch repository alone, so that neither HOME nor its configuration matters."""


@dataclass(frozen=True)
class Scratch:
    """A folder that the demo made."""

    folder: Path
    start: str
    """The commit everything began with."""

    @property
    def project(self) -> Path:
        """The repository the sessions work in."""
        return self.folder / "project"

    @property
    def places(self) -> Places:
        """The demo's own supervisor's, so that the person's is not touched."""
        return Places(self.folder / "state", self.folder / "config")

    @property
    def progress(self) -> Path:
        """Where the runbook agents keep how far they came."""
        return self.folder / "progress"

    def changed(self) -> set[str]:
        """Return the files of the repository that differ from its first commit, or are new."""
        differing = _git(self.project, "diff", "--name-only", "-z", self.start)
        new = _git(self.project, "ls-files", "--others", "--exclude-standard", "-z")
        return {name for name in (differing + new).split("\0") if name}


def make(directory: Path | None) -> Scratch:
    """Make the scratch folder with its repository.

    Args:
        directory: Where; it must be empty or not exist. Default: a new temporary one.

    Raises:
        QuarterdeckError: `invalid_params` if there is something in it, `internal` without git.
    """
    failpoint("demo.mkdtemp.before")
    folder = _empty(directory) if directory else Path(tempfile.mkdtemp(prefix="quarterdeck-demo-"))
    project = folder / "project"
    with resources.as_file(resources.files("quarterdeck.cli.demo") / "project") as seed:
        shutil.copytree(seed, project)
    (project / ".gitignore").write_text("build/\n")
    _git(project, "init", "--quiet", "--initial-branch=main")
    for name, value in SETTINGS.items():
        _git(project, "config", name, value)
    _git(project, "add", ".")
    _git(project, "commit", "--quiet", "--message", "A program that greets")
    return Scratch(folder, _git(project, "rev-parse", "HEAD").strip())


def _empty(directory: Path) -> Path:
    folder = directory.expanduser().absolute()
    failpoint("demo.mkdir.before")
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise QuarterdeckError(
            "invalid_params", f"--dir: {folder} is not empty", hint="name a new directory"
        )
    return folder


def _git(project: Path, *arguments: str) -> str:
    own = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment = {**own, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    try:
        failpoint("demo.git.before")
        done = subprocess.run(
            ["git", "--no-optional-locks", *arguments],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
        )
    except FileNotFoundError as error:
        raise QuarterdeckError(
            "internal", "the demo needs git, and there is none", hint="install git, then try again"
        ) from error
    if done.returncode != 0:
        raise QuarterdeckError(
            "internal",
            f"git {arguments[0]} failed: {done.stderr.strip()}",
            hint="see what git says",
        )
    return done.stdout
