"""Rule files and config.toml watched, so that a broken one is told though nothing is asked (§6).

Whoever needs such a file looks at it anew in any case: a watcher's word comes late and can be lost.
It is for the person at an idle screen, who would learn only at the next question that everything
is asked now.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from quarterdeck.model.failpoints import failpoint
from quarterdeck.policy.rulebook import PROJECT_FILE
from quarterdeck.supervisor.context import Context

STEP_MS = 250
"""How often the watcher hands on what the system told it; 0.02 % of a core when nothing happens."""

_log = logging.getLogger(__name__)


async def watch(ctx: Context, changed: Callable[[], None]) -> None:
    """Call `changed` when one of the files may say something else, until cancelled."""
    with contextlib.suppress(OSError):
        failpoint("config.mkdir.before")
        ctx.places.config.mkdir(mode=0o700, parents=True, exist_ok=True)
    awatch = await asyncio.to_thread(_library)
    while True:
        more = asyncio.Event()
        ctx.policy.on_root = more.set
        places = _places(ctx)
        directories = _directories(places)
        if not directories:
            await more.wait()
            continue
        names = {place.name for place in places}
        rounds = awatch(
            *directories,
            watch_filter=lambda change, path, names=names: Path(path).name in names,
            debounce=STEP_MS,
            step=STEP_MS,
            rust_timeout=0,
            recursive=False,
            stop_event=more,
        )
        # Once the watch is set, what changed before it was is looked at too.
        asyncio.get_running_loop().call_soon(changed)
        try:
            async for _ in rounds:
                changed()
                if _directories(_places(ctx)) != directories:
                    more.set()
        except (OSError, RuntimeError):
            # No watches are left, or the file system has none: the files are still read anew
            # whenever they are needed.
            _log.exception("rules and configuration are not watched")
            return


def _library() -> Callable[..., AsyncIterator[object]]:
    from watchfiles import awatch

    return awatch


def _places(ctx: Context) -> set[Path]:
    """Return the files, and what they link to."""
    projects = (root / PROJECT_FILE for root in ctx.policy.roots)
    files = [ctx.places.config_file, ctx.policy.user_file, *projects]
    return {place for file in files for place in (file, Path(os.path.realpath(file)))}


def _directories(places: set[Path]) -> set[Path]:
    return {place.parent for place in places if place.parent.is_dir()}
