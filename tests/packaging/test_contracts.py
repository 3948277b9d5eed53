"""Rules about the repository as a whole: imports, dependencies, names, the top level."""

import ast
import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "app"
TOP_LEVEL = {
    ".ci",
    ".gitignore",
    "README.md",
    "app",
    "pyproject.toml",
    "screenshots",
    "styles",
    "tests",
}
# Folders that hold many people's things: what lies in them belongs to one machine, they do not.
SHARED_FOLDERS = {"home", "Users", "tmp", "private", "var", "srv", "mnt", "media"}
SYSTEM_FOLDERS = {"usr", "opt", "Library", "System", "nix"}


def imported_names() -> set[str]:
    """The top-level name of every module that app/ imports, at load time or later."""
    names: set[str] = set()
    for source in APP.rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"), str(source))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names.add(node.module.partition(".")[0])
    return names


def normal(distribution: str) -> str:
    """A distribution's name in the one spelling that package indexes compare."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def declared_dependencies() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {normal(re.split(r"[\s\[<>=!~;]", entry)[0]) for entry in project["dependencies"]}


def tracked_files() -> list[PurePosixPath]:
    """What belongs to the repository, or is about to, relative to its top."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, so what belongs to the repository is not known")
    argv = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [PurePosixPath(name) for name in listed.split("\0") if name]


def machine_prefixes() -> Iterator[str]:
    """How paths begin that mean something on this machine only."""
    for path in (ROOT, Path.home(), Path(sys.prefix)):
        parts = path.parts
        if len(parts) < 2 or parts[1] in SYSTEM_FOLDERS:
            continue
        depth = 3 if parts[1] in SHARED_FOLDERS else 2
        if len(parts) >= depth:
            yield "/".join(["", *parts[1:depth], ""])


def test_imports_go_one_way():
    """The contracts in pyproject.toml hold (DESIGN §2)."""
    if importlib.util.find_spec("importlinter") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI has to have import-linter (the extra `check`)")
        pytest.skip("import-linter is not installed (the extra `check`)")
    lint = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", lint, "--no-cache"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_dependency_is_used_and_every_import_declared():
    distributions = importlib.metadata.packages_distributions()
    foreign = imported_names() - set(sys.stdlib_module_names) - {"quarterdeck"}
    unknown = {name for name in foreign if name not in distributions}
    assert not unknown, f"imported but not installed: {sorted(unknown)}"
    declared = declared_dependencies()
    used = {name: {normal(entry) for entry in distributions[name]} for name in foreign}
    undeclared = {name for name, owners in used.items() if not owners & declared}
    assert not undeclared, f"imported in app/ but not in [project.dependencies]: {undeclared}"
    unused = declared - set().union(*used.values())
    assert not unused, f"in [project.dependencies] but not imported in app/: {sorted(unused)}"


def test_no_file_names_a_path_of_this_machine():
    prefixes = [re.escape(prefix) for prefix in machine_prefixes()]
    if not prefixes:
        pytest.skip("the checkout lies where no path is special to this machine")
    pattern = re.compile(rf"(?<![\w.-])(?:{'|'.join(prefixes)})[^\s\"'`)]*")
    found = []
    for name in tracked_files():
        path = ROOT / name
        if not path.is_file():
            continue
        text = path.read_bytes().decode("utf-8", errors="ignore")
        found += [f"{name}: {match.group()[:100]}" for match in pattern.finditer(text)]
    assert not found, "\n".join(found)


def test_the_top_level_holds_only_what_the_layout_names():
    """DESIGN §2."""
    assert {name.parts[0] for name in tracked_files()} <= TOP_LEVEL
