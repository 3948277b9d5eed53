"""Drafts of a reader, images of a prompt, and the commands an agent offers."""

import base64
import json
import sqlite3
from contextlib import closing

import pytest

from quarterdeck.client.prompting import Offers
from quarterdeck.model.errors import QuarterdeckError
from tests.support.deckhouse import Deckhouse, session_in, trace

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n, the rest of a picture").decode()


def kept_images(deckhouse: Deckhouse) -> int:
    with closing(sqlite3.connect(deckhouse.places.database)) as db:
        return db.execute("SELECT count(*) FROM prompt_images").fetchone()[0]


async def test_a_draft_is_the_readers_on_every_client_and_survives_a_killed_supervisor(
    deckhouse: Deckhouse,
):
    deck = await deckhouse.deck()
    made = await deckhouse.new(deck, "say hello")
    session_id = made["session_id"]
    await deck.save_draft(session_id, "half a thought\nand more")
    other = await deckhouse.deck(reader="somebody else")
    assert await other.draft(session_id) == ""
    await session_in(deck, session_id, "idle")
    deckhouse.kill_supervisor()
    again = await deckhouse.deck()
    assert await again.draft(session_id) == "half a thought\nand more"
    await again.save_draft(session_id, "")
    assert await again.draft(session_id) == ""


async def test_images_go_out_with_their_prompt_and_are_not_kept(deckhouse: Deckhouse):
    deckhouse.configure(SCRIPTED_IMAGES="1")
    deck = await deckhouse.deck()
    made = await deckhouse.new(deck, "wait go")
    session_id = made["session_id"]
    await session_in(deck, session_id, "running")
    assert (await deck.offers(session_id)).images
    images = [("image/png", PIXEL)]
    first = await deck.send(session_id, "say seen", key="k1", images=images)
    same = await deck.send(session_id, "say seen", key="k1", images=images)
    assert same.command_id == first.command_id
    assert kept_images(deckhouse) == 1
    with pytest.raises(QuarterdeckError) as caught:
        await deck.send(session_id, "say seen", key="k1")
    assert caught.value.code == "conflict"
    (deckhouse.project / "go").touch()
    await session_in(deck, session_id, "idle")
    told = json.loads((deckhouse.agent_home / "images").read_text())
    assert told == [{"type": "image", "mimeType": "image/png", "data": PIXEL}]
    assert kept_images(deckhouse) == 0
    said = [e.payload for e in await trace(deck, session_id) if e.type == "user_message"]
    size = len(base64.b64decode(PIXEL))
    assert said[-1]["images"] == [{"mime_type": "image/png", "bytes": size}]


async def test_an_agent_without_images_gets_the_text_and_the_trace_says_so(deckhouse: Deckhouse):
    deck = await deckhouse.deck()
    made = await deckhouse.new(deck, "say first")
    session_id = made["session_id"]
    await session_in(deck, session_id, "idle")
    assert not (await deck.offers(session_id)).images
    await deck.send(session_id, "say second", images=[("image/png", PIXEL)])
    await session_in(deck, session_id, "idle")
    assert deckhouse.prompts() == ["say first", "say second"]
    errors = [e.payload["message"] for e in await trace(deck, session_id) if e.type == "error"]
    assert errors == ["the agent takes no images: 1 of the prompt were left out"]


async def test_images_of_a_prompt_that_is_taken_back_are_forgotten(deckhouse: Deckhouse):
    deck = await deckhouse.deck()
    made = await deckhouse.new(deck, "wait go")
    await session_in(deck, made["session_id"], "running")
    sent = await deck.send(made["session_id"], "later", images=[("image/png", PIXEL)])
    await deck.cancel_command(sent.command_id)
    assert kept_images(deckhouse) == 0


@pytest.mark.parametrize(
    "images",
    [
        [("image/svg+xml", PIXEL)],
        [("image/png", "no base64!")],
        [("image/png", "")],
        [("image/png", PIXEL)] * 11,
        [("image/png", "AAAA" * 700_000)] * 2,
    ],
)
async def test_what_is_no_image_or_too_much_is_refused(
    deckhouse: Deckhouse, images: list[tuple[str, str]]
):
    deck = await deckhouse.deck()
    made = await deckhouse.new(deck, "say hello")
    with pytest.raises(QuarterdeckError) as caught:
        await deck.send(made["session_id"], "look", images=images)
    assert caught.value.code == "invalid_params"
    assert kept_images(deckhouse) == 0


async def test_the_commands_an_agent_offers_are_told(deckhouse: Deckhouse):
    deck = await deckhouse.deck()
    update = {
        "sessionUpdate": "available_commands_update",
        "availableCommands": [{"name": "compact", "description": "Summarise what was said"}],
    }
    made = await deckhouse.new(deck, f"update {json.dumps(update)}")
    await session_in(deck, made["session_id"], "idle")
    offers = await deck.offers(made["session_id"])
    assert offers == Offers((("compact", "Summarise what was said"),), False)
