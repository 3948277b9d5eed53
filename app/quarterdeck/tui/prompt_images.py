"""Images beside a prompt: files whose path was pasted, and the picture in the clipboard."""

import base64
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from quarterdeck.model.failpoints import failpoint
from quarterdeck.model.hostile_text import clean_line

MOST = 10
"""Images of one prompt, as the supervisor takes them."""
MOST_BASE64 = 5 * 1024 * 1024
"""Characters of base64 of all images of one prompt, as the supervisor takes them."""
_MOST_BYTES = MOST_BASE64 // 4 * 3
_LONGEST_PATHS = 8192
_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp"})
_CLIPBOARD_S = 2.0
_PNG = "image/png"
_CLIPBOARD: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("WAYLAND_DISPLAY", ("wl-paste", "--no-newline", "--type", _PNG)),
    ("DISPLAY", ("xclip", "-selection", "clipboard", "-target", _PNG, "-out")),
    ("", ("pngpaste", "-")),
)
"""What reads a picture from the clipboard, and the variable without which it cannot."""


class NoImage(Exception):
    """Something is no image that can be sent; the text says why."""


@dataclass(frozen=True, slots=True)
class PromptImage:
    """One image, as it is sent and as it is shown."""

    name: str
    """Safe and of one line."""
    mime_type: str
    data: str
    """In base64."""

    @property
    def chip(self) -> str:
        """How it stands above the prompt."""
        size = len(self.data) // 4 * 3
        told = f"{size / 1024:.0f} KB" if size < 1024 * 1024 else f"{size / 1024 / 1024:.1f} MB"
        return f"[image {self.name} {told if size >= 1024 else f'{size} B'}]"


def image_paths(pasted: str) -> list[Path]:
    """Return the image files a pasted text names and nothing else, as a terminal drops them.

    A line is a path or a file URL; quotes and backslashes as of a shell are taken off. If any
    part of the text is something else, or no file of this machine, nothing is returned.
    """
    text = pasted.strip()
    if not text or len(text) > _LONGEST_PATHS:
        return []
    found: list[Path] = []
    for line in text.splitlines():
        whole = _image_file(line.strip())
        if whole is not None:
            found.append(whole)
            continue
        try:
            words = shlex.split(line)
        except ValueError:
            return []
        paths = [_image_file(word) for word in words]
        if not paths or None in paths:
            return []
        found += [path for path in paths if path is not None]
    return found


def _image_file(word: str) -> Path | None:
    if word.startswith("file://"):
        url = urlsplit(word)
        if url.netloc not in ("", "localhost"):
            return None
        word = unquote(url.path)
    elif word.startswith("~/"):
        word = str(Path.home()) + word[1:]
    path = Path(word)
    if path.suffix.lower() not in _SUFFIXES or not path.is_absolute():
        return None
    try:
        return path if path.is_file() else None
    except (OSError, ValueError):
        return None


def read_image(path: Path) -> PromptImage:
    """Read an image file.

    Raises:
        NoImage: It cannot be read, is too large, or holds something else.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise NoImage(f"{path.name} cannot be read: {error.strerror}") from error
    return _made(path.name, data)


def _made(name: str, data: bytes) -> PromptImage:
    if len(data) > _MOST_BYTES:
        raise NoImage(f"{name} is over {_MOST_BYTES // 1024} KB")
    mime_type = _mime_type(data)
    if mime_type is None:
        raise NoImage(f"{name} is no png, jpeg, gif or webp")
    return PromptImage(clean_line(name), mime_type, base64.b64encode(data).decode("ascii"))


def _mime_type(data: bytes) -> str | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _PNG
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if re.match(rb"GIF8[79]a", data):
        return "image/gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def clipboard_image(environ: Mapping[str, str]) -> PromptImage | None:
    """Return the picture in this machine's clipboard, or None if there is none to be had."""
    for variable, wanted in _CLIPBOARD:
        if variable and not environ.get(variable):
            continue
        program = shutil.which(wanted[0], path=environ.get("PATH"))
        if program is None:
            continue
        failpoint("clipboard_image.spawn.before")
        try:
            done = subprocess.run(
                [program, *wanted[1:]],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_CLIPBOARD_S,
                check=False,
                env=dict(environ),
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0 and _mime_type(done.stdout):
            return _made("clipboard.png", done.stdout)
    return None


def check_room(held: Sequence[PromptImage], more: Sequence[PromptImage]) -> None:
    """Check that a prompt can take `more` images beside those it holds.

    Raises:
        NoImage: There would be too many, or too much.
    """
    images = [*held, *more]
    if len(images) > MOST:
        raise NoImage(f"a prompt takes at most {MOST} images")
    if sum(len(image.data) for image in images) > MOST_BASE64:
        raise NoImage(f"the images of a prompt may have {_MOST_BYTES // 1024} KB together")
