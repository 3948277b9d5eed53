"""A session as Markdown: messages as they were written, quoted; all else in fences."""

import re
from collections.abc import AsyncIterator
from typing import Any

from quarterdeck.client.export.blocks import Block, Head, blocks
from quarterdeck.model.event_types import EventType

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|!])")


async def markdown(records: AsyncIterator[dict[str, Any]]) -> AsyncIterator[str]:
    """Give the document in pieces."""
    async for block in blocks(records):
        yield _head(block) if isinstance(block, Head) else _text(block)


def _head(head: Head) -> str:
    facts = "".join(f"- {name}: {_escape(value)}\n" for name, value in head.facts)
    return f"# {_escape(head.title)}\n\n{facts}"


def _text(block: Block) -> str:
    if block.kind == "run":
        return f"\n## {_escape(block.heading)}\n" + (f"\n{_fence(block)}" if block.text else "")
    head = f"\n### {_escape(block.heading)} · {block.seq} · {block.at}\n\n"
    if block.kind == EventType.ASSISTANT_MESSAGE:
        return head + _quote(block.text)
    return head + (_fence(block) if block.text else "")


def _quote(text: str) -> str:
    """Return a message quoted: a fence or a heading in it ends with it and is nobody else's."""
    return "".join(f"> {line}\n" if line else ">\n" for line in text.split("\n"))


def _fence(block: Block) -> str:
    """Return text between fences longer than any in it."""
    longest = max((len(run) for run in re.findall("`+", block.text)), default=0)
    fence = "`" * max(3, longest + 1)
    name = "diff" if block.kind == EventType.DIFF else ""
    return f"{fence}{name}\n{block.text}\n{fence}\n"


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text.replace("\n", " "))
