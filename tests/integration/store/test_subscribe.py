"""Following the log: every event once, in order, from any process, whatever happens to the connection."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from memory.events import NewEvent
from memory.store import EventStore, subscription

Note = Callable[..., NewEvent]
SCRIPT = Path(__file__).with_name("writer_script.py")


@pytest.fixture(autouse=True)
def _only_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hint that does not come is not made up for by looking now and then."""
    monkeypatch.setattr(subscription, "SAFETY_POLL", 600.0)


@pytest.fixture
def elsewhere(database_url: str, store: EventStore) -> Iterator[EventStore]:
    """The same log through connections of its own, as another program has them."""
    with EventStore.open(database_url) as opened:
        yield opened


def test_what_is_there_comes_first_and_then_what_others_append(
    store: EventStore, elsewhere: EventStore, note: Note
) -> None:
    store.append([note(0), note(1)])
    seen: list[int] = []
    with store.subscribe() as events, ThreadPoolExecutor(1) as other:
        for event in events:
            seen.append(event.payload.data["n"])
            if seen[-1] in (1, 2, 3):
                other.submit(elsewhere.append, [note(seen[-1] + 1)])
            if seen[-1] == 4:
                break
    assert seen == [0, 1, 2, 3, 4]


def test_it_begins_after_the_position_given_and_knows_where_it_came_to(store: EventStore, note: Note) -> None:
    store.append([note(n) for n in range(5)])
    with store.subscribe(after=2) as first:
        assert [next(first).position, next(first).position] == [3, 4]
    with store.subscribe(after=first.position) as resumed:
        assert next(resumed).position == 5


def test_events_that_are_not_of_interest_are_passed_over_and_not_looked_at_again(store: EventStore, note: Note) -> None:
    store.append([note(0), note(1, stream="mine"), note(2)])
    events = store.subscribe(stream="mine", idle=0.2)
    assert [event.payload.data["n"] for event in events] == [1]
    assert events.position == 3


def test_it_ends_when_nothing_came_for_as_long_as_was_said(store: EventStore, note: Note) -> None:
    store.append([note(0)])
    assert [event.position for event in store.subscribe(idle=0.1)] == [1]


def test_closing_it_from_another_thread_ends_a_wait(store: EventStore) -> None:
    events = store.subscribe()
    threading.Timer(0.2, events.close).start()
    assert list(events) == []


def test_events_of_other_processes_come_in_order_each_once(database_url: str, store: EventStore) -> None:
    writers = [
        subprocess.Popen([sys.executable, str(SCRIPT), database_url, f"w{number}", "40", "2", "-"])
        for number in range(3)
    ]
    seen: list[int] = []
    with store.subscribe() as events:
        for event in events:
            seen.append(event.position)
            if len(seen) == 240:
                break
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    assert seen == list(range(1, 241))


def test_it_goes_on_where_it_was_after_the_server_cut_its_connections(postgres_url: str, note: Note) -> None:
    with EventStore.open(postgres_url) as store, EventStore.open(postgres_url) as elsewhere:
        elsewhere.append([note(0)])
        seen: list[int] = []

        def cut_and_append() -> None:
            time.sleep(0.3)
            with elsewhere.database.reading() as connection:
                connection.exec_driver_sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            elsewhere.append([note(1), note(2)])

        with store.subscribe() as events, ThreadPoolExecutor(1) as other:
            for event in events:
                seen.append(event.payload.data["n"])
                if seen == [0]:
                    done = other.submit(cut_and_append)
                if len(seen) == 3:
                    break
        done.result()
        assert seen == [0, 1, 2]
