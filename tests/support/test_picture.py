"""Screenshots become pictures in which every character keeps its column."""

import struct
from pathlib import Path
from xml.etree import ElementTree

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Static

from tests.support.picture import (
    COLUMN,
    FONT,
    PictureError,
    missing_renderer,
    svg_to_png,
    with_fixed_columns,
)


class Framed(App[None]):
    CSS = "Static { border: round green; }"

    def compose(self) -> ComposeResult:
        yield Static("a │ b\n日本 c  d", markup=False)


@pytest.fixture
async def screenshot(tmp_path: Path) -> Path:
    app = Framed()
    async with app.run_test(size=(40, 6)):
        path = tmp_path / "screen.svg"
        path.write_text(app.export_screenshot(title="Framed"), encoding="utf-8")
    return path


def columns(svg: str) -> dict[str, set[int]]:
    """At which columns each run of text starts."""
    found: dict[str, set[int]] = {}
    for text in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
        if "clip-path" in text.attrib or "transform" in text.attrib:
            run = (text.text or "").strip()
            found.setdefault(run, set()).add(round(float(text.attrib["x"]) / COLUMN))
    return found


async def test_runs_start_at_the_columns_where_the_terminal_shows_them(screenshot: Path):
    svg = with_fixed_columns(screenshot.read_text(encoding="utf-8"))
    at = columns(svg)
    # A row's first column is its frame's; the text starts in the next one.
    assert at["│"] == {0, 3, 39}
    assert at["日"] == {1}
    assert at["本"] == {3}
    assert 5 in at["c\u00a0\u00a0d"]
    assert FONT in svg
    assert "textLength" not in svg
    assert "url(https" not in svg.replace('"', "")


async def test_png_has_the_size_that_was_asked_for(screenshot: Path, tmp_path: Path):
    reason = missing_renderer()
    if reason:
        pytest.skip(reason)
    picture = tmp_path / "screen.png"
    svg_to_png(screenshot, picture, width=800)
    header = picture.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">I", header[16:20]) == (800,)


def test_what_is_no_screenshot_is_refused():
    with pytest.raises(PictureError, match="not an SVG"):
        with_fixed_columns("hello")
    with pytest.raises(PictureError, match="not a screenshot by Textual"):
        with_fixed_columns('<svg xmlns="http://www.w3.org/2000/svg"/>')
