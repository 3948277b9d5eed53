"""Searching what agents wrote, through a real supervisor: words, phrases, filters, pages."""

import json
from typing import Any

import pytest

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from tests.support.deckhouse import Deckhouse, session_in, trace


def chunks(text: str, size: int = 3) -> str:
    """Return instructions that say a text in pieces of a few characters."""
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    return "\n".join(f"say {part}" for part in parts)


async def told(house: Deckhouse, deck: Deck, prompt: str, **more: str) -> dict[str, str]:
    ids = await house.new(deck, prompt, **more)
    await session_in(deck, ids["session_id"], "idle")
    return ids


async def test_words_split_over_chunks_are_found_where_they_begin(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    ids = await told(deckhouse, deck, chunks("The quick-tempered Weißbier café opens."), title="T1")
    for query in (
        "tempered",
        "weißbier",
        "cafe",
        '"tempered weißbier"',
        "quick-tempered",
        "temp*",
        "opens the",
    ):
        hits, cursor = await deck.search(query, types=["assistant_message"])
        assert [hit.session_id for hit in hits] == [ids["session_id"]], query
        assert cursor is None
    assert (await deck.search('"weißbier tempered"', types=["assistant_message"]))[0] == []
    [hit], _ = await deck.search("tempered", types=["assistant_message"])
    assert (hit.session_title, hit.run_id, hit.agent) == ("T1", ids["run_id"], "scripted")
    event = next(e for e in await trace(deck, ids["session_id"]) if e.seq == hit.seq)
    assert event.payload["text"] in "The quick-tempered"
    left, right = hit.marks[0]
    assert hit.snippet[left:right] == "tempered"


async def test_a_message_still_streaming_is_found_once(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    prompt = f"{chunks('a marvellous beginning')}\nwait go\n{chunks(' and a fabulous end')}"
    ids = await deckhouse.new(deck, prompt)
    only: dict[str, Any] = {"session_id": ids["session_id"], "types": ["assistant_message"]}
    while not (await deck.search("beginning", **only))[0]:
        pass
    assert (await deck.search("fabulous", **only))[0] == []
    (deckhouse.project / "go").touch()
    await session_in(deck, ids["session_id"], "idle")
    assert len((await deck.search("marvellous fabulous", **only))[0]) == 1
    assert len((await deck.search('"beginning and"', **only))[0]) == 1
    assert len((await deck.search("marvellous", **only))[0]) == 1


async def test_a_word_cut_by_a_killed_supervisor_is_found(deckhouse: Deckhouse) -> None:
    """DESIGN §4: nothing is indexed twice, nothing is skipped."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say before hippo\nwait go\nsay potamus after")
    only: dict[str, Any] = {"session_id": ids["session_id"], "types": ["assistant_message"]}
    while not (await deck.search("before", **only))[0]:
        pass
    deckhouse.kill_supervisor()
    (deckhouse.project / "go").touch()
    deck = await deckhouse.deck()
    await session_in(deck, ids["session_id"], "idle")
    for query in ("hippopotamus", "before after", "before"):
        assert len((await deck.search(query, **only))[0]) == 1, query
    assert (await deck.search("hippo", **only))[0] == []


async def test_filters_order_and_pages(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    other = deckhouse.project / "other"
    other.mkdir()
    first = await told(deckhouse, deck, "say needle one\nsay  needle needle", title="A")
    second = await told(
        deckhouse, deck, "say a needle in a very long stack of hay", title="B", cwd=str(other)
    )
    told_by_agent: dict[str, Any] = {"types": ["assistant_message"]}

    async def found(query: str = "needle", **more: Any) -> list[str]:
        return [hit.session_title for hit in (await deck.search(query, **more))[0]]

    assert await found(**told_by_agent) == ["B", "A"]
    assert await found(**told_by_agent, order="relevance") == ["A", "B"]
    assert await found(**told_by_agent, session_id=first["session_id"][-8:]) == ["A"]
    assert await found(**told_by_agent, project=str(other)) == ["B"]
    assert await found(agent="scripted", types=["user_message"]) == ["B", "A"]
    assert await found(agent="other") == []
    assert await found(types=["assistant_message", "user_message"]) == ["B", "B", "A", "A"]
    at = (await deck.session(second["session_id"])).created_at
    assert await found(**told_by_agent, since=at) == ["B"]
    assert await found(**told_by_agent, until=at) == ["A"]
    for order in ("newest", "relevance"):
        seen, cursor = [], None
        while True:
            page, cursor = await deck.search("needle", order=order, cursor=cursor, limit=1)
            seen += [(hit.session_id, hit.type) for hit in page]
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == 4, order


async def test_a_malformed_query_is_refused(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    many = " ".join(["x"] * 33)
    for query in ("", "   ", '"', '"open', "--- !!!", "a" * 1001, "a\0b", "\ud800", many):
        with pytest.raises(QuarterdeckError) as caught:
            await deck.search(query)
        assert caught.value.code == "invalid_query", query


async def test_what_is_syntax_elsewhere_is_text_here(deckhouse: Deckhouse) -> None:
    """A query is never read as FTS syntax, whatever is in it."""
    deck = await deckhouse.deck()
    ids = await told(deckhouse, deck, "say a NEAR b OR c: (text) AND -d ^e {tags} + x.y_z")
    for query in (
        "NEAR OR",
        "AND",
        "(text)",
        "text:",
        "{tags}:",
        "^e",
        "-d",
        "x.y_z",
        "a + b",
        "b*",
        "c: (",
        "OR",
    ):
        try:
            hits, _ = await deck.search(query, session_id=ids["session_id"])
        except QuarterdeckError as error:
            assert error.code == "invalid_query", query
        else:
            assert hits, query


async def test_bad_filters_are_typed_errors(deckhouse: Deckhouse) -> None:
    """A16: unknown ids, types, times and cursors from elsewhere change nothing and say so."""
    deck = await deckhouse.deck()
    cases: list[tuple[str, dict[str, Any]]] = [
        ("unknown_session", {"session_id": "ses_nowhere0"}),
        ("invalid_params", {"types": ["nonsense"]}),
        ("invalid_params", {"since": "yesterday"}),
        ("invalid_params", {"until": "9999999-01-01"}),
        ("invalid_params", {"cursor": "elsewhere"}),
        ("invalid_params", {"order": "random"}),
    ]
    for code, given in cases:
        with pytest.raises(QuarterdeckError) as caught:
            await deck.search("word", **given)
        assert caught.value.code == code, given


async def test_qd_search(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    ids = await told(deckhouse, deck, chunks("one phrase here and the other"))
    found = json.loads(
        deckhouse.qd("search", "phrase here", "other", "--type", "assistant_message", "--json")
    )
    assert [(hit["session_id"], hit["run_id"]) for hit in found] == [
        (ids["session_id"], ids["run_id"])
    ]
    assert json.loads(deckhouse.qd("search", "here phrase", "--json")) == []
    assert json.loads(deckhouse.qd("search", "phrase", "--until", "1d", "--json")) == []
