"""What a person types to search, made into an FTS5 query that can mean nothing else."""

import re
from dataclasses import dataclass

from quarterdeck.model.canonical import sha256
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.store.search_text import words_of

QUERY_LIMIT = 1000
TERMS_LIMIT = 32
_PART = re.compile(r'"([^"]*)"(\*?)|([^\s"]+)')


@dataclass(frozen=True, slots=True)
class Term:
    """Words that stand in a row; `prefix` if the last one may go on."""

    words: tuple[str, ...]
    prefix: bool
    text: str

    def to_fts(self) -> str:
        """Return the term as an FTS5 string, which has no syntax but its quotes."""
        return f'"{self.text}"' + (" *" if self.prefix else "")


def parse(query: str) -> list[Term]:
    """Return the terms of a query: words, "quoted phrases", and `begin*` for what goes on.

    All of them must be found. A word with punctuation inside, such as `foo_bar`, is a phrase.

    Raises:
        QuarterdeckError: `invalid_query`, saying what is wrong with it.
    """
    if len(query) > QUERY_LIMIT:
        raise QuarterdeckError("invalid_query", f"the query is over {QUERY_LIMIT} characters")
    if "\0" in query or not _has_utf8(query):
        raise QuarterdeckError("invalid_query", "the query has characters that no text has")
    if query.count('"') % 2:
        raise QuarterdeckError("invalid_query", "a quotation mark is not closed")
    terms = [_term(*match.groups()) for match in _PART.finditer(query)]
    if not terms:
        raise QuarterdeckError("invalid_query", "the query is empty")
    if len(terms) > TERMS_LIMIT:
        raise QuarterdeckError("invalid_query", f"the query has over {TERMS_LIMIT} terms")
    return terms


def _has_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _term(phrase: str | None, more: str | None, word: str | None) -> Term:
    raw = phrase if phrase is not None else word or ""
    prefix = bool(more) or (phrase is None and raw.endswith("*"))
    words = tuple(found for found, _, _ in words_of(raw))
    if not words:
        raise QuarterdeckError("invalid_query", f"{raw!r} has neither letters nor digits")
    return Term(words, prefix, raw)


def tag(kind: str, value: str) -> str:
    """Return the index's mark for a session, project, agent or type: a word nobody writes."""
    return f"{kind}{sha256(value)[:20]}"


def fts(terms: list[Term], tags: list[list[str]]) -> str:
    """Return the FTS5 query: all terms in the text, and one of each group of tags."""
    words = " AND ".join(term.to_fts() for term in terms)
    parts = [f"{{text}} : ({words})"]
    parts += [f"{{tags}} : ({' OR '.join(group)})" for group in tags if group]
    return " AND ".join(parts)
