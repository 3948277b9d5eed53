from pathlib import Path
from typing import NamedTuple

import pytest


class Place(NamedTuple):
    """A project an agent works in, and a directory beside it that is none of its business."""

    root: Path
    outside: Path


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    base = tmp_path_factory.mktemp("policy")
    root, outside = base / "home" / "project", base / "elsewhere"
    texts = [
        "README.md",
        "package.json",
        "pyproject.toml",
        "src/main.py",
        "tests/test_main.py",
        ".env",
        ".git/config",
        ".git/HEAD",
        "keys/server.pem",
        "id_rsa",
        "vendored/.git/config",
        "vendored/bare/HEAD",
        "vendored/bare/objects/x",
        "vendored/bare/refs/x",
    ]
    for name in texts:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("text\n")
    outside.mkdir()
    (outside / "secret").write_text("secret\n")
    (root / "link-out").symlink_to(outside)
    (root / "link-to-secret").symlink_to(outside / "secret")
    (root / "link-inside").symlink_to(root / "src")
    (root / "loop").symlink_to(root / "loop")
    return Place(root, outside)
