from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from memory.errors import QueryError
from memory.events import NewEvent
from memory.store import EventStore

WRITES = [
    "INSERT INTO streams VALUES (9, 'x', 'x', 0)",
    "UPDATE streams SET version = 9",
    "DELETE FROM streams",
    "DROP TABLE streams",
    "DROP VIEW events",
    "CREATE TABLE t (a INTEGER)",
    "CREATE TEMPORARY TABLE t (a INTEGER)",
    "SELECT 1; DELETE FROM streams",
    "SELECT 1; SELECT 2",
    "BEGIN",
    "COMMIT",
    "COMMIT; DELETE FROM streams",
    "VACUUM",
    "",
    "-- nothing",
]
SQLITE_WRITES = [
    "ATTACH '{made}' AS other",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA user_version = 7",
    "PRAGMA query_only = OFF",
    "INSERT OR REPLACE INTO streams VALUES (9, 'x', 'x', 0)",
    "VACUUM INTO '{made}'",
]
POSTGRESQL_WRITES = [
    "WITH gone AS (DELETE FROM streams RETURNING *) SELECT * FROM gone",
    "SET TRANSACTION READ WRITE",
    "SELECT set_config('transaction_read_only', 'off', true)",
    "DO $$ BEGIN DELETE FROM streams; END $$",
    "COPY streams TO PROGRAM 'cat > /dev/null'",
    "SELECT nextval('pg_catalog.none')",
    "LOCK TABLE ledger",
    "SELECT * FROM streams FOR UPDATE",
]

ROUNDABOUT = {
    "sqlite": [
        "PRAGMA writable_schema = ON",
        "PRAGMA wal_checkpoint",
        "WITH one AS (SELECT 1) DELETE FROM streams",
        "WITH one AS (SELECT 9 AS n) INSERT INTO streams SELECT n, 'x', 'x', 0 FROM one",
        "SELECT load_extension('{made}')",
        "SELECT writefile('{made}', 'x')",
        "SAVEPOINT here",
        "REINDEX",
        "DETACH main",
    ],
    "postgresql": [
        "SELECT * INTO taken FROM streams",
        "EXPLAIN ANALYZE DELETE FROM streams",
        "SELECT lo_create(0)",
        "SELECT lo_import('/etc/hostname')",
        "SELECT lo_from_bytea(0, 'x')",
        "SELECT lo_export(1, '/tmp/made')",
        "SELECT setval('pg_catalog.none', 1)",
        "SELECT query_to_xml('DELETE FROM streams RETURNING 1', true, true, '')",
        "SELECT set_config('transaction_read_only', 'off', false), query_to_xml('DELETE FROM streams', true, true, '')",
        "COPY (SELECT 1) TO '/tmp/made'",
    ],
}


@pytest.fixture(params=["sqlite", "postgresql", "memory"])
def any_store(request: pytest.FixtureRequest, note: Callable[..., NewEvent]) -> Iterator[EventStore]:
    url = ":memory:"
    if request.param != "memory":
        url = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    with EventStore.open(url) as opened:
        opened.append([note(n) for n in range(5)])
        yield opened


