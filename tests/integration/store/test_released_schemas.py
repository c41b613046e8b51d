"""Databases as released versions left them, with data: up to the newest schema, down again, and whole or not at all."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import event, text

from memory import MemorySystem
from memory.errors import MigrationError
from memory.events import NewEvent
from memory.projections.catalogue import PROJECTIONS
from memory.store import Database, EventStore, migrate

ROOT = Path(__file__).resolve().parents[3]
FROZEN = sorted(folder.name for folder in (ROOT / "tests" / "frozen" / "schemas").iterdir())
KNOWLEDGE = {"patterns", "theories", "beliefs", "evidence", "architectural_facts"}
PROCESSES = 8
UPGRADE_TOGETHER = """
import os, sys
from memory.store import EventStore, migrate
import alembic.command
children = []
for _ in range(int(sys.argv[2])):
    children.append(os.fork())
    if not children[-1]:
        code = 1
        try:
            with EventStore.open(sys.argv[1]) as store:
                code = 0 if migrate.check(store.database) == () and store.verify().ok else 2
        finally:
            os._exit(code)
print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
"""


class Thawed:
    """A database as a revision left it."""

    def __init__(self, url: str, revision: str, held: dict[str, Any]) -> None:
        self.url = url
        self.revision = revision
        self.held = held
        self._opened: list[Database] = []

    def database(self) -> Database:
        """Open it as it is; it is closed with the test."""
        self._opened.append(Database.open(self.url))
        return self._opened[-1]

    def close(self) -> None:
        """Close what was opened."""
        for database in self._opened:
            database.close()

    def holds_its_log(self, store: EventStore) -> bool:
        """Say whether every event is where and what it was."""
        head = store.head()
        found = [
            [each.position, each.event_id, each.stream, each.version, each.event_type, each.schema_version, each.text]
            for each in store.read()
        ]
        same = (head.position, head.append_id, head.digest) == tuple(
            self.held[name] for name in ("position", "append_id", "digest")
        )
        return same and found == self.held["events"] and store.verify().ok


@pytest.fixture(params=FROZEN)
def thawed(request: pytest.FixtureRequest, bare_url: str, schemas: ModuleType) -> Iterator[Thawed]:
    """A database as each released revision left it, on each engine."""
    made = Thawed(bare_url, request.param, schemas.thaw(bare_url, request.param))
    yield made
    made.close()


@pytest.fixture
def fresh(thawed: Thawed, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A new install on the same engine."""
    place = request.getfixturevalue("postgres_url") if "postgres" in thawed.url else tmp_path / "fresh.db"
    with EventStore.open(place) as store:
        yield store.database


def test_every_revision_but_the_newest_is_kept_with_data() -> None:
    # The newest is frozen by tests/frozen/freeze.py when the next is begun; until then it may still change.
    assert set(migrate.revisions()[:-1]) <= set(FROZEN) <= set(migrate.revisions())


def test_opening_it_brings_it_to_the_newest_schema_with_its_log_as_it_was(
    thawed: Thawed, fresh: Database, schemas: ModuleType
) -> None:
    with EventStore.open(thawed.url) as store:
        assert migrate.current(store.database) == migrate.head()
        assert migrate.check(store.database) == ()
        assert schemas.catalogue(store.database) == schemas.catalogue(fresh)
        assert thawed.holds_its_log(store)


def test_its_log_goes_on_and_its_keys_are_known(thawed: Thawed) -> None:
    with EventStore.open(thawed.url) as store:
        keys = list(store.database.read_only_rows("SELECT key, position FROM record_keys ORDER BY position", {}).rows)
        assert keys
        for key, position in keys:
            (known,) = store.read(after=position - 1, limit=1)
            (again,) = store.append([NewEvent(known.payload, stream=known.stream, key=key)])
            assert (again.replayed, again.position, again.event_id) == (True, position, known.event_id)
        (new,) = store.append([NewEvent(known.payload, stream=known.stream, key="a new key")])
        assert (new.replayed, new.position) == (False, thawed.held["position"] + 1)
        assert store.verify().ok


def test_what_it_had_learned_is_what_is_learned_from_its_log_today(thawed: Thawed) -> None:
    def learned(memory: MemorySystem) -> dict[str, list[Any]]:
        names = [table.name for projection in PROJECTIONS for table in projection().tables]
        return {name: sorted(map(repr, memory.query_sql(f"SELECT * FROM {name}"))) for name in names}

    with MemorySystem(thawed.url) as memory:
        memory.consolidate()
        live = learned(memory)
        assert live["observations"]
        memory.rebuild()
        again = learned(memory)
        assert [name for name in live if again[name] != live[name]] == []


