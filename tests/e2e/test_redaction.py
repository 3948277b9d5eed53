"""Redaction before anything is written to the database (A2, A15; issue of records)."""

import json
import sys
from pathlib import Path

from tests.support.deckhouse import (
    Deckhouse,
    approval_of,
    decide,
    said,
    session_in,
    trace,
    whole_trace,
)

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


def chunk(session: str, text: str) -> str:
    update = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}}
    params = {"sessionId": session, "update": update}
    return json.dumps({"jsonrpc": "2.0", "method": "session/update", "params": params})


def files_with(folder: Path, secret: str) -> list[str]:
    """Return what of the state, journals excepted, holds the secret."""
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file()
        and path.parts[-3:-2] != ("runs",)
        and secret.encode() in path.read_bytes()
    ]


async def test_a_secret_split_over_chunks_is_stored_nowhere(deckhouse: Deckhouse) -> None:
    """A2: in no page, WAL, search index or log, at whatever place it is split."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say ready", wait=True)
    session_id = ids["session_id"]
    view = await session_in(deck, session_id, "idle")
    pieces = [TOKEN[:2], TOKEN[2:9], TOKEN[9:20], TOKEN[20:]]
    raw = [chunk(str(view.agent_session_id), piece) for piece in ["it is ", *pieces, " now"]]
    (deckhouse.project / "said").write_text("\n".join(raw))
    await deck.send(session_id, "rawfile said\nsay !")
    await _turn_over(deck, session_id)
    text = said(await whole_trace(deck, session_id))
    assert text.startswith("readyit is ")
    assert text.endswith(" now!")
    assert "github" in text
    assert TOKEN not in text
    for secret in (TOKEN, TOKEN[9:20], TOKEN[20:]):
        assert files_with(deckhouse.places.state, secret) == []


async def test_held_back_text_survives_a_kill_of_the_supervisor(deckhouse: Deckhouse) -> None:
    """A2, DESIGN §4: what is held is in the journal only, and is neither lost nor shown."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say ready", wait=True)
    session_id = ids["session_id"]
    view = await session_in(deck, session_id, "idle")
    first = chunk(str(view.agent_session_id), "token " + TOKEN[:12])
    second = chunk(str(view.agent_session_id), TOKEN[12:] + " end")
    await deck.send(session_id, f"raw {first}\nwait go\nraw {second}\nsay .")
    while "token " not in said(await trace(deck, session_id)):
        pass
    deckhouse.kill_supervisor()
    (deckhouse.project / "go").touch()
    deck = await deckhouse.deck()
    await _turn_over(deck, session_id)
    text = said(await whole_trace(deck, session_id))
    assert TOKEN[:12] not in text
    assert TOKEN[12:] not in text
    assert text.endswith(" end.")


async def test_an_approval_is_exact_until_it_is_delivered(deckhouse: Deckhouse) -> None:
    """DESIGN §4: hash and decision are about the exact text; afterwards it is redacted."""
    deck = await deckhouse.deck()
    command = f"echo {TOKEN} > out.txt"
    ids = await deckhouse.new(deck, f"ask {command}")
    session_id = ids["session_id"]
    approval = await approval_of(deck, session_id)
    assert approval.subject == command
    await decide(deck, approval, "approve")
    await session_in(deck, session_id, "idle")
    assert (deckhouse.project / "out.txt").read_text() == TOKEN + "\n"
    settled = await deck.approval(approval.approval_id)
    assert TOKEN not in settled.subject + settled.payload
    assert settled.payload_sha256 == approval.payload_sha256
    assert TOKEN not in str(await deck.commands(session_id))
    assert TOKEN not in (await deck.session(session_id)).title
    assert TOKEN not in str(await whole_trace(deck, session_id))
    await deckhouse.end_supervisor()
    assert files_with(deckhouse.places.state, TOKEN) == []


