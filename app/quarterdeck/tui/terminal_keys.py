"""Keys that terminals send and Textual does not know."""

from enum import StrEnum
from typing import Any, cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS


class _Key(StrEnum):
    ALT_ENTER = "alt+enter"


_SEQUENCES = {"\x1b\r": (_Key.ALT_ENTER,)}


def teach() -> None:
    """Have Textual tell alt+enter from enter where the terminal sends escape and return."""
    cast("dict[str, Any]", ANSI_SEQUENCES_KEYS).update(_SEQUENCES)
