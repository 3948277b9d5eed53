"""Titles and previews made from prompts (A6, A7)."""

TITLE_LIMIT = 200
PROMPT_TITLE_LIMIT = 120
PREVIEW_LIMIT = 120


def fold(text: str, limit: int) -> str:
    """Fold white space to single blanks and cut to `limit` characters with an ellipsis."""
    folded = " ".join(text.split())
    return folded if len(folded) <= limit else folded[: limit - 1] + "…"


def title(given: str | None, prompt: str) -> str:
    """Return the given title (≤ 200 characters), else one made from the first prompt (≤ 120)."""
    if given and given.strip():
        return fold(given, TITLE_LIMIT)
    return fold(prompt, PROMPT_TITLE_LIMIT) or "untitled"
