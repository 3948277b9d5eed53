"""What a pane gives to be copied."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Copied:
    """Safe text, what it is, and how the name of a file of it ends."""

    text: str
    what: str
    suffix: str = ".txt"
