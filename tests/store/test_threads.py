"""C1: what can be undone, and until when."""

from pathlib import Path

import pytest

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.states import SessionState
from quarterdeck.store import sessions, threads
from quarterdeck.store.store import Store
from quarterdeck.store.transaction import Tx


async def test_c1_a_deletion_is_undone_within_30_days_and_not_later(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "q.db")

    async def work(tx: Tx) -> None:
        new = sessions.NewSession(
            session_id="ses_1",
            project="/p",
            agent="a",
            cwd="/p",
            title="t",
            preview="",
            start_key=None,
            start_sha256=None,
            state=SessionState.CLOSED,
        )
        await sessions.insert(tx, new)
        for age, undone in ((threads.UNDO_MS - 1000, True), (threads.UNDO_MS + 1000, False)):
            await threads.delete(tx, "ses_1")
            await sessions.update(tx, "ses_1", deleted_at=tx.at - age)
            assert await threads.expired(tx.db, tx.at - threads.UNDO_MS) == (
                [] if undone else ["ses_1"]
            )
            if undone:
                await threads.restore(tx, "ses_1")
                assert (await sessions.load(tx.db, "ses_1"))["deleted_at"] is None
            else:
                with pytest.raises(QuarterdeckError, match="30 days"):
                    await threads.restore(tx, "ses_1")

    await store.write(work)
    await store.close()
