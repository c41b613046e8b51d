from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import make_url, text

from memory.errors import ForeignDatabase, MigrationError, SchemaOutdated
from memory.events import NewEvent
from memory.store import Database, EventStore, migrate
from memory.store.revisions import OWN_NAMES, VERSION_TABLE, revisions, scripts_folder
from memory.store.tables import APPEND_ONLY

ROOT = Path(__file__).resolve().parents[3]


def names(database: Database) -> set[str]:
    with database.reading() as connection:
        if database.dialect == "sqlite":
            query = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
        else:
            query = (
                "SELECT relname FROM pg_class "
                "WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'v')"
            )
        return set(connection.execute(text(query)).scalars())


def alembic_process(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=ROOT, env={**os.environ, "PALIMPSEST_URL": url}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def alembic(url: str, *arguments: str) -> str:
    done = alembic_process(url, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_revisions_known_without_alembic_are_its_scripts() -> None:
    scripts = ScriptDirectory(str(scripts_folder()))
    assert scripts.get_current_head() == migrate.head()
    assert [script.revision for script in scripts.walk_revisions()] == list(reversed(revisions()))


def test_a_new_database_is_what_the_tables_say(bare_url: str) -> None:
    with EventStore.open(bare_url) as store:
        assert migrate.current(store.database) == migrate.head()
        assert migrate.check(store.database) == ()
        assert {*OWN_NAMES, VERSION_TABLE} <= names(store.database)


def test_check_sees_what_somebody_changed(bare_url: str) -> None:
    with EventStore.open(bare_url) as store:
        with store.database.writing() as connection:
            cascade = "" if store.database.dialect == "sqlite" else " CASCADE"
            connection.execute(text(f"DROP VIEW events{cascade}"))
            connection.execute(text("ALTER TABLE streams ADD COLUMN colour TEXT"))
            if store.database.dialect == "sqlite":
                connection.execute(text("DROP TRIGGER ledger_refuses_delete"))
            else:
                connection.execute(text("ALTER TABLE ledger ENABLE TRIGGER ledger_append_only"))
        differences = " ".join(migrate.check(store.database))
        assert "colour" in differences
        assert "the view events is missing" in differences
        assert "the view act_summary" not in differences or cascade
        assert "ledger_" in differences


def test_check_sees_that_the_full_text_index_is_missing(bare_url: str) -> None:
    with EventStore.open(bare_url) as store:
        assert migrate.check(store.database) == ()
        with store.database.writing() as connection:
            if store.database.dialect == "sqlite":
                connection.execute(text("DROP TRIGGER search_entries_update"))
                gone = "search_entries_update"
            else:
                connection.execute(text("DROP INDEX search_index"))
                gone = "search_index"
        assert migrate.check(store.database) == (f"{gone}, of the full-text index, is missing",)


def test_every_table_and_column_has_a_comment(postgres_url: str) -> None:
    for table in migrate.load_metadata().sorted_tables:
        assert table.comment, table.name
        assert [column.name for column in table.columns if not column.comment] == [], table.name
    with EventStore.open(postgres_url) as store, store.database.reading() as connection:
        query = (
            "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 "
            "WHERE c.relname IN ('streams', 'event_types', 'record_keys', 'appends', 'ledger', 'events') "
            "AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)"
        )
        assert connection.execute(text(query)).all() == []


def test_the_log_survives_going_down_to_its_own_revision_and_up_again(
    bare_url: str, note: Callable[..., NewEvent], schemas: ModuleType
) -> None:
    with EventStore.open(bare_url) as store:
        store.append([note(1, key="k"), note(2, model="q")])
        events, fresh = list(store.read()), schemas.catalogue(store.database)
        assert migrate.downgrade(store.database, "0001") == "0001"
        with pytest.raises(SchemaOutdated, match="0001"):
            migrate.check(store.database)
        assert store.verify().ok
        assert migrate.upgrade(store.database) == migrate.head()
        assert list(store.read()) == events
        assert schemas.catalogue(store.database) == fresh
        assert store.verify().ok
        assert store.append([note(1, key="k")])[0].replayed


def test_all_the_way_down_leaves_nothing_and_up_again_is_a_fresh_install(bare_url: str, schemas: ModuleType) -> None:
    with EventStore.open(bare_url) as store:
        fresh = schemas.catalogue(store.database)
        assert migrate.downgrade(store.database, "base") is None
        assert names(store.database) == {VERSION_TABLE}
    with EventStore.open(bare_url) as store:
        assert schemas.catalogue(store.database) == fresh
        assert store.head().position == 0


def test_a_log_with_events_is_never_taken_below_its_own_revision(
    bare_url: str, note: Callable[..., NewEvent], schemas: ModuleType
) -> None:
    with EventStore.open(bare_url) as store:
        store.append([note(1), note(2)])
        before = schemas.catalogue(store.database)
        for revision in ("base", f"-{len(revisions())}"):
            with pytest.raises(MigrationError, match="events up to position 2") as refused:
                migrate.downgrade(store.database, revision)
            assert "never deleted" in refused.value.remedy
        refused_by_alembic = alembic_process(bare_url, "downgrade", "base")
        assert refused_by_alembic.returncode != 0
        assert "events up to position 2" in refused_by_alembic.stderr + refused_by_alembic.stdout
        assert "Traceback" not in refused_by_alembic.stderr
        assert migrate.current(store.database) == migrate.head()
        assert schemas.catalogue(store.database) == before
        assert store.verify().events == 2


def test_a_failing_upgrade_leaves_the_database_as_it_was(
    bare_url: str, note: Callable[..., NewEvent], schemas: ModuleType
) -> None:
    with EventStore.open(bare_url) as store:
        store.append([note(1)])
        last = sorted(names(store.database) - {*OWN_NAMES, VERSION_TABLE})[-1]
        migrate.downgrade(store.database, "0001")
        with store.database.writing() as connection:
            connection.execute(text(f"CREATE TABLE {last} (in_the_way INTEGER)"))
        before = schemas.catalogue(store.database)
        with pytest.raises(MigrationError, match="rolled back"):
            migrate.upgrade(store.database)
        assert schemas.catalogue(store.database) == before
        assert migrate.current(store.database) == "0001"
        with store.database.writing() as connection:
            connection.execute(text(f"DROP TABLE {last}"))
        migrate.upgrade(store.database)
        assert store.verify().ok


def test_a_revision_that_does_not_exist_is_refused(sqlite_url: str) -> None:
    with EventStore.open(sqlite_url) as store, pytest.raises(MigrationError, match="0815"):
        migrate.upgrade(store.database, "0815")


def test_every_revision_keeps_the_append_only_triggers(bare_url: str) -> None:
    database = Database.open(bare_url)
    for revision in revisions():
        migrate.upgrade(database, revision)
        with database.reading() as connection:
            query = (
                "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%refuses%'"
                if database.dialect == "sqlite"
                else "SELECT count(*) FROM pg_trigger WHERE tgenabled = 'A'"
            )
            expected = len(APPEND_ONLY) * (3 if database.dialect == "sqlite" else 1)
            assert connection.execute(text(query)).scalar() == expected
    database.close()


def test_another_applications_tables_in_the_same_server_database_are_left_alone(postgres_server: Any) -> None:
    url = postgres_server.create(migrated=False)
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        connection.execute(
            "CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('abc')"
        )
    with EventStore.open(url) as store:
        assert migrate.check(store.database) == ()
        migrate.downgrade(store.database, "base")
        with store.database.reading() as connection:
            assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == ["abc"]
    postgres_server.drop(url)


def test_a_server_database_with_foreign_tables_of_our_names_is_refused_untouched(postgres_server: Any) -> None:
    url = postgres_server.create(migrated=False)
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        connection.execute("CREATE TABLE events (a INTEGER)")
    with pytest.raises(ForeignDatabase, match="events"):
        EventStore.open(url)
    with closing(psycopg.connect(url)) as connection:
        found = connection.execute("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")
        assert found.fetchall() == [("events",)]
    postgres_server.drop(url)


def test_two_schemas_of_one_server_database_hold_two_logs(postgres_server: Any, note: Callable[..., NewEvent]) -> None:
    url = postgres_server.create(migrated=False)
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        connection.execute("CREATE SCHEMA palimpsest")
    own = make_url(url).update_query_dict({"options": "-csearch_path=palimpsest"}).render_as_string(hide_password=False)
    with EventStore.open(url) as first, EventStore.open(own) as second:
        first.append([note(1), note(2)])
        second.append([note(3)])
        assert (first.head().position, second.head().position) == (2, 1)
        assert list(second.database.read_only_rows("SELECT count(*) FROM events", {}).rows) == [(1,)]
        assert migrate.check(second.database) == ()
        assert second.verify().ok
    postgres_server.drop(url)


def test_the_alembic_command_works_from_a_checkout(bare_url: str) -> None:
    alembic(bare_url, "upgrade", "head")
    assert "(head)" in alembic(bare_url, "current")
    alembic(bare_url, "check")
    with EventStore.open(bare_url) as store:
        assert migrate.check(store.database) == ()
    alembic(bare_url, "downgrade", "base")
    alembic("sqlite:///nowhere/x.db", "-x", f"url={bare_url}", "upgrade", "head")


def test_the_statements_alone_make_the_same_database(
    bare_url: str, tmp_path: Path, postgres_server: Any, schemas: ModuleType
) -> None:
    script = alembic(bare_url, "upgrade", "head", "--sql")
    with EventStore.open(bare_url) as store:
        expected = schemas.catalogue(store.database)
    if bare_url.startswith("sqlite"):
        other = f"sqlite:///{tmp_path / 'other.db'}"
        with closing(sqlite3.connect(tmp_path / "other.db", isolation_level=None)) as connection:
            connection.executescript(script)
    else:
        other = postgres_server.create(migrated=False)
        with closing(psycopg.connect(other, autocommit=True)) as connection:
            connection.execute(script)
    with EventStore.open(other) as store:
        assert schemas.catalogue(store.database) == expected
    if not bare_url.startswith("sqlite"):
        postgres_server.drop(other)
