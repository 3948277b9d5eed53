"""The real agent opencode for tests: found or installed, and pointed at the model stub.

Run as a script it installs opencode and prints where its command is.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = "opencode-ai"
VERSION = "1.18.33"
CACHE_VARIABLE = "QUARTERDECK_TEST_NPM"
INSTALL_TIMEOUT_S = 600.0


class OpencodeUnavailableError(Exception):
    """opencode is neither installed nor installable here; the message says why."""


@dataclass(frozen=True)
class OpencodeSetup:
    """How to start opencode against a stub model, with nothing of the user's own in reach."""

    argv: list[str]
    env: dict[str, str]

    def config_entry(self) -> str:
        """The `[agents.opencode]` table for Quarterdeck's config.toml."""
        # JSON strings of plain ASCII are TOML strings too.
        env = ", ".join(f"{key} = {json.dumps(value)}" for key, value in self.env.items())
        return (
            "[agents.opencode]\n"
            f"command = {json.dumps(self.argv)}\n"
            f"env = {{ {env} }}\n"
            'protocol = "acp"\n'
        )


def cache_dir() -> Path:
    """Where npm packages for tests are kept between test runs."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named) if named else Path.home() / ".cache" / "quarterdeck-tests" / "npm"


def installed_opencode(cache: Path) -> Path | None:
    """The command of the pinned version in `cache`, or None if that is not there."""
    manifest = cache / "node_modules" / PACKAGE / "package.json"
    command = cache / "node_modules" / ".bin" / "opencode"
    if not manifest.is_file() or not os.access(command, os.X_OK):
        return None
    return command if json.loads(manifest.read_text())["version"] == VERSION else None


def obtain_opencode() -> Path:
    """Find the pinned opencode, or install it with npm.

    Raises:
        OpencodeUnavailableError: npm is missing, or its installation failed.
    """
    cache = cache_dir()
    found = installed_opencode(cache)
    if found is not None:
        return found
    npm = shutil.which("npm")
    if npm is None:
        raise OpencodeUnavailableError("npm is not installed, and opencode comes from npm")
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as lock:
        # Two test runs may start at once; the second finds what the first installed.
        fcntl.flock(lock, fcntl.LOCK_EX)
        return installed_opencode(cache) or _install(npm, cache)


def _install(npm: str, cache: Path) -> Path:
    argv = [npm, "install", "--prefix", str(cache), "--no-audit", "--no-fund", "--loglevel=error"]
    argv.append(f"{PACKAGE}@{VERSION}")
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise OpencodeUnavailableError(
            f"npm did not install {PACKAGE}@{VERSION} within {INSTALL_TIMEOUT_S:.0f} s"
        ) from None
    found = installed_opencode(cache)
    if done.returncode != 0 or found is None:
        last = (done.stderr.strip() or "npm said nothing")[-600:]
        raise OpencodeUnavailableError(f"npm could not install {PACKAGE}@{VERSION}: {last}")
    return found


def require_opencode() -> Path:
    """The command of opencode, or an end to the calling test.

    The test fails where CI is true and npm exists, so that a broken installation cannot pass
    unseen; elsewhere it is skipped with the reason.
    """
    try:
        return obtain_opencode()
    except OpencodeUnavailableError as error:
        if os.environ.get("CI") == "true" and shutil.which("npm"):
            pytest.fail(f"CI has npm but no opencode: {error}")
        pytest.skip(str(error))


def prepare_opencode(command: Path, root: Path, base_url: str) -> OpencodeSetup:
    """Write a scratch home with a configuration for opencode.

    Args:
        command: What `require_opencode` returned.
        root: A folder for its home, data and caches; kept over restarts of the agent.
        base_url: `ModelStub.base_url`.
    """
    folders = {
        "HOME": root / "home",
        "XDG_CONFIG_HOME": root / "config",
        "XDG_DATA_HOME": root / "data",
        "XDG_CACHE_HOME": root / "cache",
        "XDG_STATE_HOME": root / "state",
    }
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    config = folders["XDG_CONFIG_HOME"] / "opencode" / "opencode.json"
    config.parent.mkdir(exist_ok=True)
    config.write_text(json.dumps(_configuration(base_url), indent=2))
    env = {name: str(folder) for name, folder in folders.items()}
    for switch in ("AUTOUPDATE", "MODELS_FETCH", "LSP_DOWNLOAD", "DEFAULT_PLUGINS"):
        env[f"OPENCODE_DISABLE_{switch}"] = "1"
    return OpencodeSetup(argv=[str(command), "acp"], env=env)


def _configuration(base_url: str) -> dict[str, object]:
    model = {"name": "Stub model", "limit": {"context": 200_000, "output": 8_192}}
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "Stub",
        "options": {"baseURL": base_url, "apiKey": "not-a-secret"},
        "models": {"stub-model": model},
    }
    return {
        "autoupdate": False,
        "share": "disabled",
        "model": "stub/stub-model",
        "small_model": "stub/stub-model",
        "provider": {"stub": provider},
        "permission": {"bash": "ask", "edit": "ask", "webfetch": "ask"},
    }


if __name__ == "__main__":
    try:
        print(obtain_opencode())
    except OpencodeUnavailableError as unavailable:
        sys.exit(f"opencode cannot be had: {unavailable}")
