"""What terminals with less can show: no colour, 16 colours, no Unicode (issue 6, looks)."""

import ast
import itertools
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.color import Color as RichColor
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from quarterdeck import tui
from quarterdeck.tui import themes
from quarterdeck.tui.app import QuarterdeckApp
from quarterdeck.tui.plain_filters import AsciiFilter, ColourlessFilter
from quarterdeck.tui.terminal_looks import TerminalLooks, looks_of
from tests.support.piloting import until_shown
from tests.support.scenes import app_of, deck_of_six

BLACK = Color(0, 0, 0)
TEXTS = ("foreground", "muted", "primary", "warning", "error", "success", "accent")


@pytest.mark.parametrize(
    ("environ", "few", "ascii_only"),
    [
        ({}, False, False),
        ({"TERM": "xterm-256color", "LANG": "de_DE.UTF-8"}, False, False),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, False, False),
        ({"TERM": "xterm"}, True, False),
        ({"TERM": "xterm-16color"}, True, False),
        ({"TERM": "linux", "LANG": "en_US.UTF-8"}, True, True),
        ({"TERM": "xterm", "TEXTUAL_COLOR_SYSTEM": "256"}, False, False),
        ({"TERM": "xterm-256color", "TEXTUAL_COLOR_SYSTEM": "standard"}, True, False),
        ({"TERM": "xterm-256color", "LC_ALL": "C", "LANG": "en_US.UTF-8"}, False, True),
        ({"TERM": "xterm-256color", "LANG": "de_DE.ISO-8859-1@euro"}, False, True),
        ({"TERM": "xterm-256color", "LC_CTYPE": "C.UTF-8", "LANG": "C"}, False, False),
    ],
)
def test_terminal_and_locale_tell_what_can_be_shown(environ, few, ascii_only):
    looks = looks_of(environ)
    assert (looks.few_colours, looks.ascii, looks.colour) == (few, ascii_only, True)


def test_no_color_counts_unless_it_is_empty():
    assert not looks_of({"NO_COLOR": "1"}).colour
    assert looks_of({"NO_COLOR": ""}).colour


def test_config_names_glyphs_and_theme_and_what_is_wrong_is_said(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text('[screen]\nglyphs = "ascii"\ntheme = "nord"\n')
    looks = looks_of({}, file)
    assert (looks.ascii, looks.theme, looks.problems) == (True, "nord", ())
    file.write_text('[screen]\nglyphs = "runes"\ntheme = 7\n')
    looks = looks_of({}, file)
    assert (looks.ascii, looks.theme, len(looks.problems)) == (False, "", 2)
    file.write_text("[screen")
    assert looks_of({}, file) == TerminalLooks()


def test_every_sign_becomes_ascii_in_as_many_cells():
    text = "┌─╮│▌◆ ✗ ● ○ · ? ≈ … ▸▾ “漢字” e\u0301 é"
    (segment,) = AsciiFilter().apply([Segment(text, Style(bold=True))], BLACK)
    assert segment.text.isascii()
    assert len(segment.text) == cell_len(text)
    assert segment.text.startswith("+-+|>! x * o . ? ~ ~ ")
    assert segment.style == Style(bold=True)


def _own_signs() -> set[str]:
    """Return every sign that is not ASCII in a text of the screen's own code."""
    found: set[str] = set()
    for file in Path(tui.__file__).parent.rglob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]
        for text in texts:
            if isinstance(text.value, str) and id(text) not in docstrings:
                found |= {char for char in text.value if not char.isascii() and cell_len(char)}
    return found


def test_no_sign_of_our_own_is_without_a_likeness_in_ascii():
    signs = _own_signs()
    assert "◆" in signs
    (segment,) = AsciiFilter().apply([Segment(" ".join(signs))], BLACK)
    unlike = {sign for sign, plain in zip(signs, segment.text[::2], strict=True) if plain == "?"}
    assert unlike <= {"\ufffd", "\uff1f"}, "these two stand for what is not known"


