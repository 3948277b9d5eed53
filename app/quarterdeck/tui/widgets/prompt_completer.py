"""What runs a completion: looks up choices while one types, and writes out the one taken."""

import asyncio
from collections.abc import Callable

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.hostile_text import clean_line
from quarterdeck.tui.link import reason_of
from quarterdeck.tui.widgets.prompt_completion import (
    Choice,
    Completes,
    CompletionList,
    Partial,
    commands_for,
)
from quarterdeck.tui.widgets.prompt_editor import PromptEditor

COMPLETE_AFTER_S = 0.05
"""How long after a key files are looked for."""


class Completer:
    """Joins an editor with its list of choices; one look-up at a time, the last one wins."""

    def __init__(
        self, editor: PromptEditor, choices: CompletionList, deck: Callable[[], Deck]
    ) -> None:
        """Prepare with the list closed.

        Args:
            editor: Where one types.
            choices: Where they are shown.
            deck: Returns the connected deck or raises `unreachable`.
        """
        self._editor, self._choices, self._deck = editor, choices, deck
        self._listed: Partial | None = None
        self._dismissed: tuple[Completes, int, int] | None = None

    @property
    def listed(self) -> bool:
        """Whether choices are looked up or shown."""
        return self._listed is not None

    def follow(self, session_id: str) -> None:
        """Look for choices for the word before the cursor, if it is being typed."""
        editor = self._editor
        partial = None if editor.untouched or not editor.has_focus else editor.partial()
        if partial is None or not session_id:
            self._dismissed = None
            self.close()
        elif partial.place != self._dismissed and partial != self._listed:
            self._listed = partial
            work = self._look_up(session_id, partial)
            self._choices.run_worker(work, group="completion", exclusive=True)

    async def _look_up(self, session_id: str, partial: Partial) -> None:
        choices: list[Choice] = []
        problem = ""
        try:
            if partial.kind is Completes.FILE:
                await asyncio.sleep(COMPLETE_AFTER_S)
                names = await self._deck().files(session_id, partial.words)
                choices = [Choice(clean_line(name)) for name in names]
            else:
                offers = await self._deck().offers(session_id)
                choices = commands_for(partial.words, offers.commands)
        except QuarterdeckError as error:
            problem = reason_of(error)
        if self._choices.is_mounted and partial == self._listed:
            self._choices.offer(partial.kind, choices, problem)
            self._editor.choosing = self._choices.open

    def close(self) -> None:
        """Show no choices, and forget what is being looked up."""
        if self._listed is not None:
            self._choices.workers.cancel_group(self._choices, "completion")
        self._listed = None
        self._editor.choosing = False
        self._choices.close()

    def dismiss(self) -> None:
        """Close the list and keep it closed while the same word is written on."""
        if self._listed is not None:
            self._dismissed = self._listed.place
        self.close()

    def move(self, by: int) -> None:
        """Move to another choice."""
        self._choices.action_move(by)

    def take(self) -> bool:
        """Write out the choice under the cursor; return False if it was written already."""
        name, partial = self._choices.selected, self._editor.partial()
        if name is None or partial is None or partial != self._listed:
            return True  # the list is not about the word that stands there by now
        if name == partial.words:
            self.dismiss()
            return False
        end = self._editor.cursor_location
        done = self._editor.replace(f"{partial.kind}{name} ", (partial.row, partial.start), end)
        self._editor.move_cursor(done.end_location)
        self.close()
        return True
