"""What a diagnosis says of a database: one way of being unwell after the other, on each engine."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from memory import MemorySystem
from memory.events import NewEvent
from memory.store import EventStore, diagnosis, migrate
from memory.store.diagnosis import diagnose
from memory.store.finding import Finding
from memory.store.revisions import head
from memory.store.seal import Seal, set_seal

Note = Callable[..., NewEvent]


def found(url: str | Path) -> dict[str, Finding]:
    """The findings by subject; the worst of each."""
    worst: dict[str, Finding] = {}
    for finding in diagnose(url):
        order = ("ok", "warning", "problem")
        if finding.subject not in worst or order.index(finding.level) > order.index(worst[finding.subject].level):
            worst[finding.subject] = finding
    return worst


OF_THE_MACHINE = {"disk", "file-system", "fsync", "rights"}
"""What is found of the machine the tests run on, and of their server: it has no fsync, and they are its superuser."""


def unwell(url: str | Path) -> dict[str, str]:
    """What is not ok, by subject, of what the tests decide."""
    worst = found(url).items()
    return {name: each.level for name, each in worst if each.level != "ok" and name not in OF_THE_MACHINE}


@pytest.fixture
def filled(store: EventStore, note: Note) -> EventStore:
    for number in range(3):
        store.append([note(number), note(number)])
    return store


@pytest.fixture
def filled_url(filled: EventStore) -> str:
    """A database with three appends of two events each, which nobody has open."""
    filled.close()
    return filled.database.location.url.render_as_string(hide_password=False)


@contextmanager
def owner(url: str) -> Iterator[Any]:
    """A connection to a server, by the one who owns the database."""
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(psycopg.connect(address, autocommit=True)) as connection:
        yield connection


def test_a_healthy_database_has_nothing_unwell(filled: EventStore) -> None:
    url = filled.database.location.url.render_as_string(hide_password=False)
    assert unwell(url) == {}
    assert "append 3, position 6" in found(url)["head"].message
    assert found(url)["schema"].message.startswith(f"revision {head()}")


def test_a_diagnosis_leaves_a_file_nobody_has_open_byte_for_byte_as_it_was(tmp_path: Path, note: Note) -> None:
    path = tmp_path / "research.db"
    with EventStore.open(path) as store:
        store.append([note(1)])
    before, changed = path.read_bytes(), path.stat().st_mtime_ns
    assert found(path)["head"].level == "ok"
    assert list(tmp_path.iterdir()) == [path]
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (before, changed)


def test_a_diagnosis_sees_what_only_the_write_ahead_log_of_another_process_has(tmp_path: Path, note: Note) -> None:
    with EventStore.open(tmp_path / "research.db") as store:
        store.append([note(1)])
        assert "position 1" in found(tmp_path / "research.db")["head"].message


def test_a_server_is_asked_in_a_transaction_that_only_reads(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def contents(location: object, connection: Any) -> Iterator[Finding]:
        asked.append(connection.exec_driver_sql("SHOW transaction_read_only").scalar_one())
        yield from ()

    monkeypatch.setattr(diagnosis, "_contents", contents)
    list(diagnose(postgres_url))
    assert asked == ["on"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "is a directory"),
        (lambda path: path.touch(), "empty file"),
        (lambda path: path.write_bytes(b"no database" * 20), "not a SQLite database"),
        (lambda path: sqlite3.connect(path).executescript("CREATE TABLE theirs (a)").close(), "something else"),
    ],
    ids=["absent", "folder", "empty", "other", "foreign"],
)
def test_a_file_that_cannot_be_opened_is_a_problem_that_says_why(
    tmp_path: Path, make: Callable[[Path], object], words: str
) -> None:
    make(tmp_path / "research.db")
    finding = found(tmp_path / "research.db")["opens"]
    assert finding.level == "problem"
    assert words in finding.message
    assert finding.remedy


def test_a_file_that_may_not_be_written_to_is_a_problem_and_is_looked_into_all_the_same(note: Note) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        path = Path(name) / "research.db"
        with EventStore.open(path) as store:
            store.append([note(1)])
        path.chmod(0o444)
        path.parent.chmod(0o555)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            findings = found(path)
        finally:
            if root:
                os.seteuid(0)
        path.parent.chmod(0o755)
    assert findings["opens"].level == "problem"
    assert "may not be written to" in findings["opens"].message
    assert findings["head"].level == "ok"


@pytest.mark.parametrize("url", ["mysql://host/db", "postgresql://nobody@127.0.0.1:1/research"])
def test_a_url_that_leads_nowhere_is_a_problem(url: str) -> None:
    assert unwell(url) == {"opens": "problem"}


def test_a_schema_of_a_newer_version_is_a_problem(filled_url: str) -> None:
    if filled_url.startswith("sqlite"):
        with closing(sqlite3.connect(make_url(filled_url).database or "")) as connection:
            connection.execute("UPDATE palimpsest_version SET version_num = '9999'")
            connection.commit()
    else:
        with owner(filled_url) as connection:
            connection.execute("UPDATE palimpsest_version SET version_num = '9999'")
    finding = found(filled_url)["opens"]
    assert finding.level == "problem"
    assert "9999" in finding.message


def test_an_older_schema_is_worth_a_warning(filled: EventStore) -> None:
    migrate.downgrade(filled.database, "0001")
    url = filled.database.location.url.render_as_string(hide_password=False)
    filled.close()
    assert unwell(url) == {"schema": "warning"}


def test_a_database_without_a_schema_is_worth_a_warning(postgres_server: Any) -> None:
    url = postgres_server.create(migrated=False)
    assert unwell(url) == {"schema": "warning"}
    postgres_server.drop(url)


def test_a_changed_table_is_a_problem(filled: EventStore) -> None:
    with filled.database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE streams ADD COLUMN colour TEXT")
    url = filled.database.location.url.render_as_string(hide_password=False)
    assert found(url)["schema"].level == "problem"
    assert "colour" in found(url)["schema"].message


def test_a_missing_trigger_is_a_problem(filled: EventStore, behind_our_back: Callable[..., None]) -> None:
    behind_our_back(filled)
    url = filled.database.location.url.render_as_string(hide_password=False)
    assert unwell(url) == {"triggers": "problem"}


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM ledger WHERE position = 6",
        "DELETE FROM ledger WHERE position = 5",
        "DELETE FROM ledger WHERE position > 4",
        "UPDATE ledger SET position = 7 WHERE position = 6",
        "DELETE FROM appends WHERE append_id = 3",
        "DELETE FROM appends WHERE append_id = 2",
        "DELETE FROM appends",
    ],
)
def test_a_head_that_does_not_fit_the_events_is_a_problem(
    filled: EventStore, behind_our_back: Callable[..., None], statement: str
) -> None:
    behind_our_back(filled, statement)
    url = filled.database.location.url.render_as_string(hide_password=False)
    assert found(url)["head"].level == "problem"
    assert "verify" in found(url)["head"].remedy


def test_a_log_without_events_is_consistent(store: EventStore) -> None:
    url = store.database.location.url.render_as_string(hide_password=False)
    assert found(url)["head"].level == "ok"


def test_a_sealed_log_says_where_it_goes_on_and_its_successor_is_well(filled_url: str, tmp_path: Path) -> None:
    with MemorySystem(filled_url) as memory:
        memory.rollover(tmp_path / "next.db")
    assert unwell(filled_url) == {"log": "warning"}
    assert "next.db" in found(filled_url)["log"].message
    assert unwell(tmp_path / "next.db") == {}
    assert found(tmp_path / "next.db")["head"].level == "ok"


def test_a_log_that_a_rollover_left_unfinished_is_a_problem(store: EventStore) -> None:
    with store.database.writing("ledger") as connection:
        set_seal(connection, Seal("unfinished", "old.db", 0, 0, ""))
    finding = found(store.database.location.url.render_as_string(hide_password=False))["log"]
    assert finding.level == "problem"
    assert "old.db" in finding.message


@pytest.mark.parametrize(
    ("position", "stopped_at", "level", "words"),
    [
        (6, None, "ok", "up to date"),
        (4, None, "ok", "2 events behind"),
        (2, 3, "problem", "it stopped before position 3: not foldable"),
        (9, None, "problem", "a log that ends at 6"),
    ],
)
def test_a_projection_is_told_with_its_lag_and_with_why_it_stopped(
    filled: EventStore, position: int, stopped_at: int | None, level: str, words: str
) -> None:
    failure = None if stopped_at is None else "not foldable"
    with filled.database.writing("projections") as connection:
        row = f"('metrics', 1, {position}, {stopped_at or 'NULL'}, {repr(failure) if failure else 'NULL'})"
        connection.exec_driver_sql(
            f"INSERT INTO projections (name, version, position, stopped_at, failure) VALUES {row}"
        )
    finding = found(filled.database.location.url.render_as_string(hide_password=False))["projection metrics"]
    assert finding.level == level
    assert words in finding.message
    assert ("palimpsest rebuild metrics" in finding.remedy) == (level == "problem")


def test_a_projection_far_behind_is_worth_a_warning(filled: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "FAR_BEHIND", 3)
    with filled.database.writing("projections") as connection:
        connection.exec_driver_sql("INSERT INTO projections (name, version, position) VALUES ('metrics', 1, 2)")
    url = filled.database.location.url.render_as_string(hide_password=False)
    assert found(url)["projection metrics"].level == "warning"


def test_what_a_crash_left_beside_a_file_is_told(tmp_path: Path, note: Note) -> None:
    path = tmp_path / "research.db"
    with EventStore.open(path) as store:
        store.append([note(1)])
    for left, words in (
        ("research.db-journal", "rolled back"),
        ("research.db.jsonl.tmp", "delete it"),
        (".exported-0a1b2c3d.partial", "delete it"),
    ):
        (tmp_path / left).write_bytes(b"\0" * 600)
        finding = found(path)["leftovers"]
        assert (finding.level, left in finding.message) == ("warning", True)
        assert words in finding.remedy
        (tmp_path / left).unlink()


def test_a_file_not_yet_in_wal_mode_is_worth_a_warning(tmp_path: Path, note: Note) -> None:
    path = tmp_path / "research.db"
    with EventStore.open(path) as store:
        store.append([note(1)])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    assert unwell(path) == {"journal": "warning"}


@pytest.mark.parametrize(
    ("setting", "subject"),
    [("synchronous_commit = off", "synchronous_commit"), ("default_transaction_isolation = serializable", "isolation")],
)
def test_a_servers_setting_that_we_override_is_worth_a_warning(postgres_url: str, setting: str, subject: str) -> None:
    with owner(postgres_url) as connection:
        connection.execute(f"ALTER DATABASE {make_url(postgres_url).database} SET {setting}")
    assert unwell(postgres_url)[subject] == "warning"


def test_a_server_that_does_not_ask_for_fsync_is_a_problem(postgres_url: str) -> None:
    with owner(postgres_url) as connection:
        fsync = connection.execute("SHOW fsync").fetchone()[0]
    finding = found(postgres_url)["fsync"]
    assert finding.level == ("ok" if fsync == "on" else "problem")
    assert ("power loss" in finding.message) == (fsync == "off")


@pytest.mark.parametrize(
    ("grants", "level", "words"),
    [
        ("GRANT SELECT, INSERT ON ledger, appends, record_keys TO {role}", "ok", "owns nothing"),
        ("GRANT SELECT ON ledger, appends, record_keys TO {role}", "ok", "not append"),
        ("GRANT SELECT, INSERT, UPDATE, DELETE ON ledger, appends, record_keys TO {role}", "warning", "DELETE, UPDATE"),
        ("ALTER TABLE ledger OWNER TO {role}", "problem", "may not read"),
        ("GRANT SELECT ON appends, record_keys TO {role}; ALTER TABLE ledger OWNER TO {role}", "warning", "owns"),
        ("", "problem", "may not read"),
    ],
    ids=["append", "read", "change", "half", "owner", "nothing"],
)
def test_a_roles_rights_are_told(postgres_url: str, grants: str, level: str, words: str) -> None:
    role = "role_" + str(make_url(postgres_url).database)
    with owner(postgres_url) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        connection.execute(f"REVOKE ALL ON ledger, appends, record_keys FROM {role}; {grants.format(role=role)}")
    try:
        finding = found(make_url(postgres_url).set(username=role).render_as_string(hide_password=False))["rights"]
        assert finding.level == level
        assert words in finding.message
    finally:
        with owner(postgres_url) as connection:
            connection.execute(f"REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}; DROP ROLE {role}")
