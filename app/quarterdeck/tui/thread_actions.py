"""What is done to a session as a whole: name, shelves, forks, read marks, and the last undo."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck
    from quarterdeck.model.records import SessionView


Work = Callable[["Deck"], Awaitable[object]]
HOW = "U undoes it."


class Verb(StrEnum):
    """One thing a person does to a session."""

    RENAME = "rename"
    DESCRIBE = "describe"
    PIN = "pin"
    ARCHIVE = "archive"
    DELETE = "delete"
    FORK = "fork"
    UNREAD = "unread"


class Doer(Protocol):
    """What carries out requests: the app."""

    def do(self, work: Work, done: str = "") -> None:
        """Carry out one request and say how it went."""
        ...

    def ask_line(self, title: str, value: str, then: Callable[[str], None]) -> None:
        """Ask for one line."""
        ...

    def confirm(self, title: str, text: str, then: Callable[[], None]) -> None:
        """Ask before something is done."""
        ...

    def await_session(self, session_id: str) -> None:
        """Put the cursor on a session as soon as it is listed."""
        ...

    def say(self, text: str, *, bad: bool = False) -> None:
        """Show a toast."""
        ...


class ThreadActions:
    """Carries out verbs, and remembers how the last of them is undone."""

    def __init__(self, doer: Doer) -> None:
        self._doer = doer
        self._undo: tuple[Work, str] | None = None

    def take(self, verb: Verb, session: SessionView) -> None:
        """Carry out `verb`; archiving, deleting and pinning are taken back where they hold."""
        actions = {
            Verb.RENAME: self._rename,
            Verb.DESCRIBE: self._describe,
            Verb.PIN: self._pin,
            Verb.ARCHIVE: self._archive,
            Verb.DELETE: self._delete,
            Verb.FORK: self._fork,
            Verb.UNREAD: self._unread,
        }
        actions[verb](session)

    def undo(self) -> None:
        """Undo what was last done and can be undone."""
        if self._undo is None:
            self._doer.say("There is nothing to undo.")
            return
        (work, said), self._undo = self._undo, None
        self._doer.do(work, said)

    def remember(self, done: str, back: Work, undone: str) -> None:
        """Say what was done elsewhere, and that it can be undone."""
        self._undo = back, undone
        self._doer.say(f"{done} {HOW}")

    def mark_all_read(self, version: int, unread: Sequence[str]) -> None:
        """Mark everything read that has not changed since `version`; `unread` is what was not."""

        def mark(deck: Deck) -> Awaitable[object]:
            return deck.mark_all_read(up_to_version=version)

        async def unmark(deck: Deck) -> None:
            for session_id in unread:
                await deck.mark_unread(session_id)

        said = "What was unread is so again."
        self._shelve(mark, unmark, "All sessions are marked read.", said)

    def _rename(self, session: SessionView) -> None:
        session_id, before = session.session_id, session.title

        def named(title: str) -> Work:
            return lambda deck: deck.rename(session_id, title)

        self._doer.ask_line(
            "Rename",
            before,
            lambda title: self._shelve(
                named(title), named(before), "Renamed.", f"It is “{before}” again."
            ),
        )

    def _describe(self, session: SessionView) -> None:
        session_id, before = session.session_id, session.summary

        def about(summary: str) -> Work:
            return lambda deck: deck.describe(session_id, summary=summary)

        self._doer.ask_line(
            "What is it about?",
            before,
            lambda summary: self._shelve(
                about(summary), about(before), "Its summary is set.", "Its summary is as it was."
            ),
        )

    def _pin(self, session: SessionView) -> None:
        session_id = session.session_id
        if session.pinned:
            self._doer.do(lambda deck: deck.unpin(session_id), "No longer pinned.")
        else:
            self._doer.do(lambda deck: deck.pin(session_id), "Pinned: it stays in the list.")

    def _archive(self, session: SessionView) -> None:
        session_id, name = session.session_id, _name(session)

        def archive(deck: Deck) -> Awaitable[object]:
            return deck.archive(session_id)

        def unarchive(deck: Deck) -> Awaitable[object]:
            return deck.unarchive(session_id)

        if session.archived_at:
            self._doer.do(unarchive, f"{name} is out of the archive.")
        else:
            self._shelve(archive, unarchive, f"{name} is archived.", f"{name} is back.")

    def _delete(self, session: SessionView) -> None:
        session_id, name = session.session_id, _name(session)

        def delete(deck: Deck) -> Awaitable[object]:
            return deck.delete(session_id)

        def restore(deck: Deck) -> Awaitable[object]:
            return deck.restore(session_id)

        if session.deleted_at:
            self._doer.do(restore, f"{name} is restored.")
        else:
            kept = f"{name} is deleted, for good after 30 days."
            self._doer.confirm(
                "Delete session",
                f"Delete {name}? It can be restored for 30 days.",
                lambda: self._shelve(delete, restore, kept, f"{name} is restored."),
            )

    def _shelve(self, work: Work, back: Work, done: str, undone: str) -> None:
        async def shelve(deck: Deck) -> None:
            await work(deck)
            self._undo = back, undone

        self._doer.do(shelve, f"{done} {HOW}")

    def _fork(self, session: SessionView) -> None:
        async def fork(deck: Deck) -> None:
            made = await deck.fork(session.session_id)
            if made["session_id"] is not None:
                self._doer.await_session(made["session_id"])

        self._doer.do(fork, f"{_name(session)} is forked; a prompt starts the fork.")

    def _unread(self, session: SessionView) -> None:
        self._doer.do(lambda deck: deck.mark_unread(session.session_id), "Marked as unread.")


def _name(session: SessionView) -> str:
    return f"“{session.title or session.session_id}”"
