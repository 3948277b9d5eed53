"""What starting a session and prompting it have in common."""

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.store import sessions
from quarterdeck.supervisor.api import Api


def check_prompt(text: str) -> None:
    """Refuse an empty prompt: one real agent is wedged for good by it."""
    if not text.strip():
        raise QuarterdeckError("empty_prompt", "the prompt is empty")


async def started(api: Api, run_id: str, session_id: str) -> None:
    """Wait for the end of a run's handshake; raises `agent_startup_failed` (R4)."""
    run = api.ctx.live.get(run_id)
    if run is not None and run.started is not None:
        error = await run.started
        if error is not None:
            raise error
        return
    session = await sessions.load(api.db, session_id)
    if session["failure"] is not None:
        raise QuarterdeckError(
            "agent_startup_failed", session["failure"], session_id=session_id, run_id=run_id
        )
