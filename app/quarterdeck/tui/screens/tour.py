"""The tour: what a person does first, one line a step, with the keys as they are now."""

from collections.abc import Iterator

from quarterdeck.tui.keys import KEYS, keys_of
from quarterdeck.tui.widgets.key_table import KeyRow, KeyTable

STEPS = (
    (
        "main.new",
        "Start an agent on a prompt: it works on when you leave or the line drops.",
    ),
    ("main.next", "The list is in order of who needs you; this goes to the next of them."),
    ("main.answer", "Read the exact text an agent asks about, then approve or deny it."),
    ("main.inbox", "Many at once: every open question, the riskiest first."),
    (
        "main.output",
        "What it says and does; 2 each event, 3 what it changed, 4 its plan, 5 facts.",
    ),
    ("main.write", "Write to the agent; while it works, a prompt waits its turn."),
    ("main.stop-all", "Too much? This stops all agents, after one question."),
    ("everywhere.palette", "Every action by name, with its key and the command for scripts."),
)


def tour() -> KeyTable:
    """Return the first section of the help."""
    return KeyTable(
        "Tour", [KeyRow(key, text, f"tour {key} {text}".lower()) for key, text in steps()]
    )


def steps() -> Iterator[tuple[str, str]]:
    """Yield the key and the text of each step."""
    places = {entry.id: entry.where for entry in KEYS}
    for name, text in STEPS:
        shown = next(entry.shown for entry in keys_of(places[name]) if entry.id == name)
        yield shown, text
