"""Make the pictures in screenshots/: `python -m tests.support.make_screenshots`."""

import asyncio
import sys
from pathlib import Path

from quarterdeck.tui.themes import DARK, LIGHT
from tests.support.picture import missing_renderer, svg_to_png
from tests.support.scenes import app_of
from tests.support.situations import SITUATIONS

FOLDER = Path(__file__).parents[2] / "screenshots"
PICTURES: dict[str, tuple[str, tuple[int, int], str]] = {
    "main": ("main", (132, 36), DARK.name),
    "main-80x24": ("main", (80, 24), DARK.name),
    "main-light": ("main", (132, 36), LIGHT.name),
    "many": ("many", (160, 40), DARK.name),
    "approval": ("approval", (132, 36), DARK.name),
    "inbox": ("inbox", (132, 36), DARK.name),
    "inbox-80x24": ("inbox", (80, 24), DARK.name),
    "diff": ("diff", (160, 36), DARK.name),
    "trace": ("trace", (132, 36), DARK.name),
    "help": ("help", (132, 36), DARK.name),
}
"""Per picture: the situation, the terminal's size and the theme."""


async def make(name: str, folder: Path) -> Path:
    """Make one picture as SVG, and as PNG where the renderer is installed; return the SVG."""
    situation, size, theme = PICTURES[name]
    app = app_of(SITUATIONS[situation].deck())
    async with app.run_test(size=size) as pilot:
        app.theme = theme
        await SITUATIONS[situation].reach(pilot)
        svg = folder / f"{name}.svg"
        svg.write_text(app.export_screenshot(title="qd", simplify=True), "utf-8")
    if missing_renderer() is None:
        svg_to_png(svg, svg.with_suffix(".png"))
    return svg


def main() -> int:
    """Make every picture."""
    FOLDER.mkdir(exist_ok=True)
    for name in PICTURES:
        print(asyncio.run(make(name, FOLDER)))
    if missing := missing_renderer():
        print(f"no PNG was made: {missing}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
