"""Finding in rows that are all held by the view itself."""

from collections.abc import Callable, Sequence

from quarterdeck.tui.find_words import FindWords


class RowLines:
    """The rows of a view."""

    slice = 500

    def __init__(
        self,
        *,
        size: Callable[[], int],
        here: Callable[[], int],
        has: Callable[[int], bool],
        show: Callable[[int], None],
    ) -> None:
        """Take how the view tells of itself.

        Args:
            size: Returns how many rows there are.
            here: Returns the row the person is at.
            has: Returns whether a row has what is looked for.
            show: Shows a row as the current one.
        """
        self.size, self.here, self._has, self.show_hit = size, here, has, show

    def first_shown(self) -> int:
        """Return the row the person is at."""
        return self.here()

    async def having(self, words: FindWords, first: int, end: int) -> Sequence[int]:
        """Return which of some rows have the words."""
        return [row for row in range(first, min(end, self.size())) if self._has(row)]
