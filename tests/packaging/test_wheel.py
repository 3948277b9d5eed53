"""What is built from the checkout, installed elsewhere, is the whole product."""

import importlib.util
import os
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from build import ProjectBuilder
from build.env import DefaultIsolatedEnv

from tests.support.tmux import Terminal

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

# Prints where the package lies and which of the style files that its screens name are there.
PROBE = """
import json
from pathlib import Path
import quarterdeck
from quarterdeck.tui.screens.inbox import InboxScreen
from quarterdeck.tui.screens.main import MainScreen

named = {str(path) for screen in (MainScreen, InboxScreen) for path in screen.CSS_PATH}
styles = sorted(path for path in named if Path(path).is_file())
assert len(styles) == 3, named
print(json.dumps({"package": str(Path(quarterdeck.__file__).parent), "styles": styles}))
"""


class Place(NamedTuple):
    """An environment in which one build of Quarterdeck is installed, with a home of its own."""

    bin: Path
    env: dict[str, str]

    def try_run(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run an installed command to its end."""
        return subprocess.run(
            [self.bin / command, *arguments],
            env=self.env,
            cwd=self.env["HOME"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def run(self, command: str, *arguments: str) -> str:
        """The output of an installed command, which has to succeed."""
        done = self.try_run(command, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@contextmanager
def builder(source: Path) -> Iterator[ProjectBuilder]:
    """A builder that uses the running environment's hatchling, or else fetches one."""
    if importlib.util.find_spec("hatchling"):
        yield ProjectBuilder(source)
        return
    with DefaultIsolatedEnv() as environment:
        project = ProjectBuilder.from_isolated_env(environment, source)
        environment.install(project.build_system_requires)
        yield project


def build(source: Path, kind: str, folder: Path) -> Path:
    """Build `kind` (wheel, sdist or editable) of the project at `source` into `folder`."""
    with builder(source) as project:
        assert kind in ("wheel", "sdist", "editable")
        return Path(project.build(kind, folder))


def install(wheel: Path, folder: Path) -> Place:
    """Install a wheel into a fresh environment.

    The dependencies are those of the running environment, put behind the fresh one as a plain
    path: a copy of Quarterdeck there, editable or not, is never the one that is imported.
    """
    venv, home = folder / "venv", folder / "home"
    home.mkdir()
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    pip = [venv / "bin" / "python", "-m", "pip", "--quiet"]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", wheel], check=True)
    paths = sysconfig.get_paths()
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    dependencies = venv / "lib" / version / "site-packages" / "dependencies.pth"
    dependencies.write_text(f"{paths['purelib']}\n{paths['platlib']}\n")
    env = {
        "PATH": f"{venv / 'bin'}{os.pathsep}/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "QUARTERDECK_STATE_DIR": str(folder / "state"),
        "QUARTERDECK_CONFIG_DIR": str(folder / "config"),
    }
    return Place(venv / "bin", env)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def from_wheel(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    return install(wheel, tmp_path_factory.mktemp("from_wheel"))


@pytest.fixture(scope="module")
def from_checkout(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("from_checkout")
    return install(build(ROOT, "editable", folder), folder)


def file_names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def start_and_quit(place: Place) -> None:
    """Start the app by its command, see its main screen, and leave it by a key."""
    try:
        argv = [str(place.bin / "qd")]
        home = Path(place.env["HOME"])
        with Terminal(argv, width=100, height=30, env=place.env, cwd=home) as terminal:
            terminal.wait_for("✓ supervisor", within=60)
            terminal.send_keys("q")
            assert terminal.wait_exit() == 0, terminal.capture()
    finally:
        place.try_run("qd", "down", "--agents")


def test_wheel_holds_the_package_and_the_styles_and_nothing_else(wheel: Path):
    names = file_names(wheel)
    styles = {f"quarterdeck/styles/{path.name}" for path in (ROOT / "styles").glob("*.tcss")}
    package = {
        path.relative_to(ROOT / "app").as_posix()
        for path in (ROOT / "app" / "quarterdeck").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert styles
    metadata = {name for name in names if name.startswith(f"quarterdeck-{VERSION}.dist-info/")}
    assert names - metadata == package | styles


def test_sdist_alone_builds_the_same_wheel(wheel: Path, tmp_path: Path):
    with tarfile.open(build(ROOT, "sdist", tmp_path)) as archive:
        archive.extractall(tmp_path, filter="data")
    unpacked = tmp_path / f"quarterdeck-{VERSION}"
    assert file_names(build(unpacked, "wheel", tmp_path)) == file_names(wheel)


@pytest.mark.parametrize("command", ["qd", "quarterdeck"])
def test_installed_command_tells_its_version(from_wheel: Place, command: str):
    assert VERSION in from_wheel.run(command, "--version")


def test_wheel_brings_its_own_code_and_styles(from_wheel: Place):
    told = from_wheel.run("python", "-c", PROBE)
    assert str(from_wheel.bin.parent) in told
    assert str(ROOT) not in told
    assert "quarterdeck/styles/" in told


def test_app_starts_from_the_wheel(from_wheel: Place):
    start_and_quit(from_wheel)


def test_editable_install_uses_the_checkout_and_its_styles(from_checkout: Place):
    told = from_checkout.run("python", "-c", PROBE)
    assert str(ROOT / "app" / "quarterdeck") in told
    assert f"{ROOT / 'styles'}{os.sep}" in told
    assert not (ROOT / "app" / "quarterdeck" / "styles").exists()


def test_app_starts_from_the_editable_install(from_checkout: Place):
    start_and_quit(from_checkout)
