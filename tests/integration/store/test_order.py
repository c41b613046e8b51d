"""Positions become visible in commit order on PostgreSQL; and the race that loses events where nothing sees to that."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import make_url

from memory.events import NewEvent
from memory.store import EventStore
from memory.store.append import AppendPlan
from memory.store.prepare import prepare

Note = Callable[..., NewEvent]
WRITERS, APPENDS = 6, 40


@pytest.fixture
def dsn(postgres_url: str) -> str:
    return make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture
def naive(dsn: str) -> Iterator[psycopg.Connection]:
    """A table whose positions come from a sequence, with no lock: how an append is usually written."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE naive (position BIGSERIAL PRIMARY KEY, payload TEXT)")
        yield connection


def append_naively(dsn: str, draw: random.Random) -> None:
    with psycopg.connect(dsn) as connection:
        for _ in range(APPENDS):
            connection.execute("INSERT INTO naive (payload) VALUES ('x')")
            time.sleep(draw.random() * 0.002)
            connection.commit()


def tail(read: Callable[[int], list[int]], writing: Callable[[], bool]) -> list[int]:
    """What a reader sees that asks again and again for what lies beyond the last position it saw."""
    seen: list[int] = []
    again = True
    while again:
        # Asked before reading: what the last writer wrote is read once more after it ended.
        again = writing()
        seen.extend(read(seen[-1] if seen else 0))
    return seen


def test_without_a_lock_a_tailing_reader_loses_an_event_that_commits_late(dsn: str, naive: psycopg.Connection) -> None:
    with psycopg.connect(dsn) as slow, psycopg.connect(dsn) as fast:
        slow.execute("INSERT INTO naive (payload) VALUES ('slow')")
        fast.execute("INSERT INTO naive (payload) VALUES ('fast')")
        fast.commit()
        seen = [row[0] for row in naive.execute("SELECT position FROM naive WHERE position > 0 ORDER BY 1")]
        slow.commit()
        seen += [row[0] for row in naive.execute(f"SELECT position FROM naive WHERE position > {seen[-1]} ORDER BY 1")]
    assert seen == [2]


def test_the_race_that_ours_must_win_is_lost_without_the_lock(dsn: str, naive: psycopg.Connection) -> None:
    def read(after: int) -> list[int]:
        return [row[0] for row in naive.execute(f"SELECT position FROM naive WHERE position > {after} ORDER BY 1")]

    with ThreadPoolExecutor(WRITERS) as pool:
        writers = [pool.submit(append_naively, dsn, random.Random(number)) for number in range(WRITERS)]
        seen = tail(read, lambda: not all(writer.done() for writer in writers))
    assert len(seen) < WRITERS * APPENDS


def test_the_same_race_loses_nothing_of_ours(postgres_url: str, note: Note, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(0)
    write = AppendPlan.write

    def write_slowly(plan: AppendPlan) -> None:
        write(plan)
        time.sleep(draw.random() * 0.002)

    monkeypatch.setattr(AppendPlan, "write", write_slowly)

    def work() -> None:
        # A store of its own each: the writers of one process would queue before they reach the server.
        with EventStore.open(postgres_url) as store:
            for number in range(APPENDS):
                store.append([note(number)])

    with EventStore.open(postgres_url) as store, ThreadPoolExecutor(WRITERS) as pool:
        writers = [pool.submit(work) for _ in range(WRITERS)]
        seen = tail(
            lambda after: [event.position for event in store.read(after=after)],
            lambda: not all(writer.done() for writer in writers),
        )
        assert [writer.exception() for writer in writers] == [None] * WRITERS
    assert seen == list(range(1, WRITERS * APPENDS + 1))


def test_an_append_waits_for_one_that_has_its_positions_and_did_not_commit(postgres_url: str, note: Note) -> None:
    with EventStore.open(postgres_url) as first, EventStore.open(postgres_url) as second:
        batch = prepare([note("slow")], actor=None, correlation_id=None, expected_version=None)
        waiting = threading.Thread(target=second.append, args=([note("fast")],))
        with first.database.writing(lock="ledger") as connection:
            plan = AppendPlan(connection, [batch], {})
            plan.add(batch)
            plan.write()
            waiting.start()
            time.sleep(0.3)
            assert waiting.is_alive()
            assert list(second.read()) == []
        waiting.join(timeout=20)
        assert [event.payload.data["n"] for event in second.read()] == ["slow", "fast"]
