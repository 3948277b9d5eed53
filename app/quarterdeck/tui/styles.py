"""Where the .tcss files lie: in the wheel beside the package's modules, else in the checkout."""

from pathlib import Path, PurePath

_PACKAGE = Path(__file__).resolve().parent.parent


def styles_folder() -> Path:
    """Return the folder `styles` of the installed package, else the checkout's."""
    installed = _PACKAGE / "styles"
    return installed if installed.is_dir() else _PACKAGE.parent.parent / "styles"


def opening_styles() -> list[str | PurePath]:
    """Return the style sheets that the first frame needs."""
    return [styles_folder() / "opening.tcss"]


def style_files() -> list[str | PurePath]:
    """Return those of the main screen, in the order in which they apply."""
    return [*opening_styles(), styles_folder() / "quarterdeck.tcss"]


def dialog_styles() -> list[str | PurePath]:
    """Return those of the dialogs and the other screens, which are read with the first of them."""
    return [styles_folder() / "dialogs.tcss"]
