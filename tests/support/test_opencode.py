"""opencode is found, or its absence is told; its configuration reaches nothing of the user's."""

import json
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.support import opencode
from tests.support.opencode import (
    CACHE_VARIABLE,
    VERSION,
    OpencodeUnavailableError,
    installed_opencode,
    obtain_opencode,
    prepare_opencode,
    require_opencode,
)


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    cache = tmp_path / "npm"
    monkeypatch.setenv(CACHE_VARIABLE, str(cache))
    return cache


def fake_installation(cache: Path, version: str) -> Path:
    package = cache / "node_modules" / "opencode-ai"
    package.mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"version": version}))
    command = cache / "node_modules" / ".bin" / "opencode"
    command.parent.mkdir()
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    return command


def fake_npm(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    folder.mkdir()
    npm = folder / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_only_the_pinned_version_is_taken(tmp_path: Path):
    assert installed_opencode(tmp_path / "nothing") is None
    fake_installation(tmp_path / "old", "1.0.0")
    assert installed_opencode(tmp_path / "old") is None
    command = fake_installation(tmp_path / "right", VERSION)
    assert installed_opencode(tmp_path / "right") == command


def test_without_npm_the_test_is_skipped_and_says_why(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", str(empty_cache))
    monkeypatch.setenv("CI", "true")
    with pytest.raises(OpencodeUnavailableError, match="npm is not installed"):
        obtain_opencode()
    with pytest.raises(pytest.skip.Exception, match="npm is not installed"):
        require_opencode()


def test_failed_installation_fails_in_ci_and_is_skipped_elsewhere(
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fake_npm(tmp_path / "bin", monkeypatch, "echo registry unreachable >&2; exit 1")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="registry unreachable"):
        require_opencode()
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="registry unreachable"):
        require_opencode()


def test_setup_is_a_valid_profile_that_stays_in_its_folder(tmp_path: Path):
    setup = prepare_opencode(Path("/x/opencode"), tmp_path, "http://127.0.0.1:9/v1")
    entry = tomllib.loads(setup.config_entry())["agents"]["opencode"]
    assert entry == {"command": ["/x/opencode", "acp"], "env": setup.env, "protocol": "acp"}
    folders = [value for key, value in setup.env.items() if key == "HOME" or "XDG" in key]
    assert len(folders) == 5
    assert all(Path(folder).is_dir() and tmp_path in Path(folder).parents for folder in folders)
    config = Path(setup.env["XDG_CONFIG_HOME"]) / "opencode" / "opencode.json"
    provider = json.loads(config.read_text())["provider"]["stub"]
    assert provider["options"]["baseURL"] == "http://127.0.0.1:9/v1"


@pytest.mark.slow
def test_the_installed_command_is_the_pinned_version(tmp_path: Path):
    command = require_opencode()
    setup = prepare_opencode(command, tmp_path, "http://127.0.0.1:9/v1")
    env = {"PATH": "/usr/bin:/bin", **setup.env}
    told = subprocess.run([command, "--version"], env=env, capture_output=True, text=True)
    assert told.stdout.strip() == VERSION
    assert shutil.which("opencode", path=str(opencode.cache_dir() / "node_modules/.bin"))
