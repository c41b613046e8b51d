from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from memory.errors import DatabaseBusy, DatabaseError, MissingDependency
from memory.events import NewEvent, build
from memory.events.observations import Observation
from memory.store import Database, EventStore, location


def note(number: int = 0) -> NewEvent:
    return NewEvent(build(Observation, obs_type="discovery", category="c", data=number))


def test_every_sqlite_connection_is_set_up_for_the_log(sqlite_url: str) -> None:
    with EventStore.open(sqlite_url) as store, store.database.reading() as connection:
        names = ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers")
        settings = [connection.execute(text(f"PRAGMA {name}")).scalar() for name in names]
        assert settings == ["wal", 2, 1, 1]


def test_durability_is_a_named_choice(sqlite_url: str, postgres_url: str) -> None:
    with EventStore.open(sqlite_url, durability="normal") as store, store.database.reading() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 1
    with EventStore.open(postgres_url) as store, store.database.reading() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar() == "on"
    with EventStore.open(postgres_url, durability="normal") as store, store.database.reading() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar() == "off"


def test_full_durability_holds_where_the_server_was_told_to_acknowledge_early(postgres_url: str) -> None:
    with EventStore.open(postgres_url) as store, store.database.writing() as connection:
        connection.execute(text(f"ALTER DATABASE {store.database.location.url.database} SET synchronous_commit = off"))
    with EventStore.open(postgres_url) as store, store.database.reading() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar() == "on"


def test_a_failed_write_leaves_nothing_behind(database_url: str) -> None:
    def fail(store: EventStore) -> None:
        with store.database.writing() as connection:
            connection.execute(text("INSERT INTO event_types VALUES (1, 'x', 1)"))
            raise ZeroDivisionError

    with EventStore.open(database_url) as store:
        with pytest.raises(ZeroDivisionError):
            fail(store)
        with store.database.reading() as connection:
            assert connection.execute(text("SELECT count(*) FROM event_types")).scalar() == 0


def test_the_engines_own_words_come_with_our_error(database_url: str) -> None:
    with EventStore.open(database_url) as store:
        with pytest.raises(DatabaseError, match="nonsense"), store.database.reading() as connection:
            connection.execute(text("SELECT * FROM nonsense"))
        assert store.append([note()])[0].position == 1


def test_a_writer_of_another_program_is_waited_for(sqlite_url: str) -> None:
    with EventStore.open(sqlite_url) as store, closing(sqlite3.connect(sqlite_url[10:], isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        done: list[float] = []

        def write() -> None:
            store.append([note()])
            done.append(time.monotonic())

        thread = threading.Thread(target=write)
        thread.start()
        time.sleep(0.3)
        released = time.monotonic()
        other.execute("COMMIT")
        thread.join(10)
        assert done[0] > released


def test_a_lock_held_too_long_is_a_clear_error_and_a_retry_works(sqlite_url: str) -> None:
    with EventStore.open(sqlite_url) as store, closing(sqlite3.connect(sqlite_url[10:], isolation_level=None)) as other:
        store.database.busy_timeout = 0.2
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseBusy, match="locked by another writer"):
            store.append([note()])
        other.execute("ROLLBACK")
        assert store.append([note()])[0].position == 1


def test_a_database_in_memory_works_from_threads_and_nests_reads_in_writes() -> None:
    with EventStore.open(":memory:") as store:
        threads = [threading.Thread(target=lambda: store.append([note(n) for n in range(3)])) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [event.position for event in store.read()] == list(range(1, 25))
        with store.database.writing():
            assert store.head().position == 24
        assert store.verify().ok


def test_eight_threads_share_one_store(database_url: str) -> None:
    with EventStore.open(database_url) as store:

        def write() -> None:
            for number in range(10):
                store.append([note(number)])

        threads = [threading.Thread(target=write) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [event.position for event in store.read()] == list(range(1, 81))
        assert store.verify().ok


def test_parent_and_child_both_go_on_at_once_after_a_fork(database_url: str) -> None:
    script = Path(__file__).with_name("fork_script.py")
    done = subprocess.run(
        [sys.executable, script, database_url], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.split() == ["0", "51", "True"], done.stderr


def test_an_open_store_imports_no_alembic_when_it_is_up_to_date(sqlite_url: str) -> None:
    with EventStore.open(sqlite_url):
        pass
    code = (
        "import sys\nfrom memory.store import EventStore\n"
        f"EventStore.open({sqlite_url!r}).close()\n"
        "print([name for name in ('alembic', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=os.getcwd())
    assert done.stdout.strip() == "[]"


def test_postgresql_without_its_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(location.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match="psycopg") as caught:
        Database.open("postgresql://localhost/lab")
    assert "palimpsest-memory[postgres]" in caught.value.remedy


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_a_postgresql_url_is_one_driver(scheme: str) -> None:
    where = location.locate(f"{scheme}://me:secret@host/lab")
    assert where.url.drivername == "postgresql+psycopg"
    assert "secret" not in str(where)
