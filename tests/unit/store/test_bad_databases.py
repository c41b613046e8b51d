"""What is not ours is refused with a remedy, and stays byte for byte as it was."""

from __future__ import annotations

import os
import socket
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from memory.errors import (
    DatabaseError,
    DatabaseUnavailable,
    ForeignDatabase,
    InvalidDatabaseUrl,
    NotADatabase,
    ReadOnlyDatabase,
    SchemaTooNew,
)
from memory.events import NewEvent, build
from memory.events.observations import Observation
from memory.store import EventStore


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def refuse(place: Any, kind: type[DatabaseError], words: str = "", **options: Any) -> None:
    with pytest.raises(kind, match=words or None) as caught:
        EventStore.open(place, **options)
    assert type(caught.value) is kind
    assert caught.value.remedy


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """One of our own, with an event, at rest."""
    path = tmp_path / "research.db"
    with EventStore.open(path) as store:
        store.append([NewEvent(build(Observation, obs_type="discovery", category="c"))])
    return path


def text_file(path: Path) -> None:
    path.write_text("# my notes\n" * 100)


def short_file(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0")


def nearly_sqlite(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + os.urandom(8000))


@pytest.mark.parametrize("make", [text_file, short_file, nearly_sqlite])
def test_a_file_that_is_no_database_is_refused_untouched(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "x.db")
    before = contents(tmp_path)
    refuse(tmp_path / "x.db", NotADatabase)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("wal", [False, True])
@pytest.mark.parametrize("table", ["bookmarks", "events", "alembic_version", "ledger"])
def test_a_foreign_sqlite_file_is_refused_untouched(tmp_path: Path, wal: bool, table: str) -> None:
    path = tmp_path / "places.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {'wal' if wal else 'delete'}")
        connection.execute(f"CREATE TABLE {table} (a)")
        connection.commit()
    before = contents(tmp_path)
    refuse(path, ForeignDatabase, table)
    assert contents(tmp_path) == before


def test_a_foreign_file_in_use_with_its_log_beside_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "places.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("CREATE TABLE bookmarks (a)")
        connection.commit()
        before = path.read_bytes(), (tmp_path / "places.sqlite-wal").read_bytes()
        refuse(path, ForeignDatabase, "bookmarks")
        assert (path.read_bytes(), (tmp_path / "places.sqlite-wal").read_bytes()) == before


def test_a_database_of_a_newer_schema_is_refused_untouched(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE palimpsest_version SET version_num = '9999'")
        connection.commit()
    before = contents(database.parent)
    refuse(database, SchemaTooNew, "9999")
    assert contents(database.parent) == before


def test_a_damaged_database_of_ours_is_not_taken_for_a_new_one(database: Path) -> None:
    data = database.read_bytes()
    database.write_bytes(data[:100] + b"\xff" * 4000 + data[4100:])
    before = database.read_bytes()
    with pytest.raises(Exception, match=r"not a SQLite database|damaged"):
        EventStore.open(database)
    assert database.read_bytes() == before


def test_an_empty_file_is_a_new_database(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    path.touch()
    refuse(path, DatabaseUnavailable, "empty", create=False)
    assert path.read_bytes() == b""
    with EventStore.open(path) as store:
        assert store.head().position == 0


def test_a_missing_directory_is_named_and_not_made(tmp_path: Path) -> None:
    refuse(tmp_path / "a" / "b.db", DatabaseUnavailable, "no directory")
    assert not (tmp_path / "a").exists()


def test_a_missing_file_is_not_made_when_that_was_not_asked(tmp_path: Path) -> None:
    refuse(tmp_path / "b.db", DatabaseUnavailable, "no such file", create=False)
    assert contents(tmp_path) == {}


def test_a_directory_a_pipe_and_a_path_through_a_file_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_text("")
    refuse(tmp_path, DatabaseUnavailable, "is a directory")
    refuse(tmp_path / "pipe", DatabaseUnavailable, "not a regular file")
    refuse(tmp_path / "file" / "x.db", DatabaseUnavailable)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Act as a user without special rights: root may write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user can look into."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def test_a_read_only_file_is_refused_untouched(open_folder: Path) -> None:
    path = open_folder / "research.db"
    with EventStore.open(path):
        pass
    path.chmod(0o444)
    before = contents(open_folder)
    with unprivileged():
        refuse(path, ReadOnlyDatabase)
    assert contents(open_folder) == before


def test_a_folder_that_may_not_be_written_to_is_refused(open_folder: Path) -> None:
    open_folder.chmod(0o555)
    with unprivileged():
        refuse(open_folder / "new.db", ReadOnlyDatabase)
    assert contents(open_folder) == {}


def test_a_file_that_may_not_be_read_is_refused(open_folder: Path) -> None:
    path = open_folder / "research.db"
    with EventStore.open(path):
        pass
    path.chmod(0o000)
    with unprivileged():
        refuse(path, DatabaseUnavailable, "Permission denied")


@pytest.mark.parametrize(
    "place",
    [
        "",
        "a\0b",
        "file:research.db",
        "mysql://localhost/x",
        "nonsense://x",
        "://",
        "sqlite://host/x",
        "sqlite:///x.db?mode=ro",
        "postgresql://localhost:notaport/x",
        "postgresql+psycopg2://localhost/x",
        7,
        None,
        b"research.db",
    ],
)
def test_what_names_no_database_is_refused(place: Any) -> None:
    refuse(place, InvalidDatabaseUrl)


def test_an_unknown_durability_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    refuse(tmp_path / "x.db", DatabaseError, "durability", durability="extreme")
    assert contents(tmp_path) == {}


def test_a_server_that_does_not_answer_is_said_so_without_the_password() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(DatabaseUnavailable, match="cannot be reached") as caught:
            EventStore.open(f"postgres://me:secret@127.0.0.1:{port}/lab")
    assert "secret" not in str(caught.value)
    assert "server" in caught.value.remedy


def test_a_server_database_that_does_not_exist_is_said_so(postgres_url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="does not exist"):
        EventStore.open(postgres_url.replace("/test_", "/absent_"))
