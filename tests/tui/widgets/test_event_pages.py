"""Events fetched as they are looked at (A2, A3)."""

import asyncio

import pytest

from quarterdeck.tui.widgets.event_pages import MAX_PAGES, PAGE, EventPages
from tests.support.waiting import eventually_async
from tests.tui.widgets.line_host import Events, event


class Book:
    def __init__(self, last_seq: int = 1_000_000, source: Events | None = None) -> None:
        self.source = source or Events()
        self.loaded: list[tuple[int, int]] = []
        self.pages = EventPages(
            "run_1", last_seq, self.source, lambda a, b: self.loaded.append((a, b))
        )

    async def look(self, seq: int) -> None:
        async def there() -> bool:
            return self.pages.get(seq) is not None

        await eventually_async(there)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_the_page_looked_at_comes_first_and_its_neighbours_after() -> None:
    book = Book()
    assert book.pages.get(5 * PAGE + 7) is None
    await settle()
    assert book.source.fetched[0] == ("run_1", 5 * PAGE, PAGE)
    assert sorted(f[1] for f in book.source.fetched) == [4 * PAGE, 5 * PAGE, 6 * PAGE]
    found = book.pages.get(5 * PAGE + 7)
    assert found is not None
    assert found.seq == 5 * PAGE + 7
    assert (5 * PAGE + 1, 6 * PAGE) in book.loaded


async def test_looking_again_fetches_nothing() -> None:
    book = Book()
    await book.look(5 * PAGE + 1)
    await settle()
    count = len(book.source.fetched)
    for seq in range(5 * PAGE + 1, 6 * PAGE + 1):
        assert book.pages.get(seq) is not None
    await settle()
    assert len(book.source.fetched) == count


async def test_what_grew_is_fetched_from_where_the_page_ends() -> None:
    book = Book(last_seq=100)
    await book.look(100)
    book.pages.grow(120)
    assert book.pages.get(101) is None
    await settle()
    assert book.source.fetched == [("run_1", 0, 100), ("run_1", 100, 20)]
    found = book.pages.get(120)
    assert found is not None
    assert found.seq == 120


async def test_no_more_than_64_pages_are_kept() -> None:
    book = Book()
    for number in range(3 * MAX_PAGES):
        await book.look(number * PAGE + 1)
    await settle()
    assert len(book.pages) == MAX_PAGES


async def test_few_pages_of_huge_events_are_kept() -> None:
    huge = "x" * 1_000_000
    book = Book(source=Events(lambda seq: event(seq, text=huge)))
    for number in range(20):
        await book.look(number * PAGE + 1)
    await settle()
    assert len(book.pages) <= 6


async def test_a_failed_fetch_is_made_again_at_the_next_look() -> None:
    book = Book(last_seq=10)
    book.source.fail = True
    assert book.pages.get(1) is None
    await settle()
    assert len(book.source.fetched) == 1
    book.source.fail = False
    await book.look(1)
    assert len(book.source.fetched) == 2


async def test_answers_that_come_after_closing_are_dropped() -> None:
    book = Book(last_seq=10)
    book.source.gate = asyncio.Event()
    book.pages.get(1)
    await settle()
    book.pages.close()
    book.source.gate.set()
    await settle()
    assert book.loaded == []
    assert book.pages.get(1) is None


async def test_while_answers_are_slow_only_the_latest_looks_are_remembered() -> None:
    """Dragging the scroll bar over a million events must not fetch them all."""
    book = Book()
    book.source.gate = asyncio.Event()
    for seq in range(1, 1_000_000, 5_000):
        book.pages.get(seq)
        await asyncio.sleep(0)
    book.source.gate.set()
    await settle()
    await book.look(995_001)
    assert len(book.source.fetched) < 40


@pytest.mark.parametrize("seq", [0, -1, 11])
async def test_there_is_nothing_outside_the_run(seq: int) -> None:
    book = Book(last_seq=10)
    assert book.pages.get(seq) is None
    await settle()
    assert book.source.fetched == []


async def test_events_out_of_order_are_not_shown_in_the_wrong_place() -> None:
    book = Book(last_seq=10, source=Events(lambda seq: event(seq if seq < 4 else seq + 1)))
    await book.look(3)
    assert book.pages.get(4) is None
