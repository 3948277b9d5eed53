"""C1, A6: whatever a session record says, an import and an export say it again."""

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from quarterdeck.model.clock import from_iso, iso
from quarterdeck.model.export_format import FORMAT, EndRecord, SessionRecord
from quarterdeck.store import exporting, importing, sessions
from quarterdeck.store.store import Store

LATEST = from_iso("9999-12-31T23:59:59Z")
text = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
words = st.one_of(st.none(), text)
moment = st.integers(0, LATEST).map(iso)
objects = st.one_of(st.none(), st.dictionaries(text, st.one_of(st.integers(), text), max_size=3))
AT_LEAST_ONE = text.filter(bool)
RECORDS = st.builds(
    SessionRecord,
    format=st.just(FORMAT),
    session_id=st.from_regex(r"\Ases_[0-9a-z]{8}\Z"),
    project=AT_LEAST_ONE,
    agent=AT_LEAST_ONE,
    cwd=AT_LEAST_ONE,
    title=text,
    preview=text,
    summary=text,
    conversation_id=words,
    agent_session_id=words,
    source=st.sampled_from(["interactive", "fork", "import", "api"]),
    metadata=st.dictionaries(text.filter(lambda key: key != sessions.IMPORTED), text, max_size=3),
    terminal_status=words,
    mode=words,
    model=words,
    git_commit=words,
    git_branch=words,
    git_origin=words,
    git_base=words,
    created_at=moment,
    last_activity=moment,
    pinned=st.booleans(),
    archived_at=st.one_of(st.none(), moment),
    parent_session_id=st.one_of(st.none(), st.from_regex(r"\Ases_[0-9a-z]{8}\Z")),
    approval_mode=st.sampled_from(["ask_all", "normal", "read_only"]),
    usage=objects,
    plan=objects,
    changes=objects,
    execution_state=st.sampled_from(["idle", "terminal"]),
    ephemeral=st.booleans(),
    expires_at=st.one_of(st.none(), st.integers(1 << 42, LATEST).map(iso)),
)


def test_what_a_record_says_is_said_again() -> None:
    """As a line of the next export, and as a view has it."""
    with tempfile.TemporaryDirectory() as folder:

        @settings(
            max_examples=60, deadline=None, phases=[Phase.generate]
        )  # a store is opened each time
        @given(RECORDS)
        def same(record: SessionRecord) -> None:
            asyncio.run(_same(Path(folder), record))

        same()


async def _same(folder: Path, record: SessionRecord) -> None:
    file, database = folder / "export", folder / "q.db"
    end = EndRecord(runs=0, commands=0, events=0)
    lines = [record.to_line(), end.to_line()]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for left in folder.glob("q.db*"):
        left.unlink()
    store = await Store.open(database)
    try:
        checked = importing.check(file)
        session_id = await store.write(lambda tx: importing.store(tx, checked, new_ids=False))
        again, cursor = await exporting.page(store.reading, session_id, None)
        assert (again, cursor) == (lines, None)
        view = await sessions.view(store.reading, session_id, "somebody")
    finally:
        await store.close()
    told: dict[str, Any] = record.to_line()
    elsewhere = {"record", "format", "source", "parent_session_id", "last_command_id"}
    for name in told.keys() - elsewhere:
        assert getattr(view, name) == told[name], name
    assert view.parent_session_id is None, "it is not there"
