"""Files that another process appends to while a test reads them."""

from pathlib import Path


def whole_lines(file: Path) -> list[str]:
    """Return the lines that are there to their end; no file has none.

    The kernel shows a write page by page, so the last line may be a half one for a moment, and
    stays one if its writer was killed.
    """
    text = file.read_bytes() if file.exists() else b""
    return text.rpartition(b"\n")[0].decode().splitlines()
