"""What the inbox holds: every open question once, in an order that never moves the one read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from quarterdeck.model.hostile_text import clean
from quarterdeck.model.records import ApprovalView
from quarterdeck.tui.board import Board
from quarterdeck.tui.dialogs.deciding import Deciding
from quarterdeck.tui.risk import Risk


@dataclass(slots=True)
class Item:
    """One question of the inbox."""

    deciding: Deciding
    risk: Risk
    chosen: bool = False
    """Whether the next decision is for it too."""

    @property
    def key(self) -> str:
        """The approval's id."""
        return self.deciding.view.approval_id

    @property
    def open(self) -> bool:
        """Whether it still waits for an answer."""
        return not self.deciding.settled and not self.deciding.sending

    @property
    def order(self) -> tuple[int, str]:
        """Riskier first, then older first."""
        return self.risk.level, self.deciding.view.created_at

    def matches(self, words: str) -> bool:
        """Return whether all of `words` occur in what a person sees of it."""
        view = self.deciding.view
        seen = (view.session_title, view.agent, view.kind, self.deciding.asked.text, view.cwd)
        text = clean(" ".join(seen), strict=True).lower()
        return all(word in text for word in words.lower().split())


@dataclass(slots=True)
class Inbox:
    """The items in their order."""

    make: Callable[[ApprovalView], Item]
    _items: dict[str, Item] = field(default_factory=dict)
    _done: set[str] = field(default_factory=set)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items.values())

    def __len__(self) -> int:
        return len(self._items)

    def get(self, key: str | None) -> Item | None:
        """Return the item of an approval."""
        return self._items.get(key or "")

    def see(self, board: Board, reading: str | None) -> list[Item]:
        """Take in a newer board; return the items whose end nobody has told yet.

        What is no longer open goes, but not from under the reader. What is new stands after
        the item that is read, in the order of risk and age.

        Args:
            board: What is open now.
            reading: The approval under the cursor.
        """
        unexplained = [item for item in self if item.deciding.see(board)]
        if not board.current:
            return []
        pending = {view.approval_id for view in board.approvals}
        self._done &= pending
        kept = [item for item in self if not item.deciding.settled or item.key == reading]
        known = {item.key for item in kept} | self._done
        new = [self.make(view) for view in board.approvals if view.approval_id not in known]
        for item in new:
            item.deciding.see(board)
        place = next((i + 1 for i, item in enumerate(kept) if item.key == reading), 0)
        later = sorted([*kept[place:], *new], key=lambda item: item.order)
        self._items = {item.key: item for item in [*kept[:place], *later]}
        return [item for item in unexplained if item.key in self._items]

    def drop_settled(self, reading: str | None) -> None:
        """Let go of what is no longer open, except what is being read."""
        self._items = {
            key: item
            for key, item in self._items.items()
            if not item.deciding.settled or key == reading
        }

    def finished(self, key: str) -> None:
        """Note that the answer is committed: the item goes, before the next board says so."""
        if self._items.pop(key, None) is not None:
            self._done.add(key)

    def held(self) -> list[Item]:
        """Return what was decided and can still be taken back."""
        return [item for item in self if item.deciding.held]

    def chosen(self) -> list[Item]:
        """Return what was selected and is still open."""
        return [item for item in self if item.chosen and item.open]
