"""Appends of several threads that wait at the same time share one transaction, and nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from memory.errors import ConcurrencyError, DatabaseBusy, DatabaseError, KeyConflict
from memory.events import NewEvent
from memory.store import EventStore
from memory.store.engine import Database
from memory.store.log import Appended

Note = Callable[..., NewEvent]


@contextmanager
def held_up(store: EventStore, calls: Sequence[Callable[[], Any]]) -> Iterator[list[Future[Any]]]:
    """Starts every call in a thread of its own, and lets none commit before all of them wait."""
    database = Database.open(store.database.location.url.render_as_string(hide_password=False))
    with ThreadPoolExecutor(len(calls)) as pool:
        with database.writing(lock="ledger"):
            futures = []
            for number, call in enumerate(calls):
                futures.append(pool.submit(call))
                until(lambda expected=number: len(store._appending._group) + len(store._appending._waiting) > expected)
        yield futures
    database.close()


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.001)


def counted_commits(store: EventStore) -> list[object]:
    commits: list[object] = []

    def count(connection: object) -> None:
        commits.append(connection)

    event.listen(store.database.engine, "commit", count)
    return commits


def test_appends_that_wait_together_are_committed_together(store: EventStore, note: Note) -> None:
    calls = [lambda n=n: store.append([note(n), note(n)], actor=f"a{n}") for n in range(12)]
    commits = counted_commits(store)
    with held_up(store, calls) as futures:
        results: list[tuple[Appended, ...]] = [future.result() for future in futures]
    # The first one leads alone; all that came while it waited for the lock are the second group.
    assert len(commits) == 2
    assert sorted(result.position for pair in results for result in pair) == list(range(1, 25))
    assert all(second.position == first.position + 1 for first, second in results)
    assert store.head().append_id == 12
    assert {stored.actor for stored in store.read()} == {f"a{n}" for n in range(12)}
    assert store.verify().ok


def test_a_refused_append_is_refused_alone(store: EventStore, note: Note) -> None:
    store.append([note(0, key="known", stream="a")])
    calls = [
        lambda: store.append([note(1)]),
        lambda: store.append([note(2, stream="a")], expected_version={"a": 7}),
        lambda: store.append([note(3), note(9, key="known")]),
        lambda: store.append([note(4, stream="a")], expected_version={"a": 1}),
        lambda: store.append([note(5, stream="a")], expected_version={"a": 1}),
        lambda: store.append([note(6, stream="new")], expected_version={"new": 0}),
    ]
    with held_up(store, calls) as futures:
        errors = [future.exception() for future in futures]
    assert [type(error) for error in errors] == [
        type(None),
        ConcurrencyError,
        KeyConflict,
        type(None),
        ConcurrencyError,
        type(None),
    ]
    assert [stored.payload.data["n"] for stored in store.read()] == [0, 1, 4, 6]
    assert store.verify().ok


def test_of_two_waiting_appends_with_one_key_the_second_is_a_replay_of_the_first(store: EventStore, note: Note) -> None:
    calls = [lambda: store.append([note(0)]), *[lambda: store.append([note(1, key="k")])] * 2]
    with held_up(store, calls) as futures:
        _, (first,), (second,) = [future.result() for future in futures]
    assert (first.position, first.replayed) == (2, False)
    assert (second.position, second.event_id, second.replayed) == (2, first.event_id, True)


def test_a_commit_that_fails_fails_every_append_in_it_and_the_next_ones_succeed(store: EventStore, note: Note) -> None:
    commits: list[object] = []

    def fail_the_second(connection: Any) -> None:
        commits.append(connection)
        if len(commits) == 2:
            raise store.database.engine.dialect.dbapi.DataError("the disk is gone")

    event.listen(store.database.engine, "commit", fail_the_second)
    with held_up(store, [lambda n=n: store.append([note(n)]) for n in range(4)]) as futures:
        errors = [future.exception() for future in futures]
    assert errors[0] is None
    assert [isinstance(error, DatabaseError) for error in errors[1:]] == [True] * 3
    assert len({id(error) for error in errors[1:]}) == 3
    assert store.head().position == 1
    (after,) = store.append([note(9)])
    assert after.position == 2
    assert store.verify().ok


def test_a_commit_whose_acknowledgement_is_lost_is_found_and_not_made_twice(store: EventStore, note: Note) -> None:
    lost: list[object] = []

    def commit_and_say_nothing(connection: Any) -> None:
        if not lost:
            lost.append(connection)
            driver = connection.connection.driver_connection
            driver.execute("COMMIT")
            raise store.database.engine.dialect.dbapi.OperationalError("server closed the connection unexpectedly")

    event.listen(store.database.engine, "commit", commit_and_say_nothing)
    results = store.append([note(1), note(2)])
    assert lost
    assert [result.position for result in results] == [1, 2]
    assert store.head().append_id == 1
    assert store.append([note(3)])[0].position == 3


def test_an_interrupt_of_the_thread_that_commits_gives_up_its_own_append_only(store: EventStore, note: Note) -> None:
    begun: list[object] = []
    leader = threading.get_ident()
    others = ThreadPoolExecutor(3)
    futures: list[Future[Any]] = []

    def interrupt(connection: Any) -> None:
        if threading.get_ident() == leader and not begun:
            begun.append(connection)
            futures.extend(others.submit(store.append, [note(n)]) for n in range(3))
            until(lambda: len(store._appending._waiting) == 3)
            raise KeyboardInterrupt

    event.listen(store.database.engine, "begin", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.append([note(9)])
    assert sorted(future.result(timeout=20)[0].position for future in futures) == [1, 2, 3]
    assert 9 not in [stored.payload.data["n"] for stored in store.read()]
    assert store.append([note(4)])[0].position == 4
    others.shutdown()


def test_an_append_inside_this_threads_own_write_transaction_is_refused_at_once(store: EventStore, note: Note) -> None:
    with store.database.writing(lock="ledger"), pytest.raises(DatabaseBusy, match="do not nest"):
        store.append([note(1)])
    assert store.append([note(1)])[0].position == 1


def test_eight_threads_lose_and_double_nothing(store: EventStore, note: Note) -> None:
    def work(thread: int) -> list[int]:
        return [
            result.position
            for number in range(25)
            for result in store.append([note(number, stream=f"s{thread}", key=f"{thread}-{number}")])
        ]

    with ThreadPoolExecutor(8) as pool:
        positions = [position for worker in pool.map(work, range(8)) for position in worker]
    assert sorted(positions) == list(range(1, 201))
    for thread in range(8):
        assert [stored.payload.data["n"] for stored in store.read(stream=f"s{thread}")] == list(range(25))
    assert store.verify().ok


def test_an_append_after_the_server_cut_every_connection_goes_over_a_new_one(postgres_url: str, note: Note) -> None:
    with EventStore.open(postgres_url) as store, EventStore.open(postgres_url) as other:
        store.append([note(1)])
        with other.database.reading() as connection:
            cut = connection.exec_driver_sql(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).scalar_one()
        assert cut >= 1
        assert store.append([note(2)])[0].position == 2
        assert [stored.payload.data["n"] for stored in other.read()] == [1, 2]
