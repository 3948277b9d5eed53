"""Make the pictures in screenshots/: `python -m tests.support.make_screenshots`."""

import asyncio
import sys
from pathlib import Path

from textual.pilot import Pilot

from tests.support.picture import missing_renderer, svg_to_png
from tests.support.scenes import app_of, deck_of_six

FOLDER = Path(__file__).parents[2] / "screenshots"
PICTURES: dict[str, tuple[tuple[int, int], tuple[str, ...]]] = {
    "main": ((132, 36), ()),
    "main-80x24": ((80, 24), ()),
    "approval": ((132, 36), ("n", "a")),
    "inbox": ((132, 36), ("I", "N")),
    "inbox-80x24": ((80, 24), ("I",)),
    "help": ((132, 36), ("question_mark",)),
}
"""Per picture: the terminal's size and the keys that lead to it."""


async def _settle(pilot: Pilot[None]) -> None:
    """Wait until nothing is on its way to the screen."""
    for _ in range(4):
        await pilot.pause(0.1)


async def make(name: str, folder: Path) -> Path:
    """Make one picture as SVG, and as PNG where the renderer is installed; return the SVG."""
    size, keys = PICTURES[name]
    app = app_of(deck_of_six())
    async with app.run_test(size=size) as pilot:
        await _settle(pilot)
        for key in keys:
            await pilot.press(key)
            await _settle(pilot)
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
