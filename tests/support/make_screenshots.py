"""Make the pictures in screenshots/ from the demo: `python -m tests.support.make_screenshots`.

A supervisor and the agents of `qd demo` run meanwhile, so each run shows other times and ids.
The same situations, on a scripted supervisor whose clock stands, are compared by
`tests/tui/test_snapshots.py`.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from quarterdeck.tui.themes import DARK, LIGHT
from tests.support.live_demo import LiveDemo, live_demo
from tests.support.picture import missing_renderer, svg_to_png
from tests.support.piloting import screen_text, until

FOLDER = Path(__file__).parents[2] / "screenshots"
DEPLOY, EDIT, CLEAN = "Gated deploy to staging", "Bump the changelog", "Clean the cache (dangerous)"
MORE_PROJECTS = ("api", "client", "importer")


@dataclass(frozen=True)
class Picture:
    """One picture: the terminal, the session shown, the keys, and words that must be there."""

    size: tuple[int, int]
    session: str
    keys: tuple[str, ...]
    shown: tuple[str, ...]
    theme: str = DARK.name


MAIN = ("4 approvals wait", "See what is there")
PICTURES: dict[str, Picture] = {
    "main": Picture((132, 36), CLEAN, (), MAIN),
    "main-80x24": Picture((80, 24), CLEAN, (), MAIN),
    "main-light": Picture((132, 36), CLEAN, (), MAIN, LIGHT.name),
    "split": Picture((160, 40), DEPLOY, ("vertical_line",), ("◆ asks",)),
    "approval": Picture((132, 36), CLEAN, ("a",), ("exact text", "rm -rf")),
    "inbox": Picture((132, 36), CLEAN, ("I",), ("exact text",)),
    "inbox-80x24": Picture((80, 24), CLEAN, ("I",), ("exact text",)),
    "trace": Picture((132, 36), DEPLOY, ("2",), ("◆ asks",)),
    "help": Picture((132, 44), CLEAN, ("question_mark",), ("Tour",)),
}
"""Those of the five sessions as they wait for a person."""
LATER: dict[str, tuple[Callable[[LiveDemo], Awaitable[None]], Picture]] = {}
"""Those that come after a person did something, in order."""


async def _edits_approved(demo: LiveDemo) -> None:
    await demo.approve(EDIT)


async def _many_started(demo: LiveDemo) -> None:
    for project in MORE_PROJECTS:
        await demo.play(project)


LATER["diff"] = (_edits_approved, Picture((160, 36), EDIT, ("3",), ("CHANGELOG.md", "@@")))
LATER["many"] = (_many_started, Picture((160, 40), DEPLOY, ("b",), ("▾ importer", "▾ api")))


async def make(demo: LiveDemo, name: str, picture: Picture, folder: Path) -> Path:
    """Make one picture as SVG, and as PNG where the renderer is installed; return the SVG."""
    app = demo.app()
    async with app.run_test(size=picture.size) as pilot:
        app.theme = picture.theme
        await until(pilot, lambda: app.board.fetched and app.board.sessions)
        chosen = next(view for view in app.board.sessions if view.title == picture.session)
        app.await_session(chosen.session_id)
        await until(pilot, lambda: app.screen.selected == chosen)  # pyright: ignore[reportAttributeAccessIssue]
        for key in picture.keys:
            await pilot.press(key)
            await pilot.pause()
        await until(pilot, lambda: all(w in screen_text(app) for w in picture.shown), name)
        await pilot.pause(0.5)
        svg = folder / f"{name}.svg"
        svg.write_text(app.export_screenshot(title="qd", simplify=True), "utf-8")
    if missing_renderer() is None:
        svg_to_png(svg, svg.with_suffix(".png"))
    return svg


async def make_all(folder: Path) -> None:
    """Make every picture of one demo."""
    async with live_demo() as demo:
        for name, picture in PICTURES.items():
            print(await make(demo, name, picture, folder))
        for name, (prepare, picture) in LATER.items():
            await prepare(demo)
            print(await make(demo, name, picture, folder))


def main() -> int:
    """Make every picture."""
    FOLDER.mkdir(exist_ok=True)
    asyncio.run(make_all(FOLDER))
    if missing := missing_renderer():
        print(f"no PNG was made: {missing}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