def _but_what_is_made_anew(contents: dict[str, Any]) -> dict[str, Any]:
    """Leave out the tables of knowledge, which revision 0005 empties both ways: the next catching up fills them."""
    kept = {table: rows for table, rows in contents.items() if table not in KNOWLEDGE}
    if "projections" in kept:
        kept["projections"] = [row for row in kept["projections"] if not row.startswith("('knowledge'")]
    return kept


def test_it_goes_up_and_down_again_with_its_log_in_place(thawed: Thawed, schemas: ModuleType) -> None:
    database = thawed.database()
    before = schemas.catalogue(database), _but_what_is_made_anew(schemas.contents(database))
    for _ in range(2):
        assert migrate.upgrade(database) == migrate.head()
        assert migrate.downgrade(database, thawed.revision) == thawed.revision
    assert (schemas.catalogue(database), _but_what_is_made_anew(schemas.contents(database))) == before
    assert thawed.holds_its_log(EventStore(database))
    migrate.upgrade(database)
    assert migrate.check(database) == ()
    assert thawed.holds_its_log(EventStore(database))


def test_an_upgrade_or_downgrade_that_fails_anywhere_leaves_it_as_it_was(thawed: Thawed, schemas: ModuleType) -> None:
    database = thawed.database()
    migrate.upgrade(database)
    low, high = thawed.revision, migrate.head()
    for direction, start, end in (("downgrade", high, low), ("upgrade", low, high)):
        before = schemas.catalogue(database), schemas.contents(database)
        statement = 0
        while fails_at(database, direction, end, statement):
            assert migrate.current(database) == start
            assert (schemas.catalogue(database), schemas.contents(database)) == before
            # Some of the many statements, the first ones and the last among them.
            statement += 1 + statement // 2
        assert statement > 1
        assert migrate.current(database) == end
    assert thawed.holds_its_log(EventStore(database))


def fails_at(database: Database, direction: str, revision: str, statement: int) -> bool:
    """Migrate, with one statement that fails; say whether there were so many."""
    left = [statement]

    def fail(connection: Any, cursor: Any, sql: str, *_: object) -> None:
        if sql.split()[0] in ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE"):
            if not left[0]:
                cursor.execute("a statement that no engine understands")
            left[0] -= 1

    event.listen(database.engine, "before_cursor_execute", fail)
    try:
        getattr(migrate, direction)(database, revision)
    except MigrationError as error:
        return "rolled back whole" in error.message
    finally:
        event.remove(database.engine, "before_cursor_execute", fail)
    return False


def test_processes_that_open_it_at_once_upgrade_it_once(bare_url: str, schemas: ModuleType) -> None:
    # From the oldest, which has the longest way to go.
    thawed = Thawed(bare_url, FROZEN[0], schemas.thaw(bare_url, FROZEN[0]))
    line = [sys.executable, "-c", UPGRADE_TOGETHER, thawed.url, str(PROCESSES)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == f"{[0] * PROCESSES}\n", done.stderr
    with EventStore.open(thawed.url) as store:
        assert thawed.holds_its_log(store)


def test_the_statements_alone_bring_it_to_the_same_schema(
    thawed: Thawed, fresh: Database, schemas: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PALIMPSEST_URL", thawed.url)
    written = io.StringIO()
    command.upgrade(Config(ROOT / "alembic.ini", output_buffer=written), f"{thawed.revision}:head", sql=True)
    schemas.run_script(thawed.url, written.getvalue())
    database = thawed.database()
    assert migrate.current(database) == migrate.head()
    assert migrate.check(database) == ()
    assert schemas.catalogue(database) == schemas.catalogue(fresh)
    assert thawed.holds_its_log(EventStore(database))


SCRIPT = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "abc", None
def upgrade(): op.create_table("bookmarks", sa.Column("page", sa.Integer()))
def downgrade(): op.drop_table("bookmarks")
"""
ENVIRONMENT = """
from alembic import context
from sqlalchemy import NullPool, create_engine
with create_engine(context.config.get_main_option("url"), poolclass=NullPool).begin() as connection:
    context.configure(connection=connection)
    context.run_migrations()
"""


def test_another_applications_alembic_and_ours_do_not_meet(thawed: Thawed, tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(ENVIRONMENT)
    (folder / "versions" / "abc_bookmarks.py").write_text(SCRIPT)
    theirs = Config()
    theirs.set_main_option("script_location", str(folder))
    theirs.set_main_option("path_separator", "os")
    theirs.set_main_option("url", thawed.url.replace("%", "%%"))
    command.upgrade(theirs, "head")
    database = thawed.database()
    migrate.upgrade(database)
    assert migrate.check(database) == ()
    migrate.downgrade(database, thawed.revision)
    with database.writing() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == ["abc"]
        connection.execute(text("INSERT INTO bookmarks VALUES (1)"))
    command.downgrade(theirs, "base")
    assert migrate.current(database) == thawed.revision
    migrate.upgrade(database)
    assert migrate.check(database) == ()
    assert thawed.holds_its_log(EventStore(database))
