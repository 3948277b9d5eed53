"""A session as one HTML page that loads nothing and runs nothing."""

import base64
import hashlib
from collections.abc import AsyncIterator
from html import escape
from typing import Any

from quarterdeck.client.export.blocks import Block, Head, blocks

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
h3 { font-size: .85rem; margin: 1.2rem 0 .2rem; opacity: .75; }
h3 small { font-weight: normal; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; }
dt { opacity: .7; } dd { margin: 0; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; padding: .5rem .8rem;
  border-left: 3px solid #8888; font: 13px/1.45 ui-monospace, monospace; }
.user_message pre { border-color: #2a7; font-weight: 600; }
.assistant_message pre { border-color: #27c; font: inherit; }
.thought pre { opacity: .7; font-style: italic; }
.error pre { border-color: #c33; }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"


async def html(records: AsyncIterator[dict[str, Any]]) -> AsyncIterator[str]:
    """Give the page in pieces; every text in it is escaped."""
    async for block in blocks(records):
        yield _head(block) if isinstance(block, Head) else _section(block)
    yield "</main>\n</body>\n</html>\n"


def _head(head: Head) -> str:
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(told)}</dd>" for name, told in head.facts)
    title = escape(head.title)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{title}</h1>\n<dl>{facts}</dl>\n"
    )


def _section(block: Block) -> str:
    text = f"<pre>{escape(block.text)}</pre>" if block.text else ""
    if block.kind == "run":
        return f"<h2>{escape(block.heading)}</h2>\n{text}\n"
    mark = escape(block.kind.replace(".", "_"))
    small = f"<small>{block.seq} · {escape(block.at)}</small>"
    return f'<section class="{mark}"><h3>{escape(block.heading)} {small}</h3>{text}</section>\n'
