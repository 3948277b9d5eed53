"""Keys of one's own: `[keys]` of config.toml, checked when it is read; conflicts are named.

    [keys]
    "main.cancel" = "ctrl+x"      # one key, or several: "x, ctrl+x"

A name is a place and a label of the table of keys, as the help shows them. An entry that cannot
be used is left out and said so: the key of the table then stays.
"""

import difflib
import re
import string
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from textual.keys import KEY_NAME_REPLACEMENTS

from quarterdeck.tui.keys import KEYS, KeyAction, Where


def _sign_name(sign: str) -> str:
    name = unicodedata.name(sign).lower().translate({ord(" "): "_", ord("-"): "_"})
    return KEY_NAME_REPLACEMENTS.get(name, name)


_SIGNS = {sign: _sign_name(sign) for sign in string.punctuation}
_EDITING = {"escape", "tab", "pageup", "pagedown", "up", "down", "left", "right", "home", "end"}
_NAMED = {*_SIGNS.values(), *_EDITING, "enter", "space", "backspace", "delete", "insert"}
_NAMED |= {f"f{number}" for number in range(1, 13)}
_SHORT = {"esc": "escape", "pgup": "pageup", "pgdn": "pagedown"}
_SHOWN = {name: short for short, name in _SHORT.items()}
_SHOWN |= {"up": "↑", "down": "↓", "left": "←", "right": "→"}
_SHOWN |= {name: sign for sign, name in _SIGNS.items()}
_LIST_KEYS = {"up", "k", "down", "j", "pageup", "pagedown", "home", "g", "end", "G", "enter"}
_LIST_KEYS |= {"space", "tab", "shift+tab"}
"""What lists and panes need for their cursors."""
_WITH_LISTS = frozenset({Where.MAIN, Where.QUEUE, Where.SEARCH})
_WITH_TYPING = frozenset({Where.PROMPT, Where.LINE, Where.NEW, Where.HELP})
EATEN = frozenset(f"ctrl+{letter}" for letter in "abchimqsz")
"""What terminals, tmux and screen usually keep for themselves, or cannot tell from other keys."""


@dataclass(frozen=True, slots=True)
class Keymap:
    """The actions whose keys a person changed, and what of the file could not be used."""

    changed: Mapping[str, KeyAction]
    """By id."""
    problems: tuple[str, ...] = ()

    @property
    def bound(self) -> dict[str, str]:
        """Textual's keymap: keys by id."""
        return {key: entry.keys for key, entry in self.changed.items()}


def read(file: Path) -> Keymap:
    """Return the keymap of a config.toml; one that is missing or broken changes no key."""
    try:
        found = tomllib.loads(file.read_text("utf-8")).get("keys", {})
    except (OSError, ValueError):
        return Keymap({})
    return made_of(found)


def made_of(found: Any) -> Keymap:
    """Return the keymap of a `[keys]` table, leaving out what is unknown or in conflict."""
    if not isinstance(found, dict):
        return Keymap({}, ("[keys] is no table of names and keys",))
    problems: list[str] = []
    changed: dict[str, KeyAction] = {}
    for name, wanted in found.items():
        entry = _entry(name, wanted)
        if isinstance(entry, str):
            problems.append(entry)
        else:
            changed[name] = entry
    while clashes := _clashes(changed):
        for name, problem in clashes.items():
            problems.append(problem)
            changed.pop(name, None)
    return Keymap(changed, tuple(problems))


def _entry(name: str, wanted: Any) -> KeyAction | str:
    known = {entry.id: entry for entry in KEYS}
    entry = known.get(name)
    if entry is None:
        near = difflib.get_close_matches(name, known, 1)
        return f"[keys] {name}: no such action" + (f"; did you mean {near[0]}?" if near else "")
    if not entry.action:
        return f"[keys] {name}: this key cannot be changed, the focused part handles it itself"
    if not isinstance(wanted, str) or not wanted.strip():
        return f"[keys] {name}: want a key such as 'ctrl+x', or several with commas between"
    names: list[str] = []
    for text in _split(wanted):
        key = key_name(text)
        if key is None:
            return f"[keys] {name}: no key is called {text!r}"
        if key in EATEN and key not in entry.keys.split(","):
            return f"[keys] {name}: {text} is usually kept by the terminal or tmux"
        if entry.where in _WITH_TYPING and (len(key) == 1 or key in _SIGNS.values()):
            return f"[keys] {name}: {text} is needed for typing there"
        names.append(key)
    shown = shown_as(names[0])
    return replace(entry, keys=",".join(names), shown=shown)


def _split(wanted: str) -> list[str]:
    if wanted.strip() == ",":
        return [","]
    return [part.strip() for part in wanted.split(",") if part.strip()]


def key_name(text: str) -> str | None:
    """Return Textual's name of a key as a person writes it, or None if there is no such key."""
    found = re.fullmatch(r"((?:(?:ctrl|alt|shift)\+)*)(.+)", text)
    if found is None:
        return None
    modifiers, key = found.groups()
    key = _SHORT.get(key, _SIGNS.get(key, key))
    if key not in _NAMED and not (len(key) == 1 and key.isascii() and key.isalnum()):
        return None
    return modifiers + key


def shown_as(key: str) -> str:
    """Return how footer and help write a key."""
    modifiers, _, last = key.rpartition("+")
    last = _SHOWN.get(last, last)
    return f"{modifiers}+{last}" if modifiers else last


def _clashes(changed: Mapping[str, KeyAction]) -> dict[str, str]:
    """Return, by the id of a changed action, what its key is in conflict with."""
    found: dict[str, str] = {}
    table = [changed.get(entry.id, entry) for entry in KEYS]
    for name, entry in changed.items():
        for key in entry.keys.split(","):
            rival = next((o for o in table if o.id != name and _both(entry, o, key)), None)
            if rival is not None:
                found[name] = f"[keys] {name}: {shown_as(key)} is {rival.id} already"
            elif entry.where in _WITH_LISTS and key in _LIST_KEYS:
                found[name] = f"[keys] {name}: {shown_as(key)} moves in lists and panes"
    return found


def _both(entry: KeyAction, other: KeyAction, key: str) -> bool:
    everywhere = Where.EVERYWHERE in (entry.where, other.where)
    return (everywhere or entry.where is other.where) and key in other.keys.split(",")
