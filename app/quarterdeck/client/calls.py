"""What every group of calls is built on."""

from typing import Any


class DeckCalls:
    """Something that can make a call of the protocol; `Deck` is one."""

    async def call(self, method: str, **params: Any) -> Any:
        """Make one call of the protocol by its name, leaving out parameters that are None."""
        raise NotImplementedError
