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
        current: Callable[[], int],
        has: Callable[[int], bool],
        show: Callable[[int], None],
    ) -> None:
        """Take how the view tells of itself.

        Args:
            size: Returns how many rows there are.
            here: Returns the row the person is at.
            current: Returns the row marked as the current one, -1 if none is.
            has: Returns whether a row has what is looked for.
            show: Shows a row as the current one.
        """
        self.size, self.here, self.current = size, here, current
        self._has, self.show_hit = has, show

    async def having(self, words: FindWords, first: int, end: int) -> Sequence[int]:
        """Return which of some rows have the words."""
        return [row for row in range(first, min(end, self.size())) if self._has(row)]
