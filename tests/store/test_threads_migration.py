"""Schema 2: what an older store holds comes through and is listed at once (A10, C1)."""

import sqlite3
from pathlib import Path

import aiosqlite

from quarterdeck.model.records import SessionView
from quarterdeck.store import listing
from quarterdeck.store.listing import Wanted
from quarterdeck.store.schema import migrations, prepare, statements


async def test_sessions_of_schema_1_keep_their_place_in_the_list(tmp_path: Path) -> None:
    path = tmp_path / "q.db"
    with sqlite3.connect(path, isolation_level=None) as db:
        for statement in statements(migrations()[0][1]):
            db.execute(statement)
        for number, (state, approvals) in enumerate(
            [("idle", 0), ("running", 0), ("waiting", 1), ("failed_needs_human", 1)]
        ):
            db.execute(
                "INSERT INTO sessions (session_id, project, agent, cwd, title, version, state,"
                " state_since, state_source, open_approvals, created_at, last_activity)"
                " VALUES (?, '/p', 'a', '/p', 't', 1, ?, 1, 'event', ?, 1, 1)",
                (f"ses_{number}", state, approvals),
            )
        db.execute("INSERT INTO readers VALUES ('me', 'ses_0', 1, 1)")
        db.execute("PRAGMA user_version=1")
    db.close()
    assert prepare(path) is None
    async with aiosqlite.connect(path) as opened:
        opened.row_factory = aiosqlite.Row
        page, _ = await listing.page(opened, Wanted("me", "all"))
        counts = await listing.counts(opened, "me")
    views = [SessionView(*told) for told in page]
    assert [view.session_id for view in views] == ["ses_2", "ses_3", "ses_1", "ses_0"]
    assert [view.attention for view in views] == ["waiting", "failed", "active", "read"]
    assert counts["read"] == 1
    assert (tmp_path / "q.db.schema1.bak").exists()
