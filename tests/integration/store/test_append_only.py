from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from sqlalchemy import text

from memory.errors import AppendOnlyViolation
from memory.events import NewEvent
from memory.store import EventStore

CHANGES = {
    "ledger": "payload = '{}'",
    "appends": "actor = 'x'",
    "record_keys": "position = position + 100",
}


@pytest.fixture
def filled(store: EventStore, note: Callable[..., NewEvent]) -> EventStore:
    store.append([note(1, key="k"), note(2)])
    return store


def attempt(store: EventStore, *statements: str) -> None:
    with store.database.writing() as connection:
        for statement in statements:
            connection.execute(text(statement))


@pytest.mark.parametrize("table", CHANGES)
def test_the_database_refuses_to_change_what_was_recorded(filled: EventStore, table: str) -> None:
    with pytest.raises(AppendOnlyViolation, match=table):
        attempt(filled, f"UPDATE {table} SET {CHANGES[table]}")
    assert filled.verify().ok


@pytest.mark.parametrize("table", CHANGES)
def test_the_database_refuses_to_delete_what_was_recorded(filled: EventStore, table: str) -> None:
    with pytest.raises(AppendOnlyViolation, match=table):
        attempt(filled, f"DELETE FROM {table}")
    assert filled.verify().ok


@pytest.mark.parametrize("table", CHANGES)
def test_postgresql_refuses_to_truncate_even_for_a_replica(
    postgres_url: str, note: Callable[..., NewEvent], table: str
) -> None:
    with EventStore.open(postgres_url) as store:
        store.append([note(1, key="k")])
        with pytest.raises(AppendOnlyViolation, match=table):
            attempt(store, "SET LOCAL session_replication_role = replica", f"TRUNCATE {table}")
        assert store.verify().ok


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO ledger SELECT * FROM ledger WHERE position = 1",
        "INSERT OR REPLACE INTO appends SELECT * FROM appends WHERE append_id = 1",
        "INSERT OR REPLACE INTO record_keys SELECT * FROM record_keys",
    ],
)
def test_sqlite_refuses_to_replace_past_the_triggers(
    sqlite_url: str, note: Callable[..., NewEvent], statement: str
) -> None:
    with EventStore.open(sqlite_url) as store:
        store.append([note(1, key="k")])
        with pytest.raises(AppendOnlyViolation):
            attempt(store, statement)
        assert store.verify().ok


@pytest.mark.parametrize("table", ["ledger", "appends", "record_keys"])
def test_sqlite_refuses_to_replace_also_on_a_connection_of_another_program(
    sqlite_url: str, note: Callable[..., NewEvent], table: str
) -> None:
    with EventStore.open(sqlite_url) as store:
        store.append([note(1, key="k")])
        with (
            closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as plain,
            pytest.raises(sqlite3.IntegrityError, match="append-only"),
        ):
            plain.execute(f"REPLACE INTO {table} SELECT * FROM {table}")
        assert store.verify().ok


def test_a_refused_change_takes_its_whole_transaction_with_it(filled: EventStore) -> None:
    with pytest.raises(AppendOnlyViolation):
        attempt(filled, "INSERT INTO event_types VALUES (99, 'x', 1)", "DELETE FROM ledger")
    with filled.database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM event_types WHERE type_id = 99")).scalar() == 0
