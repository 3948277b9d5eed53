"""Searching all stored events: pages of hits, newest first or best first."""

import base64
import json
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import aiosqlite

from quarterdeck.model.clock import iso
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.search_hit import SearchHit
from quarterdeck.store import search_index
from quarterdeck.store.search_index import block_number, block_time
from quarterdeck.store.search_query import Term, fts, parse, tag
from quarterdeck.store.search_text import first_match, words_of
from quarterdeck.store.transaction import Row

PAGE_LIMIT = 100
SNIPPET_CHARS = 200
RANKED_LIMIT = 2000
"""How many of the newest matches are put in order of relevance."""
_LOOKED_THROUGH = 20_000
_GREATEST = (1 << 63) - 1

Order = Literal["newest", "relevance"]

_NEWEST = """SELECT b.*, 0 AS score, r.run_id, s.session_id, s.title, s.agent, s.project
FROM search_text f
CROSS JOIN search_blocks b ON b.block_no = f.rowid
CROSS JOIN runs r ON r.run_no = b.run_no
CROSS JOIN sessions s ON s.session_id = r.session_id
WHERE search_text MATCH :match AND f.rowid >= :since AND f.rowid < :before
AND s.deleted_at IS NULL
ORDER BY f.rowid DESC LIMIT :limit"""

_RANKED = f"""SELECT b.*, f.score AS score, r.run_id, s.session_id, s.title, s.agent, s.project
FROM (
    SELECT rowid AS number, bm25(search_text, 1.0, 0.0) AS score FROM search_text
    WHERE search_text MATCH :match AND rowid >= :since AND rowid < :before
    ORDER BY rowid DESC LIMIT {RANKED_LIMIT}
) f
CROSS JOIN search_blocks b ON b.block_no = f.number
CROSS JOIN runs r ON r.run_no = b.run_no
CROSS JOIN sessions s ON s.session_id = r.session_id
WHERE s.deleted_at IS NULL AND (f.score, -f.number) > (:score, :after)
ORDER BY f.score, -f.number LIMIT :limit"""


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for: `query` as typed, and what narrows it; times in Unix milliseconds."""

    query: str
    session_id: str | None = None
    project: str | None = None
    agent: str | None = None
    types: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    order: Order = "newest"

    def tags(self) -> list[list[str]]:
        """Return the groups of marks of which a document must have one each."""
        single = (("s", self.session_id), ("p", self.project), ("a", self.agent))
        groups = [[tag(kind, value)] for kind, value in single if value is not None]
        return [*groups, [tag("t", kind) for kind in self.types]]


async def page(
    db: aiosqlite.Connection, search: Search, *, cursor: str | None = None, limit: int = 20
) -> tuple[list[SearchHit], str | None]:
    """Return a page of hits and the cursor of the next one.

    Args:
        db: A reading connection.
        search: What is looked for.
        cursor: From the page before.
        limit: Clamped to 1..100 (A3).

    Raises:
        QuarterdeckError: `invalid_query`; `invalid_params` for a cursor from elsewhere.
    """
    terms = parse(search.query)
    limit = max(1, min(limit, PAGE_LIMIT))
    score, after = _decode(search.order, cursor)
    last = _GREATEST if search.until is None else block_number(search.until)
    values: dict[str, Any] = {
        "match": fts(terms, search.tags()),
        "since": 0 if search.since is None else block_number(search.since),
        "before": min(last, after) if search.order == "newest" else last,
        "score": score,
        "after": after,
        "limit": limit + 1,
    }
    sql = _NEWEST if search.order == "newest" else _RANKED
    found = list(await db.execute_fetchall(sql, values))
    hits = [await _hit(db, row, terms) for row in found[:limit]]
    more = _encode(search.order, found[limit - 1]) if len(found) > limit else None
    return _without_overlap(hits), more


def _without_overlap(hits: list[SearchHit]) -> list[SearchHit]:
    """Leave out what is found twice because two blocks of a message have it in common."""
    seen = [hits[0]] if hits else []
    seen += [
        hit for last, hit in pairwise(hits) if (hit.run_id, hit.seq) != (last.run_id, last.seq)
    ]
    return seen


async def _hit(db: aiosqlite.Connection, row: Row, terms: list[Term]) -> SearchHit:
    found = await search_index.pieces(db, row)
    text = "".join(piece for _, piece, _ in found)
    spans = sorted(span for term in terms if (span := _place(text, term)) is not None)
    begin = spans[0][0] if spans else 0
    seq, passed = row["first_seq"], 0
    for number, piece, _ in found:
        seq, passed = number, passed + len(piece)
        if passed > begin:
            break
    snippet, marks = _snippet(text, begin, spans)
    return SearchHit(
        session_id=row["session_id"],
        session_title=row["title"],
        agent=row["agent"],
        project=row["project"],
        run_id=row["run_id"],
        seq=seq,
        type=row["type"],
        at=iso(block_time(row["block_no"])),
        snippet=snippet,
        marks=marks,
    )


def _place(text: str, term: Term) -> tuple[int, int] | None:
    """Return where a term first stands: as it is spelt, else as the index compares words."""
    end = "" if term.prefix else r"(?![^\W_])"
    spelt = r"[\W_]+".join(re.escape(word) for word in term.words)
    match = re.search(rf"(?<![^\W_]){spelt}{end}", text, re.IGNORECASE)
    if match is not None:
        return match.start(), match.end()
    return first_match(words_of(text[:_LOOKED_THROUGH]), term.words, prefix=term.prefix)


def _snippet(text: str, begin: int, spans: list[tuple[int, int]]) -> tuple[str, list[list[int]]]:
    """Return the text around the first hit as one line, and where in it the hits stand."""
    start = max(0, begin - SNIPPET_CHARS // 3)
    shown = text[start : start + SNIPPET_CHARS]
    marks = [
        [left - start, min(right - start, len(shown))]
        for left, right in spans
        if start <= left < start + len(shown)
    ]
    return re.sub(r"[\r\n\t]", " ", shown), marks


def _encode(order: Order, row: Row) -> str:
    key = [order, row["score"], row["block_no"]]
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def _decode(order: Order, cursor: str | None) -> tuple[float, int]:
    """Return score and number of the last hit shown, as the order's query compares them."""
    if cursor is None:
        return (0.0, _GREATEST) if order == "newest" else (float("-inf"), -_GREATEST)
    try:
        made_for, score, number = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        if made_for != order or not isinstance(number, int) or not 0 <= number < _GREATEST:
            raise ValueError(cursor)
        return float(score), number if order == "newest" else -number
    except (ValueError, TypeError, OverflowError) as error:
        raise QuarterdeckError("invalid_params", "cursor: not one of this search") from error
