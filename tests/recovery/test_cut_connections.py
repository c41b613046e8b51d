"""PostgreSQL connections cut at every moment of what is done over them: nothing is lost, doubled or half-written."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from types import ModuleType
from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from memory import MemorySystem
from memory.errors import DatabaseUnavailable
from memory.events import NewEvent, build
from memory.events.observations import Observation
from memory.store import EventStore, reading
from memory.store.engine import Database

MOST_STATEMENTS = 60


def note(number: int) -> NewEvent:
    return NewEvent(build(Observation, obs_type="behavior", category="c", data=number), key=f"k{number}")


def cut(url: str, pids: list[int] | None = None) -> int:
    """End the backends given, or every other one of the database, and wait until they are gone; say how many."""
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    chosen = others if pids is None else f"pid = ANY(ARRAY{pids}::int[])"
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        ended = connection.execute(f"SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE {chosen}")
        gone = [pid for pid, _ in ended.fetchall()]
        while connection.execute("SELECT 1 FROM pg_stat_activity WHERE pid = ANY(%s)", [gone]).fetchone():
            time.sleep(0.001)
    return len(gone)


class CutAfter:
    """Cuts a database's connection once, right after it ran its statement number so many.

    Statements are counted where all of them pass: at the driver's cursors.
    """

    def __init__(self, url: str, database: Database, statement: int) -> None:
        self._url, self._database, self._left = url, database, statement
        self.happened = False

    def __enter__(self) -> CutAfter:
        event.listen(self._database.engine, "checkout", self._watch)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self._database.engine, "checkout", self._watch)
        self._left = 0

    def _watch(self, connection: Any, *_: object) -> None:
        done = self._done

        class Counted(psycopg.Cursor[Any]):
            def execute(self, *args: Any, **kwargs: Any) -> Any:
                result = super().execute(*args, **kwargs)
                done(self.connection)
                return result

            def executemany(self, *args: Any, **kwargs: Any) -> None:
                super().executemany(*args, **kwargs)
                done(self.connection)

            @contextmanager
            def copy(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
                with super().copy(*args, **kwargs) as copying:
                    yield copying
                done(self.connection)

        connection.cursor_factory = Counted

    def _done(self, connection: Any) -> None:
        self._left -= 1
        if self._left == 0:
            self.happened = True
            cut(self._url, [connection.info.backend_pid])


@pytest.mark.parametrize("size", [1, 30])
def test_an_append_cut_after_any_of_its_statements_is_made_once(postgres_url: str, size: int) -> None:
    with EventStore.open(postgres_url) as store:
        for statement in range(1, MOST_STATEMENTS):
            first = store.head().position + 1
            with CutAfter(postgres_url, store.database, statement) as cutting:
                done = store.append([note(first + number) for number in range(size)])
            assert [(each.position, each.replayed) for each in done] == [(first + n, False) for n in range(size)]
            if not cutting.happened:
                break
        assert statement > 4
        assert [event.payload.data for event in store.read()] == list(range(1, statement * size + 1))
        assert store.verify().ok


def test_a_consolidation_cut_after_any_of_its_statements_goes_on_when_asked_again(postgres_url: str) -> None:
    failures = 0
    with MemorySystem(postgres_url) as memory:
        for statement in range(1, MOST_STATEMENTS):
            memory.record_observation("behavior", "c", data=statement)
            with CutAfter(postgres_url, memory.store.database, statement) as cutting:
                try:
                    memory.consolidate()
                except DatabaseUnavailable:
                    failures += 1
            memory.consolidate()
            if not cutting.happened:
                break
        assert failures > 4
        live = memory.query_sql("SELECT * FROM observations ORDER BY position")
        assert [row["position"] for row in live] == list(range(1, statement + 1))
        memory.rebuild()
        assert memory.query_sql("SELECT * FROM observations ORDER BY position") == live


def test_a_commit_cut_before_it_took_effect_is_made_again(postgres_url: str) -> None:
    with EventStore.open(postgres_url) as store, ThreadPoolExecutor(1) as pool:
        with closing(psycopg.connect(postgres_url, autocommit=True)) as connection:
            # What is deferred to the commit makes the commit itself take its time.
            connection.execute(
                "CREATE TABLE slow AS SELECT 10 AS seconds;"
                "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN PERFORM pg_sleep(seconds) FROM slow; RETURN NULL; END $$;"
                "CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON appends DEFERRABLE INITIALLY DEFERRED "
                "FOR EACH ROW EXECUTE FUNCTION wait()"
            )
            done = pool.submit(store.append, [note(1)])
            pid = until_one(connection, "SELECT pid FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active'")
            connection.execute("UPDATE slow SET seconds = 0")
        cut(postgres_url, [pid])
        assert [(each.position, each.replayed) for each in done.result(timeout=20)] == [(1, False)]
        assert store.head().append_id == 1
        assert store.verify().ok


@pytest.fixture
def own_server(postgres_module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A server of this test's own, whose settings it may change."""
    monkeypatch.delenv("TEST_POSTGRES_URL", raising=False)
    with postgres_module.running_server() as server:
        yield server


