"""A database that another program holds locked: a clear error in time, nothing written, and a retry that succeeds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from memory import MemorySystem
from memory.errors import DatabaseBusy
from memory.store import EventStore, migrate
from memory.store.engine import _LOCKS, MIGRATION_LOCK_SQL, Database

HOLDER = """
import importlib, sys
driver, place, *statements = sys.argv[1:]
options = {"isolation_level": None} if driver == "sqlite3" else {}
connection = importlib.import_module(driver).connect(place, **options)
for statement in statements:
    connection.execute(statement)
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held_by_another_process(url: str, lock: str) -> Iterator[None]:
    """A real other process, without Palimpsest, in the middle of a write transaction."""
    if url.startswith("sqlite"):
        place = ["sqlite3", url.removeprefix("sqlite:///"), "BEGIN IMMEDIATE"]
    elif lock == "migration":
        place = ["psycopg", url, *MIGRATION_LOCK_SQL]
    else:
        place = ["psycopg", url, f"SELECT pg_advisory_xact_lock({_LOCKS[lock]}, 'ledger'::regclass::oid::int)"]
    command = [sys.executable, "-c", HOLDER, *place]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield
        process.stdin.close()
        assert process.wait(timeout=20) == 0


@pytest.mark.parametrize("lock", ["ledger", "migration"])
def test_an_append_under_another_writers_lock_is_refused_in_time_and_succeeds_later(
    database_url: str, lock: str
) -> None:
    with MemorySystem(database_url) as memory:
        memory.store.database.busy_timeout = 0.3

        def record(number: int) -> int:
            return memory.record_observation("behavior", "c", data=number, key=f"k{number}").position

        assert record(1) == 1
        with held_by_another_process(database_url, lock):
            with pytest.raises(DatabaseBusy, match="locked by another writer") as caught:
                record(2)
            assert "nothing was written" in caught.value.remedy
            # Readers are in nobody's way.
            assert [event.position for event in memory.store.read()] == [1]
            assert memory.store.verify().ok
        assert [record(2), record(2), record(3)] == [2, 2, 3]
        assert memory.verify().ok


def test_a_consolidation_under_another_ones_lock_is_refused_in_time_and_succeeds_later(database_url: str) -> None:
    with MemorySystem(database_url) as memory:
        memory.store.database.busy_timeout = 0.3
        memory.consolidate()
        memory.record_observation("behavior", "c")
        with held_by_another_process(database_url, "projections"), pytest.raises(DatabaseBusy):
            memory.consolidate()
        memory.consolidate()
        assert len(memory.query_sql("SELECT * FROM observations")) == 1


def test_an_upgrade_under_another_ones_lock_is_refused_in_time_and_succeeds_later(
    bare_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database.open(bare_url)
    database.busy_timeout = 0.3
    with held_by_another_process(bare_url, "migration"), pytest.raises(DatabaseBusy):
        migrate.upgrade(database)
    assert migrate.current(database) is None
    migrate.upgrade(database)
    database.close()
    with EventStore.open(bare_url) as store:
        assert migrate.check(store.database) == ()
