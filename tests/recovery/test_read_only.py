"""A database that may not be written to any more: a clear error, what is there can be read, and a retry succeeds."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from memory import MemorySystem
from memory.errors import DatabaseError, ReadOnlyDatabase
from memory.events import NewEvent, build
from memory.events.observations import Observation
from memory.store import EventStore


def note(number: int) -> NewEvent:
    return NewEvent(build(Observation, obs_type="behavior", category="c", data=number), key=f"k{number}")


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
    """A folder of everybody's."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def test_a_file_turned_read_only_after_it_was_opened_is_said_so_and_loses_nothing(open_folder: Path) -> None:
    def turn(mode: int) -> None:
        for file in open_folder.iterdir():
            file.chmod(mode)

    with EventStore.open(open_folder / "research.db") as store:
        store.append([note(1)])
        turn(0o444)
        # Whoever has it open may go on writing; what has to be opened now may not.
        with store.database.reading(), unprivileged():
            with pytest.raises(ReadOnlyDatabase, match="may not be written to") as caught:
                store.append([note(2)])
            assert "write permission" in caught.value.remedy
        assert [event.position for event in store.read()] == [1]
        turn(0o666)
        with unprivileged():
            # Several, so that every connection there is gets its turn.
            assert [store.append([note(number)])[0].position for number in (2, 2, 3, 4)] == [2, 2, 3, 4]
        assert store.verify().ok


def test_a_file_system_mounted_read_only_is_refused_and_works_once_it_is_not(disks: ModuleType) -> None:
    def remount(how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", str(disk.folder)], check=True)

    with disks.small_disk("8m") as disk:
        path = disk.folder / "research.db"
        with MemorySystem(path) as memory:
            memory.record_observation("behavior", "c", key="k")
        before = path.read_bytes()
        remount("ro")
        for place in (path, disk.folder / "new.db"):
            with pytest.raises(ReadOnlyDatabase, match="may not be written to"):
                MemorySystem(place)
        assert path.read_bytes() == before
        remount("rw")
        with MemorySystem(path) as memory:
            assert memory.record_observation("behavior", "c", key="k").replayed
            assert memory.verify().ok


def test_a_server_turned_read_only_is_said_so_and_works_once_it_is_not(postgres_server: Any, postgres_url: str) -> None:
    name = make_url(postgres_url).database

    def turn(setting: str) -> None:
        # As after a fail-over: the old connections are gone, and the new ones may only read.
        with closing(psycopg.connect(postgres_server.admin_url, autocommit=True)) as connection:
            connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {setting}")
            connection.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    with MemorySystem(postgres_url) as memory:
        memory.record_observation("behavior", "c", key="k1")
        turn("on")
        with pytest.raises(ReadOnlyDatabase, match="may not be written to") as caught:
            memory.record_observation("behavior", "c", key="k2")
        assert "primary server" in caught.value.remedy
        with pytest.raises(ReadOnlyDatabase):
            memory.consolidate()
        assert [event.position for event in memory.store.read()] == [1]
        with pytest.raises(ReadOnlyDatabase):
            MemorySystem(postgres_url)
        turn("off")
        done = [memory.record_observation("behavior", "c", key=key) for key in ("k1", "k2", "k2")]
        assert [each.position for each in done] == [1, 2, 2]
        assert memory.verify().ok


def test_a_role_without_a_right_is_told_what_it_lacks_and_who_has_it(postgres_server: Any, postgres_url: str) -> None:
    role = f"reader_{os.getpid()}"
    with closing(psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True)) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN")
        connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    try:
        url = make_url(postgres_url).set(username=role).render_as_string(hide_password=False)
        with EventStore.open(url) as store:
            with pytest.raises(DatabaseError, match="permission denied for table") as caught:
                store.append([note(1)])
            assert "grant it to this role" in caught.value.remedy
            assert list(store.read()) == []
    finally:
        with closing(psycopg.connect(postgres_url, autocommit=True)) as connection:
            connection.execute(f"DROP OWNED BY {role}")
            connection.execute(f"DROP ROLE {role}")
