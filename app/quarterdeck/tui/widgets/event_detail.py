"""One event in full."""

from quarterdeck.tui.widgets.folded_text import FoldedText


class DetailText(FoldedText):
    """Shows the text of an event, and knows it when it is to be copied."""

    text = ""
    """What is shown, safe."""

    def show(self, text: str, *, diff: bool = False) -> int:
        """Replace the text; return the number by which `EndPainted` tells it from others."""
        self.text = text
        return super().show(text, diff=diff)