def test_a_commit_that_took_effect_and_was_cut_before_it_said_so_is_found(own_server: Any) -> None:
    url = own_server.create(migrated=False)
    with EventStore.open(url) as store, ThreadPoolExecutor(1) as pool:
        store.append([note(1)])
        with closing(psycopg.connect(url, autocommit=True)) as connection:
            # With a standby that does not exist, a commit takes effect here and is never acknowledged.
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
            connection.execute("SELECT pg_reload_conf()")
            done = pool.submit(store.append, [note(2), note(3)])
            pid = until_one(connection, "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        cut(url, [pid])
        assert [(each.position, each.replayed) for each in done.result(timeout=20)] == [(2, False), (3, False)]
        assert store.head().append_id == 2
        with closing(psycopg.connect(url, autocommit=True)) as connection:
            connection.execute("ALTER SYSTEM RESET synchronous_standby_names")
            connection.execute("SELECT pg_reload_conf()")
        assert [each.replayed for each in store.append([note(2), note(3)])] == [True, True]
        assert [event.position for event in store.read()] == [1, 2, 3]
        assert store.verify().ok


def test_a_reading_that_is_cut_says_so_and_goes_on_after_the_last_event_it_gave(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "CHUNK", 4)
    with EventStore.open(postgres_url) as store:
        store.append([note(number) for number in range(1, 41)])
        seen: list[int] = []

        def read_on() -> None:
            for stored in store.read(after=seen[-1] if seen else 0):
                seen.append(stored.position)
                if len(seen) == 10:
                    cut(postgres_url)

        with pytest.raises(DatabaseUnavailable) as caught:
            read_on()
        assert "try again" in caught.value.remedy
        # A connection that is made anew meanwhile may carry it a little further.
        assert 12 <= len(seen) < 40
        assert seen == list(range(1, len(seen) + 1))
        read_on()
        assert seen == list(range(1, 41))


def test_rows_of_a_query_that_is_cut_end_in_an_error_that_blames_the_connection(postgres_url: str) -> None:
    with MemorySystem(postgres_url) as memory:
        rows = memory.store.database.read_only_rows("SELECT generate_series(1, 100000)", {}).rows
        assert next(rows) == (1,)
        cut(postgres_url)
        with pytest.raises(DatabaseUnavailable):
            list(rows)
        assert memory.query_sql("SELECT 1 AS one") == [{"one": 1}]


def test_threads_that_lose_their_connections_again_and_again_record_everything_once(postgres_url: str) -> None:
    going = threading.Event()
    going.set()

    def keep_cutting() -> int:
        count = 0
        while going.is_set():
            count += cut(postgres_url)
            time.sleep(0.03)
        return count

    def insist(call: Callable[[], Any]) -> Any:
        while True:
            try:
                return call()
            except DatabaseUnavailable:
                time.sleep(0.005)

    with MemorySystem(postgres_url) as memory, ThreadPoolExecutor(5) as pool:

        def work(thread: int) -> list[int]:
            keys = [f"{thread}-{number}" for number in range(60)]
            return [
                insist(lambda key=key: memory.record_observation("behavior", key, key=key)).position for key in keys
            ]

        cuts = pool.submit(keep_cutting)
        workers = [pool.submit(work, thread) for thread in range(4)]
        positions = [position for worker in workers for position in worker.result(timeout=120)]
        going.clear()
        assert cuts.result() > 3
        assert sorted(positions) == list(range(1, 241))
        assert len(insist(lambda: {event.payload.category for event in memory.store.read()})) == 240
        assert memory.verify().ok


def until_one(connection: Any, query: str) -> int:
    """Ask until there is an answer."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        row = connection.execute(query).fetchone()
        if row is not None:
            return int(row[0])
        time.sleep(0.005)
    raise AssertionError(f"nothing came: {query}")
