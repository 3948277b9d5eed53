"""Values that are secret because of the environment variable they came from (A15)."""

import json
import re
from collections.abc import Mapping
from urllib.parse import quote

MIN_LENGTH = 8
PIECE = 1024
"""A longer value is looked for in pieces of this length, so that no more is ever held back."""

_ENDINGS = (
    "KEY", "KEYS", "TOKEN", "TOKENS", "SECRET", "SECRETS", "PASSWORD", "PASSWORDS", "PASSWD",
    "PASSPHRASE", "PASS", "CREDENTIAL", "CREDENTIALS", "CREDS", "AUTH", "AUTHORIZATION",
)  # fmt: skip
_PLACES = frozenset({"FILE", "PATH", "DIR", "SOCK", "SOCKET", "HOST", "PORT", "TYPE", "NAME"})
_PATH = re.compile(r"(?:~|\.{1,2})?(?:/[A-Za-z0-9._@-]{1,32}){2,}/?")
_WORDS = frozenset(
    {"production", "development", "developer", "disabled", "interactive", "undefined", "anonymous",
     "changeme", "password", "required", "optional", "administrator", "credentials", "keychain",
     "localhost", "libsecret", "gnome-keyring"}
)  # fmt: skip


def is_secret_name(name: str) -> bool:
    """Tell whether an environment variable of this name holds a secret rather than a place."""
    parts = [part for part in re.split(r"[^A-Z0-9]+", name.upper()) if part]
    if not parts or parts[-1] in _PLACES:
        return False
    return any(part.rstrip("0123456789").endswith(_ENDINGS) for part in parts)


def is_trivial(value: str) -> bool:
    """Tell whether a value is too short or too common to be looked for in every text."""
    bare = value.strip()
    return (
        len(bare) < MIN_LENGTH
        or len(set(bare)) < 4
        or bare.lower() in _WORDS
        or (len(bare) < 10 and bare.isalpha() and (bare.islower() or bare.isupper()))
        or _PATH.fullmatch(bare) is not None
    )


def secrets_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the values worth hiding of an environment, each by `$NAME`, the kind it is shown as.

    They are those of secret-looking names, at least 8 characters long and not trivial.
    """
    return {
        f"${re.sub('[^A-Za-z0-9_]', '_', name)[:64]}": value
        for name, value in environment.items()
        if is_secret_name(name) and not is_trivial(value)
    }


class KnownSecrets:
    """Finds given values wherever they stand, also as JSON, in a URL, or a line of them alone."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        """Look for these.

        Args:
            secrets: Value by kind. A value shorter than 8 characters is not looked for.
        """
        kinds: dict[str, str] = {}
        for kind, value in secrets.items():
            for form in _forms(value):
                kinds.setdefault(form, kind)
        self._kinds = dict(sorted(kinds.items(), key=lambda item: -len(item[0])))
        self._longest = max(map(len, kinds), default=0)
        starts = "|".join(re.escape(start) for start in sorted({form[:3] for form in kinds}))
        ends = {form[:size] for form in kinds for size in (1, 2)}
        last = "|".join(re.escape(end) for end in sorted(ends, key=len, reverse=True))
        self._begins = re.compile(f"{starts}|(?:{last})\\Z") if kinds else None
        """Where one may begin: nearly all that is said has no such place."""

    def occur_in(self, text: str) -> bool:
        """Tell whether one of the values stands in `text`, whole."""
        return any(form in text for form in self._kinds)

    def first(self, text: str, start: int) -> tuple[int, int, str] | None:
        """Return begin, end and kind of the leftmost value from `start` on, the longest there."""
        best: tuple[int, int, str] | None = None
        for form, kind in self._kinds.items():
            bound = len(text) if best is None else best[0] - 1 + len(form)
            at = text.find(form, start, bound)
            if at >= 0:
                best = (at, at + len(form), kind)
        return best

    def begun(self, text: str, start: int) -> int | None:
        """Return where the end of `text` begins that may be the beginning of a value."""
        if self._begins is None:
            return None
        found = self._begins.search(text, max(start, len(text) - self._longest + 1))
        while found is not None:
            rest = text[found.start() :]
            if any(len(form) > len(rest) and form.startswith(rest) for form in self._kinds):
                return found.start()
            found = self._begins.search(text, found.start() + 1)
        return None


def _forms(value: str) -> list[str]:
    """Return the texts a value may appear as."""
    bare = value.strip()
    lines = [line.strip() for line in bare.splitlines()]
    whole = [
        bare,
        json.dumps(bare)[1:-1],
        json.dumps(bare, ensure_ascii=False)[1:-1],
        quote(bare, safe="", errors="replace"),
    ]
    if len(lines) > 1:
        whole += [line for line in lines if len(line) >= 16 and not line.startswith("-----")]
    pieces = [form[at : at + PIECE] for form in whole for at in range(0, len(form), PIECE)]
    return [piece for piece in pieces if len(piece) >= MIN_LENGTH]
