"""The images of prompts that wait to be handed over."""

from collections.abc import Sequence
from dataclasses import dataclass

from quarterdeck.store.transaction import Tx


@dataclass(frozen=True, slots=True)
class PromptImage:
    """An image beside a prompt's text."""

    mime_type: str
    data: str
    """In base64."""

    @property
    def size(self) -> int:
        """Its bytes, decoded."""
        return len(self.data) * 3 // 4 - self.data[-2:].count("=")


async def add(tx: Tx, command_id: str, images: Sequence[PromptImage]) -> None:
    """Keep a prompt's images; the schema forgets them once the prompt no longer waits."""
    if images:
        await tx.many(
            "INSERT INTO prompt_images (command_id, position, mime_type, data) VALUES (?, ?, ?, ?)",
            [(command_id, at, image.mime_type, image.data) for at, image in enumerate(images)],
        )


async def of_command(tx: Tx, command_id: str) -> list[PromptImage]:
    """Return a waiting prompt's images in order."""
    found = await tx.all(
        "SELECT mime_type, data FROM prompt_images WHERE command_id = ? ORDER BY position",
        (command_id,),
    )
    return [PromptImage(row["mime_type"], row["data"]) for row in found]
