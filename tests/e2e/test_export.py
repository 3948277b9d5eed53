"""A session as a file and back, through a real supervisor and `qd`."""

import json
import re
import stat
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.client.deck import Deck
from quarterdeck.client.export import html, json_lines, markdown
from quarterdeck.model.errors import QuarterdeckError
from tests.support.deckhouse import Deckhouse, said, session_in, trace, whole_trace

HOSTILE = "</pre><script>alert(1)</script><img src=x onerror=y> & \u202e ``` https://x.example"


async def worked(house: Deckhouse, deck: Deck, prompt: str, **more: Any) -> str:
    ids = await house.new(deck, prompt, **more)
    await session_in(deck, ids["session_id"], "idle")
    return ids["session_id"]


async def closed_session(house: Deckhouse, deck: Deck) -> str:
    """Return a session with two runs, a cancelled command and hostile text."""
    session_id = await worked(
        house,
        deck,
        f"say {HOSTILE}\ncount 30",
        title="<b>Rich</b>",
        bundle={"credential": "deploy-key", "skills": ["<i>sew</i>"]},
    )
    await deck.send(session_id, "say it hangs\nhang")
    while "it hangs" not in said(await trace(deck, session_id)):
        pass
    await deck.cancel(session_id)
    await session_in(deck, session_id, "idle")
    await deck.close_session(session_id)
    await session_in(deck, session_id, "closed")
    await deck.send(session_id, "say second run")
    await session_in(deck, session_id, "idle")
    await deck.close_session(session_id)
    await session_in(deck, session_id, "closed")
    return session_id


async def lines_of(deck: Deck, session_id: str) -> list[str]:
    return [json_lines.line(record) async for record in deck.export(session_id)]


async def document(deck: Deck, session_id: str, form: Any) -> str:
    return "".join([piece async for piece in form(deck.export(session_id))])


async def test_an_import_gives_the_same_session_back(deckhouse: Deckhouse, tmp_path: Path) -> None:
    """Export, import into another deck, export again: not a byte differs."""
    deck = await deckhouse.deck()
    session_id = await closed_session(deckhouse, deck)
    await deck.save_checkpoint(session_id, "here")
    exported = await lines_of(deck, session_id)
    other = Deckhouse(tmp_path / "other")
    try:
        there = await other.deck()
        told = await there.import_session(exported)
        assert told["session_id"] == session_id
        assert await lines_of(there, session_id) == exported
        before, after = await deck.session(session_id), await there.session(session_id)
        assert (after.title, after.agent, after.created_at, after.last_activity) == (
            before.title,
            before.agent,
            before.created_at,
            before.last_activity,
        )
        assert (after.state, after.source) == ("closed", "import")
        assert after.last_event_seq == before.last_event_seq
        assert await whole_trace(there, session_id) == await whole_trace(deck, session_id)
        assert await there.commands(session_id) == await deck.commands(session_id)
        assert await there.checkpoints(session_id) == await deck.checkpoints(session_id)
        assert {point.name for point in await there.checkpoints(session_id)} == {"here", "latest"}
        bundles = [run.bundle for run in await there.runs(session_id)]
        assert bundles == [run.bundle for run in await deck.runs(session_id)]
        assert bundles[0] is not None and bundles[0]["credential"] == "deploy-key"
        hits, _ = await there.search('"second run"', types=["assistant_message"])
        assert [hit.session_id for hit in hits] == [session_id]
    finally:
        await other.close()


