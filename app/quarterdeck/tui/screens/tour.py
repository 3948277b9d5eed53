"""The tour: what a person does first, one line a step, with the keys as they are now."""

from collections.abc import Iterator

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from quarterdeck.tui.keys import KEYS, keys_of

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


class Tour(Vertical):
    """The first section of the help."""

    DEFAULT_CSS = "Tour { height: auto; }"

    def compose(self) -> ComposeResult:
        """Lay out heading and steps."""
        yield Static("Tour", classes="help-heading", markup=False)
        for key, text in steps():
            yield Horizontal(
                Static(key, classes="help-key", markup=False),
                Static(text, classes="help-text", markup=False),
                classes="help-row",
            )

    def narrow(self, words: list[str]) -> None:
        """Show only the steps that have all words."""
        rows = list(self.query(Horizontal))
        for row, (key, text) in zip(rows, steps(), strict=True):
            told = f"tour {key} {text}".lower()
            row.display = all(word in told for word in words)
        self.display = any(row.display for row in rows)


def steps() -> Iterator[tuple[str, str]]:
    """Yield the key and the text of each step."""
    places = {entry.id: entry.where for entry in KEYS}
    for name, text in STEPS:
        shown = next(entry.shown for entry in keys_of(places[name]) if entry.id == name)
        yield shown, text
