"""The images beside the prompt of each session, and how they get there."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.hostile_text import clean_line
from quarterdeck.tui.link import reason_of
from quarterdeck.tui.prompt_images import NoImage, PromptImage, check_room

NO_IMAGES = "The agent takes no images, or it is not known yet whether it does."


class PromptImageRow(Static):
    """Shows a chip for each image of the session it was given."""

    DEFAULT_CSS = """
    PromptImageRow { height: auto; max-height: 3; display: none; }
    """

    @dataclass
    class Reading(Message):
        """An image begins to be read, or was read."""

    def __init__(self, deck: Callable[[], Deck], **kwargs: Any) -> None:
        """Hold no images; `deck` returns the connected deck or raises `unreachable`."""
        super().__init__("", markup=False, **kwargs)
        self._deck = deck
        self._images: dict[str, list[PromptImage]] = {}
        self._reading: dict[str, int] = {}
        self._session_id = ""

    def of(self, session_id: str) -> tuple[PromptImage, ...]:
        """Return the images of a session's prompt."""
        return tuple(self._images.get(session_id, ()))

    def reading(self, session_id: str) -> bool:
        """Return whether an image of a session's prompt is being read."""
        return self._reading.get(session_id, 0) > 0

    def show_of(self, session_id: str) -> None:
        """Show the images of this session's prompt."""
        self._session_id = session_id
        images = self.of(session_id)
        self.display = bool(images)
        words = "  ".join(image.chip for image in images)
        if str(self.content) != words:
            self.update(Content(words))

    def take_last(self) -> None:
        """Take the last image shown away."""
        if images := self._images.get(self._session_id):
            images.pop()
            self.show_of(self._session_id)

    def forget(self, session_id: str, sent: tuple[PromptImage, ...]) -> None:
        """Take away the images that were sent."""
        if sent:
            left = [image for image in self.of(session_id) if image not in sent]
            self._images[session_id] = left
            self.show_of(self._session_id)

    async def attach(self, session_id: str, read: Callable[[], list[PromptImage]]) -> bool:
        """Put images beside a prompt, or say why not; return whether there are any now.

        Args:
            session_id: Whose prompt.
            read: Reads them, in a thread.
        """
        self._count(session_id, 1)
        try:
            images = await asyncio.to_thread(read)
            if images and not (await self._deck().offers(session_id)).images:
                raise NoImage(NO_IMAGES)
            check_room(self.of(session_id), images)
        except (NoImage, QuarterdeckError) as error:
            self.app.notify(clean_line(reason_of(error)), severity="warning", markup=False)
            return False
        finally:
            self._count(session_id, -1)
        self._images.setdefault(session_id, []).extend(images)
        if self.is_mounted:
            self.show_of(self._session_id)
        return bool(images)

    def _count(self, session_id: str, by: int) -> None:
        self._reading[session_id] = self._reading.get(session_id, 0) + by
        self.post_message(self.Reading().set_sender(self))
