"""What the supervisor does by itself must not hold up what it does for others."""

import types
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.model.places import Places
from quarterdeck.store import retention
from quarterdeck.store.store import Store
from quarterdeck.supervisor import upkeep
from tests.bench.filling import fill

RUNS = 300


async def test_only_runs_that_have_a_directory_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three hundred ended runs and two directories are two looks; one of the two goes."""
    places = Places(tmp_path, tmp_path)
    fill(places.database, sessions=RUNS, events=RUNS, seed=1, indexed=False)
    store = await Store.open(places.database)
    try:
        ended = await retention.ended_runs(store.reading, 1 << 62)
        assert len(ended) > RUNS // 2
        old, held = places.runs / ended[0], places.runs / ended[1]
        for directory in (old, held):
            directory.mkdir(parents=True)
        looks: list[str] = []
        is_dir = Path.is_dir

        def counted(path: Path) -> bool:
            looks.append(path.name)
            return is_dir(path)

        monkeypatch.setattr(Path, "is_dir", counted)
        context: Any = types.SimpleNamespace(store=store, places=places, live={held.name: None})
        assert await upkeep._trim_journals(context, 1 << 62) == 1
        monkeypatch.undo()
        assert looks == [old.name]
        assert held.is_dir()
        assert not old.exists()
    finally:
        await store.close()
