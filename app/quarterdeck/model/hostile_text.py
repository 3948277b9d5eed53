"""Agent text is hostile: unsafe code points become visible escapes (DESIGN §5)."""

import re
import unicodedata

_UNSAFE = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidi controls
    "\u200b\u200c\u2060-\u2065\u206a-\u206f\ufeff\u00ad\u034f\u180b-\u180f\u115f\u1160\u3164\uffa0"
    "\u2028\u2029"  # line and paragraph separator
    "\ufff0-\ufffb\ufffe\uffff\ud800-\udfff\ue000-\uf8ff"
    "\U000e0000-\U000e0fff\U000f0000-\U0010ffff"
)
_PATTERN = re.compile(f"[{_UNSAFE}]")
_PATTERN_STRICT = re.compile(f"[{_UNSAFE}\u200d\ufe00-\ufe0f]")
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def clean(text: str, *, strict: bool = False) -> str:
    """Return `text` with every unsafe code point as a visible escape; tab and newline stay.

    Args:
        text: Any text from an agent.
        strict: For approvals: emoji joiners and variation selectors are spelled out too, as
            are spaces that look like a blank and are none.
    """
    pattern = _PATTERN_STRICT if strict else _PATTERN
    text = pattern.sub(_escape, text.replace("\r\n", "\n") if not strict else text)
    return _SPACES.sub(_escape, text) if strict else text


def clean_line(text: str) -> str:
    """Return `text` as one safe line: newlines and tabs become visible or blank."""
    return clean(text).replace("\n", "⏎").replace("\t", "    ")


def drop_unsafe(text: str) -> str:
    """Remove every unsafe code point but tab and newline, which the caller has to deal with."""
    return _PATTERN.sub("", text)


def mixed_scripts(text: str) -> list[str]:
    """Return the words that mix Latin letters with look-alike scripts, for a warning.

    The confusable scripts are those of Unicode TS 39 that imitate Latin: Cyrillic, Greek,
    Armenian, Cherokee; and letters of full-width or mathematical forms.
    """
    found: list[str] = []
    for word in re.findall(r"\S+", text):
        if word.isascii():
            continue
        scripts = {_script(ch) for ch in word if ch.isalpha()}
        if ("latin" in scripts and len(scripts) > 1) or "lookalike" in scripts:
            found.append(word)
    return found


def _script(char: str) -> str:
    if char.isascii():
        return "latin"
    name = unicodedata.name(char, "")
    if name.startswith(("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")):
        return name.split(" ", 1)[0].lower()
    if name.startswith(("MATHEMATICAL", "FULLWIDTH")):
        return "lookalike"
    return "latin" if name.startswith("LATIN") else "other"