def ask(store: EventStore, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
    _, rows = store.database.read_only_rows(sql, parameters)
    return list(rows)


def test_a_query_gives_columns_and_rows(any_store: EventStore) -> None:
    columns, rows = any_store.database.read_only_rows(
        "SELECT position AS p, event_type FROM events WHERE position > :after AND position > :after ORDER BY 1",
        {"after": 3},
    )
    assert columns == ("p", "event_type")
    assert list(rows) == [(4, "observation"), (5, "observation")]


def test_a_query_without_rows_still_has_columns(any_store: EventStore) -> None:
    columns, rows = any_store.database.read_only_rows("SELECT position FROM events WHERE 1 = 0", {})
    assert columns == ("position",)
    assert list(rows) == []


def test_text_that_looks_like_a_parameter_is_text(any_store: EventStore) -> None:
    sql = "SELECT 'a:b %s 100%' || :x, \"position\" -- not :this one\n FROM events /* nor :that */ WHERE position = 1"
    assert ask(any_store, sql, x="!") == [("a:b %s 100%!", 1)]
    assert ask(any_store, "SELECT 7 % 4, 'it''s :x'") == [(3, "it's :x")]


@pytest.mark.parametrize("sql", WRITES)
def test_the_engine_refuses_everything_but_one_reading_statement(any_store: EventStore, sql: str) -> None:
    before = ask(any_store, "SELECT count(*), max(version) FROM streams")
    with pytest.raises(QueryError):
        ask(any_store, sql)
    assert ask(any_store, "SELECT count(*), max(version) FROM streams") == before
    assert any_store.verify().ok


@pytest.mark.parametrize("sql", SQLITE_WRITES)
@pytest.mark.parametrize("in_memory", [False, True])
def test_sqlite_refuses_its_own_ways_to_write(sqlite_url: str, tmp_path: Path, sql: str, in_memory: bool) -> None:
    made = tmp_path / "made.db"
    with EventStore.open(":memory:" if in_memory else sqlite_url) as store:
        with pytest.raises(QueryError):
            ask(store, sql.format(made=made))
        assert ask(store, "PRAGMA table_info(streams)")[0][1] == "stream_id"
    assert not made.exists()


@pytest.mark.parametrize("sql", POSTGRESQL_WRITES)
def test_postgresql_refuses_its_own_ways_to_write(postgres_url: str, sql: str) -> None:
    with EventStore.open(postgres_url) as store, pytest.raises(QueryError):
        ask(store, sql)


def test_no_way_round_writes_either(any_store: EventStore, tmp_path: Path) -> None:
    made = tmp_path / "made"
    for sql in ROUNDABOUT[any_store.database.dialect]:
        with pytest.raises(QueryError):
            ask(any_store, sql.format(made=made))
    assert not made.exists()
    assert any_store.verify().ok
    assert any_store.database.dialect == "sqlite" or ask(any_store, "SELECT count(*) FROM pg_largeobject") == [(0,)]


def test_postgresql_casts_and_dollar_quotes_are_no_parameters(postgres_url: str) -> None:
    with EventStore.open(postgres_url) as store:
        sql = "SELECT :n::int + 1, $$ :no %s $$, $t$ :no $t$, E'it\\'s :no', '{1,2}'::int[]"
        assert ask(store, sql, n="4") == [(5, " :no %s ", " :no ", "it's :no", [1, 2])]


@pytest.mark.parametrize(
    ("sql", "parameters", "words"),
    [
        ("SELECT nope FROM events", {}, "nope"),
        ("SELEC 1", {}, "syntax error"),
        ("SELECT :missing", {}, "missing"),
        ("SELECT :x", {"x": object()}, "refused"),
        ("SELECT :x", {"x": {1, 2}}, "refused"),
        ("SELECT 1 \0", {}, "refused"),
    ],
)
def test_a_faulty_query_is_answered_with_the_engines_words(
    any_store: EventStore, sql: str, parameters: dict[str, Any], words: str
) -> None:
    with pytest.raises(QueryError, match=words) as caught:
        ask(any_store, sql, **parameters)
    assert caught.value.remedy


def test_rows_can_be_dropped_half_way_and_the_store_goes_on(
    any_store: EventStore, note: Callable[..., NewEvent]
) -> None:
    _, rows = any_store.database.read_only_rows("SELECT position FROM events ORDER BY 1", {})
    assert next(rows) == (1,)
    del rows
    any_store.append([note(9)])
    assert ask(any_store, "SELECT max(position) FROM events") == [(6,)]


@pytest.mark.parametrize("name", ["a b.db", "a#b.db", "a?b.db", "a%20b.db", "ä.db", "it's.db"])
def test_any_file_name_can_be_queried(tmp_path: Path, name: str, note: Callable[..., NewEvent]) -> None:
    path = tmp_path / name
    with EventStore.open(path) as store:
        store.append([note(1)])
        assert ask(store, "SELECT count(*) FROM events") == [(1,)]
    assert path.exists()


@pytest.mark.timeout(60)
def test_ctrl_c_ends_a_query_that_would_go_on_for_ever(sqlite_url: str) -> None:
    for_ever = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
    with EventStore.open(sqlite_url) as store:
        pressed = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
        pressed.start()
        with pytest.raises(KeyboardInterrupt):
            store.database.read_only_rows(for_ever, {})
        pressed.join()