def test_without_colour_only_what_needs_none_stays():
    style = Style(color="red", bgcolor="blue", bold=True, reverse=True)
    (segment,) = ColourlessFilter().apply([Segment("x", style)], BLACK)
    assert segment.style == Style(bold=True, reverse=True)


def _light(colour: str, system: ColorSystem) -> float:
    """Return the relative luminance (WCAG 2) of a colour as a terminal of the system shows it."""
    told = RichColor.parse(Color.parse(colour).hex6).downgrade(system).get_truecolor()
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in told.normalized]
    return sum(share * c for share, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(text: str, ground: str, system: ColorSystem) -> float:
    dark, light = sorted((_light(text, system), _light(ground, system)))
    return (light + 0.05) / (dark + 0.05)


def _pairs(theme):
    colours = {**theme.to_color_system().generate(), **theme.variables}
    for text, ground in itertools.product(TEXTS, ("background", "surface", "panel")):
        yield text, ground, colours[text], colours[ground]
    for text in ("foreground", "muted", "warning", "error"):
        yield text, "cursor-ground", colours[text], colours["cursor-ground"]


@pytest.mark.parametrize(
    ("theme", "system", "least"),
    [
        (themes.DARK, ColorSystem.TRUECOLOR, 4.0),
        (themes.DARK, ColorSystem.EIGHT_BIT, 3.5),
        (themes.LIGHT, ColorSystem.TRUECOLOR, 4.0),
        (themes.LIGHT, ColorSystem.EIGHT_BIT, 3.5),
        (themes.DARK_16, ColorSystem.STANDARD, 4.0),
        (themes.LIGHT_16, ColorSystem.STANDARD, 4.0),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_what_is_written_can_be_read_on_every_ground(theme, system, least):
    poor = {
        f"{text} on {ground}": ratio
        for text, ground, ink, paper in _pairs(theme)
        if (ratio := round(_contrast(ink, paper, system), 2)) < least
    }
    assert poor == {}


def _app(**looks: object) -> QuarterdeckApp:
    app = app_of(deck_of_six())
    return QuarterdeckApp(
        app._link._connect,
        clock=app._clock,
        host="buildbox",
        environ={},
        looks=TerminalLooks(**looks),  # type: ignore[arg-type]
    )


async def test_without_colour_or_unicode_nothing_of_either_is_written():
    app = _app(colour=False, ascii=True)
    async with app.run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "Deploy api")
        assert app.theme == themes.MONO.name
        await pilot.press("question_mark")
        await until_shown(pilot, "Sessions and panes")
        written: list[Segment] = []
        for strip in app.screen._compositor.render_strips():
            segments = list(strip)
            for line_filter in app.get_line_filters():
                segments = line_filter.apply(segments, BLACK)
            written += segments
        assert all(segment.text.isascii() for segment in written)
        styles = [segment.style for segment in written if segment.style]
        assert not any(style.color or style.bgcolor for style in styles)


async def test_without_colour_the_row_under_the_cursor_is_reversed():
    app = _app(colour=False)
    async with app.run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "Deploy api")
        lines = [list(app.screen.query_one("#sessions").render_line(y)) for y in (0, 1)]
        assert all(segment.style and segment.style.reverse for segment in lines[0])
        assert not any(segment.style and segment.style.reverse for segment in lines[1])


async def test_16_colours_have_themes_of_their_own():
    app = _app(few_colours=True, theme=themes.LIGHT.name)
    async with app.run_test():
        assert app.theme == themes.LIGHT_16.name
    assert themes.wished(app.theme) == themes.LIGHT.name


async def test_every_theme_of_textuals_can_be_worn():
    app = _app()
    async with app.run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "Deploy api")
        for name in BUILTIN_THEMES:
            app.theme = name
            await pilot.pause()
        await until_shown(pilot, "Deploy api")


async def test_an_unknown_theme_is_said_and_ours_is_shown():
    app = _app(theme="nowhere")
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        await until_shown(pilot, "There is no theme called 'nowhere'.")
        assert app.theme == themes.DARK.name
