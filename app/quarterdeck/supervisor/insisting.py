"""Writing what must not be forgotten: again until the disk takes it or the supervisor ends."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.store.transaction import Tx
from quarterdeck.supervisor.context import Context

AGAIN_SECONDS = 1.0

_log = logging.getLogger(__name__)


async def write_in_the_end(
    ctx: Context, work: Callable[[Tx], Awaitable[object]], *, durable: bool = True
) -> None:
    """Write, and while the disk is full or fails try again each second.

    Raises:
        QuarterdeckError: `store_unusable` while draining, and whatever else `work` raises.
    """
    while True:
        try:
            await ctx.store.write(work, durable=durable)
            return
        except QuarterdeckError as error:
            if error.code != "store_unusable" or ctx.draining:
                raise
            _log.warning("what happened is not noted yet", extra={"error": error.message})
        await asyncio.sleep(AGAIN_SECONDS)
