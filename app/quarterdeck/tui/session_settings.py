"""What of a session can be set: how much it may do unasked, its agent's mode and model."""

from collections.abc import Callable
from typing import Protocol

from quarterdeck.client.deck import Deck
from quarterdeck.model.records import SessionView
from quarterdeck.tui.offered import Offer, offers
from quarterdeck.tui.thread_actions import Work
from quarterdeck.tui.widgets.row_list import Cell, ListRow

APPROVAL_MODES = {
    "normal": "Ask unless a rule allows it",
    "ask_all": "Ask about everything, whatever the rules allow",
    "trusted": "Also allow edits inside the session's directory",
    "read_only": "Forbid writes and commands not known to only read",
}


class Chooser(Protocol):
    """What asks and carries out: the app."""

    def do(self, work: Work, done: str = "") -> None:
        """Carry out one request and say how it went."""
        ...

    def choose(
        self, title: str, rows: list[ListRow], current: str | None, then: Callable[[str], None]
    ) -> None:
        """Let one row be chosen and hand its key to `then`."""
        ...

    def say(self, text: str, *, bad: bool = False) -> None:
        """Show a toast."""
        ...


def choose_approval_mode(app: Chooser, session: SessionView) -> None:
    """Ask what the session's agent may do without a person."""
    rows = [
        ListRow(mode, (Cell(mode, "text", 11), Cell(meaning, "muted")))
        for mode, meaning in APPROVAL_MODES.items()
    ]

    def chosen(mode: str) -> None:
        app.do(
            lambda deck: deck.set_approval_mode(session.session_id, mode),
            f"The approval mode is {mode}.",
        )

    app.choose("Approval mode", rows, session.approval_mode, chosen)


def choose_mode_or_model(app: Chooser, session: SessionView) -> None:
    """Ask for one of the modes and models that the agent offered when its run began."""

    async def fetch(deck: Deck) -> None:
        runs = await deck.runs(session.session_id)
        told = next((run.agent_info for run in reversed(runs) if run.agent_info), None)
        found = {f"{offer.kind} {offer.id}": offer for offer in offers(told)}
        if not found:
            app.say("Its agent has offered no modes or models.")
            return
        rows = [_offer_row(key, offer, session) for key, offer in found.items()]
        current = next((key for key, offer in found.items() if _in_force(offer, session)), None)

        def chosen(key: str) -> None:
            offer = found[key]
            name = f"Asked for the {offer.kind} {offer.name}."
            if offer.kind == "mode":
                app.do(lambda deck: deck.set_mode(session.session_id, offer.id), name)
            else:
                app.do(lambda deck: deck.set_model(session.session_id, offer.id), name)

        app.choose("Mode and model of the agent", rows, current, chosen)

    app.do(fetch)


def _in_force(offer: Offer, session: SessionView) -> bool:
    return offer.id == (session.mode if offer.kind == "mode" else session.model)


def _offer_row(key: str, offer: Offer, session: SessionView) -> ListRow:
    now = "now" if _in_force(offer, session) else ""
    return ListRow(
        key,
        (Cell(offer.kind, "muted", 7), Cell(offer.name, "text"), Cell(now, "good", 5)),
    )