async def test_a_live_session_is_exported_as_it_is_when_that_begins(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say a\nwait go\nsay b")
    await session_in(deck, ids["session_id"], "running")
    records = [record async for record in deck.export(ids["session_id"])]
    assert [r["state"] for r in records if r["record"] in ("run", "command")] == ["cancelled"] * 2
    assert records[-1]["record"] == "end"
    with pytest.raises(QuarterdeckError) as caught:
        await deck.import_session(json_lines.line(record) for record in records)
    assert caught.value.code == "id_taken"
    told = await deck.import_session((json_lines.line(record) for record in records), new_id=True)
    copy = await deck.session(told["session_id"])
    assert (copy.state, copy.agent_session_id) == ("closed", None)
    assert told["session_id"] != ids["session_id"]
    again = [record async for record in deck.export(told["session_id"])]
    kept = [(r["seq"], r["type"], r["at"]) for r in records if r["record"] == "event"]
    assert [(r["seq"], r["type"], r["at"]) for r in again if r["record"] == "event"] == kept


async def test_bad_lines_are_named_and_nothing_is_imported(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    session_id = await worked(deckhouse, deck, "count 3")
    good = await lines_of(deck, session_id)

    def changed(number: int, **values: Any) -> list[str]:
        record = json.loads(good[number - 1]) | values
        return [*good[: number - 1], json.dumps(record) + "\n", *good[number:]]

    event = next(n for n, line in enumerate(good, 1) if '"record":"event"' in line) + 1
    run = next(n for n, line in enumerate(good, 1) if '"record":"run"' in line)
    point = next(n for n, line in enumerate(good, 1) if '"record":"checkpoint"' in line)
    last = len(good)
    cases: list[tuple[list[str], int]] = [
        ([], 1),
        (good[:-1], last),
        (good[1:], 1),
        ([*good[:3], "{not json\n", *good[3:]], 4),
        ([*good, good[-1]], last + 1),
        ([*good[:event], good[event - 1], *good[event:]], event + 1),
        (good[: event - 1] + good[event:], event),
        (changed(event, type="nonsense"), event),
        (changed(point, seq=1_000_000), point),
        ([*good[:point], good[point - 1], *good[point:]], point + 1),
        (changed(event, seq="2"), event),
        (changed(event, at="soon"), event),
        (changed(event, payload=[]), event),
        (changed(event, more=1), event),
        (changed(run, run_id="run_../../x"), run),
        (changed(run, state="running"), run),
        (changed(1, title="x" * 201), 1),
        (changed(last, events=1), last),
    ]
    for lines, number in cases:
        with pytest.raises(QuarterdeckError) as caught:
            await deck.import_session(lines, new_id=True)
        assert caught.value.code == "import_invalid", (number, caught.value.message)
        assert caught.value.data["line"] == number, caught.value.message
    with pytest.raises(QuarterdeckError) as caught:
        await deck.import_session(changed(1, format=3), new_id=True)
    assert caught.value.code == "import_newer"
    found, _ = await deck.sessions(state="all")
    assert [view.session_id for view in found] == [session_id]
    with pytest.raises(QuarterdeckError) as caught:
        await deck.call("import.add", token="0" * 32, text="x")
    assert caught.value.code == "unknown_import"
    with pytest.raises(QuarterdeckError) as caught:
        await deck.call("session.export", session_id=session_id, cursor="elsewhere")
    assert caught.value.code == "invalid_params"


_TAGS = {"html", "head", "meta", "title", "style", "body", "main", "section", "small", "pre"}
_TAGS |= {"h1", "h2", "h3", "dl", "dt", "dd"}


async def test_an_imported_secret_is_redacted(deckhouse: Deckhouse) -> None:
    """A2: whoever wrote the file may not have hidden it."""
    deck = await deckhouse.deck()
    session_id = await worked(deckhouse, deck, "say PLACE")
    secret = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"
    lines = [line.replace("PLACE", secret) for line in await lines_of(deck, session_id)]
    run = next(n for n, line in enumerate(lines) if '"record":"run"' in line)
    worded = json.loads(lines[run]) | {"reason": secret, "agent_info": {"name": secret}}
    lines[run] = json.dumps(worded) + "\n"
    assert sum(secret in line for line in lines) > 2
    told = await deck.import_session(lines, new_id=True)
    assert secret not in "".join(await lines_of(deck, told["session_id"]))
    assert (await deck.session(told["session_id"])).approval_mode == "normal"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


async def test_the_html_page_runs_and_loads_nothing(deckhouse: Deckhouse) -> None:
    """DESIGN §5: hostile text stays text."""
    deck = await deckhouse.deck()
    session_id = await closed_session(deckhouse, deck)
    page = await document(deck, session_id, html.html)
    tags = Tags()
    tags.feed(page)
    assert {tag for tag, _ in tags.seen} <= _TAGS
    named = {name for _, given in tags.seen for name in given}
    assert named <= {"lang", "charset", "http-equiv", "content", "name", "class"}
    policy = next(g["content"] for _, g in tags.seen if g.get("http-equiv"))
    assert policy is not None and policy.startswith("default-src 'none'")
    assert "<script>alert(1)</script>" in tags.text
    assert "\\u202e" in tags.text and "\u202e" not in page
    assert "".join(f"#{n} " for n in range(1, 31)) in tags.text
    assert "url(" not in page


async def test_the_markdown_keeps_messages_and_fences_the_rest(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    session_id = await closed_session(deckhouse, deck)
    text = await document(deck, session_id, markdown.markdown)
    assert text.startswith("# \\<b\\>Rich\\</b\\>\n")
    assert "".join(f"#{n} " for n in range(1, 31)) in text
    assert "## Run 2: completed" in text
    live = await worked(deckhouse, deck, "say ## Run 9: completed\nsay ```")
    text = await document(deck, live, markdown.markdown)
    assert "\n## Run 1: not ended yet\n" in text
    assert "\n> ## Run 9: completed```\n" in text, "what an agent says ends with its quote"
    prompt = re.search(r"### Prompt .*\n\n(`{4,})\n", text)
    assert prompt is not None, "a fence longer than the one in the prompt"


async def test_qd_export_and_import(deckhouse: Deckhouse, tmp_path: Path) -> None:
    deck = await deckhouse.deck()
    session_id = await worked(deckhouse, deck, "count 3")
    file = tmp_path / "out.jsonl"
    deckhouse.qd("export", session_id, "--format", "jsonl", "-o", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(AssertionError, match="is there already"):
        deckhouse.qd("export", session_id, "--format", "jsonl", "-o", str(file))
    with pytest.raises(AssertionError, match="is there already"):
        deckhouse.qd("import", str(file))
    told = json.loads(deckhouse.qd("import", str(file), "--new-id", "--json"))
    assert told["events"] == len(await whole_trace(deck, session_id))
    assert deckhouse.qd("export", told["session_id"]).startswith("# ")
    told = json.loads(deckhouse.qd("import", "-", "--new-id", "--json", stdin=file.read_text()))
    assert told["runs"] == 1