async def test_values_of_secret_variables_and_own_patterns_are_hidden(
    deckhouse: Deckhouse,
) -> None:
    """A15: what the client's secret-looking variables hold, and what config.toml names."""
    deckhouse.configure('[redaction]\npatterns = ["INTERNAL-[0-9]{6}"]')
    deck = await deckhouse.deck()
    env = {"DEPLOY_PASSWORD": "correct-horse-battery"}
    ids = await deckhouse.new(
        deck, "say it is correct-horse-battery and INTERNAL-123456 here", env=env
    )
    await session_in(deck, ids["session_id"], "idle")
    text = str(await whole_trace(deck, ids["session_id"]))
    assert "correct-horse-battery" not in text
    assert "INTERNAL-123456" not in text
    assert "here" in text


async def test_what_clients_say_of_records_is_hidden_too(deckhouse: Deckhouse) -> None:
    """A2, A15: titles, names, reasons and bundles at once; a job's payload once it has ended."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(
        deck,
        f"ask {'x' * 90} {TOKEN}",  # a title of the prompt would end within the secret
        bundle={"prompts": [TOKEN], "skills": [TOKEN], "credential": "deploy-key"},
    )
    session_id = ids["session_id"]
    approval = await approval_of(deck, session_id)
    await decide(deck, approval, "deny", reason=f"no: {TOKEN}")
    await session_in(deck, session_id, "idle")
    view = await deck.session(session_id)
    assert TOKEN[:12] not in view.title + view.preview
    await deck.save_checkpoint(session_id, f"at {TOKEN}")
    forked = await deck.fork(
        session_id, checkpoint=f"at {TOKEN}", title=f"f {TOKEN}", prompt=f"say {TOKEN}", wait=True
    )
    await session_in(deck, str(forked["session_id"]), "idle")
    assert "github" in (await deck.session(str(forked["session_id"]))).title
    assert "github" in (await deck.rename(session_id, f"r {TOKEN}")).title
    for end in ("cancelled", "finished", "failed"):
        run_id = (await deck.reserve_run(session_id, bundle={"repository": TOKEN})).run_id
        await deck.claim_run(run_id, "alpha")
        job = await deck.submit_job(run_id, {"do": TOKEN}, key="once")
        assert job.payload == {"do": TOKEN}, "exact while it may be worked on"
        if end == "cancelled":
            await deck.cancel_run(session_id, run_id=run_id, reason=f"why {TOKEN}")
        elif end == "finished":
            await deck.finish_run(run_id, "alpha", "failed", reason=f"why {TOKEN}")
        else:
            await deck.set_job_state(job.job_id, "alpha", "failed", reason=f"why {TOKEN}")
        [ended] = await deck.jobs(run_id)
        assert "github" in str(ended.payload)
        assert await deck.submit_job(run_id, {"do": TOKEN}, key="once") == ended
    for run in await deck.runs(session_id):
        assert (run.bundle or {}).get("credential") in ("deploy-key", None)
    active = (await deck.session(session_id)).run_id
    await deck.call("run.finish", session_id=session_id, run_id=active, failure=f"why {TOKEN}")
    await deckhouse.end_supervisor()
    assert files_with(deckhouse.places.state, TOKEN) == []


async def test_why_an_agent_does_not_start_is_hidden_too(deckhouse: Deckhouse) -> None:
    """A2, R4: what it answers to the handshake is in the failure that the list shows."""
    answer = {"jsonrpc": "2.0", "id": 0, "error": {"code": 1, "message": f"no access: {TOKEN}"}}
    program = f"import json; m = json.loads(input()); a = {answer!r}; a['id'] = m['id'];"
    program += " print(json.dumps(a), flush=True); input()"
    command = json.dumps([sys.executable, "-c", program])
    deckhouse.configure(f"[agents.broken]\ncommand = {command}")
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say x", agent="broken")
    view = await session_in(deck, ids["session_id"], "failed_needs_human")
    assert "no access: ghp_" in str(view.failure)
    [run] = await deck.runs(ids["session_id"])
    assert TOKEN not in str(view.failure) + str(run.reason)
    await deckhouse.end_supervisor()
    assert files_with(deckhouse.places.state, TOKEN) == []


async def _turn_over(deck, session_id: str) -> None:
    while any(c.state in ("pending", "acknowledged") for c in await deck.commands(session_id)):
        pass
