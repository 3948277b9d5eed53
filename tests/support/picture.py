"""Pictures for the README: a screenshot that Textual exported as SVG becomes a PNG.

Textual's SVG names a web font and stretches each run of text to its columns; rsvg-convert knows
neither. So the font is replaced by DejaVu Sans Mono at the size whose advance is one column, runs
are cut where columns could drift, and frame characters are stretched until rows touch.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from rich.cells import cell_len

SVG = "http://www.w3.org/2000/svg"
XML_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
FONT = "DejaVu Sans Mono"
PACKAGES = "librsvg2-bin and fonts-dejavu-core"
RENDER_TIMEOUT_S = 120.0

# Rich's export: a column is 12.2 wide, a row's ground reaches from 18.5 above the baseline to
# 6.15 below it.
COLUMN, ABOVE, BELOW = 12.2, 18.5, 6.15
# DejaVu Sans Mono, in units of its em: the advance, and how far a frame character reaches.
ADVANCE, FRAME_ABOVE, FRAME_BELOW = 1233 / 2048, 1921 / 2048, 512 / 2048
FONT_SIZE = COLUMN / ADVANCE

# Text in the font's own width, frames (box drawing and blocks), anything else one by one.
RUNS = re.compile(r"[ -~\u00a0-\u00ff]+|[\u2500-\u259f]+|.", re.DOTALL)


class PictureError(Exception):
    """The picture could not be made; the message says what is missing or wrong."""


def missing_renderer() -> str | None:
    """Why no picture can be made here, or None if one can."""
    if shutil.which("rsvg-convert") is None:
        return f"rsvg-convert is not installed (Debian: {PACKAGES})"
    if shutil.which("fc-match") is not None:
        argv = ["fc-match", "--format=%{family}", FONT]
        found = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        if FONT not in found:
            return f"the font {FONT} is not installed (Debian: {PACKAGES})"
    return None


def svg_to_png(svg_path: Path, png_path: Path, width: int | None = None) -> None:
    """Render a screenshot that Textual exported.

    Args:
        svg_path: What `App.save_screenshot` or `App.export_screenshot` made.
        png_path: The picture to write.
        width: Its width in pixels; default: the SVG's own.

    Raises:
        PictureError: The renderer or the font is missing, or the SVG is not a screenshot.
    """
    missing = missing_renderer()
    if missing:
        raise PictureError(missing)
    argv = ["rsvg-convert", "--output", str(png_path)]
    if width is not None:
        argv += ["--width", str(width), "--keep-aspect-ratio"]
    done = subprocess.run(
        argv,
        input=with_fixed_columns(svg_path.read_text(encoding="utf-8")).encode(),
        capture_output=True,
        timeout=RENDER_TIMEOUT_S,
    )
    if done.returncode != 0:
        raise PictureError(f"rsvg-convert refused {svg_path}: {done.stderr.decode().strip()}")


def with_fixed_columns(svg: str) -> str:
    """The same screenshot, written so that a plain renderer keeps every character in its column.

    Raises:
        PictureError: `svg` is not a screenshot by Textual.
    """
    ElementTree.register_namespace("", SVG)
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError as error:
        raise PictureError(f"not an SVG: {error}") from None
    style = root.find(f"{{{SVG}}}style")
    matrix = root.find(f".//{{{SVG}}}g[@class]")
    if style is None or style.text is None or matrix is None:
        raise PictureError("not a screenshot by Textual: it has no text matrix")
    style.text = _own_font(style.text)
    texts = list(matrix)
    for text in texts:
        matrix.remove(text)
        matrix.extend(_runs(text))
    return ElementTree.tostring(root, encoding="unicode")


def _own_font(style: str) -> str:
    style = re.sub(r"@font-face\s*\{.*?\}", "", style, flags=re.DOTALL)
    style = style.replace("Fira Code, monospace", f'"{FONT}"').replace("arial", '"DejaVu Sans"')
    return style.replace("font-size: 20px", f"font-size: {FONT_SIZE:.4f}px")


def _runs(text: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """The element cut into runs that cannot drift, each at the column where it belongs."""
    content = text.text or ""
    for found in RUNS.finditer(content):
        run = found.group()
        if not run.strip("\n"):
            continue
        start = float(text.attrib["x"]) + COLUMN * cell_len(content[: found.start()])
        element = ElementTree.Element(text.tag, {**text.attrib, "x": f"{start:.2f}"})
        element.attrib.pop("textLength", None)
        element.set(XML_SPACE, "preserve")
        element.text = run
        if "\u2500" <= run[0] <= "\u259f":
            _stretch(element)
        yield element


def _stretch(frame: ElementTree.Element) -> None:
    """Make a run of frame characters fill its row from top to bottom."""
    baseline = float(frame.attrib["y"])
    scale = (ABOVE + BELOW) / ((FRAME_ABOVE + FRAME_BELOW) * FONT_SIZE)
    shift = BELOW - scale * FRAME_BELOW * FONT_SIZE + baseline * (1 - scale)
    frame.set("transform", f"matrix(1 0 0 {scale:.5f} 0 {shift:.4f})")
    # The clip would be stretched too, and cut the frame's top off.
    frame.attrib.pop("clip-path", None)
