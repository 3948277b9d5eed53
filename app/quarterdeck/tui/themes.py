"""Own themes: calm grounds, one accent, and a colour per kind of attention.

Each has a twin for terminals of 16 colours, made of just those, so that nothing is rounded to
its own ground; and there is one without colour, whose cursors are reversed.
"""

from textual.color import Color
from textual.theme import Theme

DARK = Theme(
    name="quarterdeck-dark",
    dark=True,
    primary="#7aa2d6",
    secondary="#8fb3a8",
    accent="#e0b36a",
    warning="#e8b04c",
    error="#e5736b",
    success="#86bf80",
    foreground="#d3d7de",
    background="#12151a",
    surface="#171b21",
    panel="#1f252d",
    boost="#262d37",
    variables={
        "muted": "#8b95a3",
        "faint": "#5b6573",
        "line": "#2d353f",
        "cursor-ground": "#232e4d",
        "cursor-ground-blurred": "#222a34",
        "block-cursor-blurred-background": "#222a34",
        "input-cursor-background": "#d3d7de",
        "input-selection-background": "#3b5577",
        "border": "#7aa2d6",
        "border-blurred": "#2d353f",
        "scrollbar": "#2d353f",
        "scrollbar-hover": "#3d4754",
        "scrollbar-active": "#7aa2d6",
        "scrollbar-background": "#171b21",
        "scrollbar-background-hover": "#171b21",
        "scrollbar-background-active": "#171b21",
        "scrollbar-corner-color": "#171b21",
    },
)

LIGHT = Theme(
    name="quarterdeck-light",
    dark=False,
    primary="#2f5f9e",
    secondary="#3f7466",
    accent="#8a5a00",
    warning="#8a5600",
    error="#a82e28",
    success="#2a6b2c",
    foreground="#23282f",
    background="#f4f2ee",
    surface="#fbfaf7",
    panel="#eae7e0",
    boost="#e0dcd3",
    variables={
        "muted": "#5f6772",
        "faint": "#8a909a",
        "line": "#d2cdc3",
        "cursor-ground": "#cfdcec",
        "cursor-ground-blurred": "#e2e3e4",
        "block-cursor-blurred-background": "#e2e3e4",
        "input-cursor-background": "#23282f",
        "input-selection-background": "#b9cde6",
        "border": "#2f5f9e",
        "border-blurred": "#d2cdc3",
        "scrollbar": "#d2cdc3",
        "scrollbar-hover": "#bdb7ab",
        "scrollbar-active": "#2f5f9e",
        "scrollbar-background": "#fbfaf7",
        "scrollbar-background-hover": "#fbfaf7",
        "scrollbar-background-active": "#fbfaf7",
        "scrollbar-corner-color": "#fbfaf7",
    },
)


def _grounds(
    line: str, cursor: str, blurred: str, ground: str, muted: str, faint: str, text: str
) -> dict[str, str]:
    """Return the variables that our style sheets need beyond Textual's own."""
    return {
        "muted": muted,
        "faint": faint,
        "line": line,
        "cursor-ground": cursor,
        "cursor-ground-blurred": blurred,
        "block-cursor-blurred-background": blurred,
        "input-cursor-background": text,
        "input-selection-background": cursor,
        "border-blurred": line,
        "scrollbar": line,
        "scrollbar-hover": line,
        "scrollbar-background": ground,
        "scrollbar-background-hover": ground,
        "scrollbar-background-active": ground,
        "scrollbar-corner-color": ground,
    }


DARK_16 = Theme(
    name="quarterdeck-dark-16",
    dark=True,
    primary="#55ffff",
    secondary="#55ffff",
    accent="#ffff55",
    warning="#ffff55",
    error="#ff5555",
    success="#55ff55",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#000000",
    boost="#000000",
    variables=_grounds("#555555", "#0000aa", "#0000aa", "#000000", "#aaaaaa", "#aaaaaa", "#ffffff"),
)

LIGHT_16 = Theme(
    name="quarterdeck-light-16",
    dark=False,
    primary="#0000aa",
    secondary="#0000aa",
    accent="#aa00aa",
    warning="#aa00aa",
    error="#aa0000",
    success="#0000aa",
    foreground="#000000",
    background="#ffffff",
    surface="#ffffff",
    panel="#ffffff",
    boost="#ffffff",
    variables=_grounds("#aaaaaa", "#55ffff", "#55ffff", "#ffffff", "#000000", "#555555", "#000000"),
)

MONO = Theme(
    name="quarterdeck-mono",
    dark=True,
    primary="#ffffff",
    secondary="#ffffff",
    accent="#ffffff",
    warning="#ffffff",
    error="#ffffff",
    success="#ffffff",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#000000",
    boost="#000000",
    variables={
        **_grounds("#555555", "#000000", "#000000", "#000000", "#ffffff", "#ffffff", "#ffffff"),
        "block-cursor-text-style": "reverse",
        "block-cursor-blurred-text-style": "reverse",
        "input-cursor-text-style": "reverse",
    },
)

OWN = (DARK, LIGHT, DARK_16, LIGHT_16, MONO)
_TWINS = {DARK.name: DARK_16.name, LIGHT.name: LIGHT_16.name}


def twin_of_few_colours(name: str) -> str:
    """Return the theme that stands for this one on a terminal of 16 colours."""
    return _TWINS.get(name, name)


def wished(name: str) -> str:
    """Return the theme to remember when this one is shown: for a twin, the one it stands for."""
    return next((own for own, twin in _TWINS.items() if twin == name), name)


def variables_of(theme: Theme) -> dict[str, str]:
    """Return what our style sheets need of a theme that is not ours, made from its own colours."""
    made = theme.to_color_system().generate()
    ground, text = Color.parse(made["background"]), Color.parse(made["foreground"])
    primary = Color.parse(made["primary"])
    if ground.ansi is not None or text.ansi is not None:  # they cannot be mixed
        return {
            "muted": "ansi_bright_black",
            "faint": "ansi_bright_black",
            "line": "ansi_bright_black",
            "cursor-ground": "ansi_blue",
            "cursor-ground-blurred": "ansi_bright_black",
        }
    return {
        "muted": text.blend(ground, 0.3).hex,
        "faint": text.blend(ground, 0.55).hex,
        "line": text.blend(ground, 0.8).hex,
        "cursor-ground": ground.blend(primary, 0.3).hex,
        "cursor-ground-blurred": ground.blend(text, 0.1).hex,
    }
