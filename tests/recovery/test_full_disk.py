"""A disk that is really full: a clear error, nothing lost or half-written, and a retry that succeeds."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from introspection import SharingMap
from memory import MemorySystem
from memory.errors import DatabaseFull, DatabaseUnavailable
from memory.events import NewEvent, build
from memory.events.kept_bytes import Keyframe
from memory.events.observations import Observation
from memory.events.weights import BlobsPruned
from memory.store import EventStore, migrate
from memory.store.engine import Database
from memory.weights.keeping import INLINE_LIMIT


@dataclass
class Place:
    """A database that does not exist yet, on a disk that can be filled."""

    url: str
    disk: Any
    room: int
    """Bytes that are enough to begin, and not for a hundred records."""


@pytest.fixture(scope="module")
def own_server(postgres_module: ModuleType) -> Iterator[Any]:
    """A server of our own: files of its databases are put where it is told."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TEST_POSTGRES_URL", raising=False)
        with postgres_module.running_server() as server:
            yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, disks: ModuleType) -> Iterator[Place]:
    """A place of each kind."""
    if request.param == "sqlite":
        with disks.small_disk("16m") as disk:
            yield Place(f"sqlite:///{disk.folder / 'research.db'}", disk, 100_000)
        return
    server = request.getfixturevalue("own_server")
    with disks.small_disk("40m") as disk:
        url = server.create(migrated=False)
        with closing(psycopg.connect(server.admin_url, autocommit=True)) as connection:
            name = f"small_{Path(disk.folder).name.replace('-', '_')}"
            connection.execute(f"CREATE TABLESPACE {name} LOCATION '{disk.folder}'")
            connection.execute(f"ALTER DATABASE {make_url(url).database} SET TABLESPACE {name}")
        yield Place(url, disk, 100_000)
        server.drop(url)
        with closing(psycopg.connect(server.admin_url, autocommit=True)) as connection:
            connection.execute(f"DROP TABLESPACE {name}")


DRAW = random.Random(8)


def bulk() -> str:
    """3 KB that no compression makes smaller."""
    return DRAW.randbytes(1500).hex()


def refused(call: Callable[[], object]) -> DatabaseFull:
    with pytest.raises(DatabaseFull) as caught:
        call()
    assert caught.value.code == "database-full"
    assert "free some space" in caught.value.remedy
    return caught.value


def test_records_go_on_where_they_stopped_once_there_is_room(place: Place) -> None:
    with MemorySystem(place.url) as memory:
        contents = [bulk() for _ in range(400)]

        def record(number: int) -> int:
            data = {"n": number, "bulk": contents[number]}
            return memory.record_observation("behavior", "c", data=data, key=f"k{number}").position

        record(0)
        place.disk.fill(leave=place.room)
        acknowledged = [1]
        with pytest.raises(DatabaseFull) as caught:
            acknowledged.extend(record(number) for number in range(1, 400))
        assert "free some space" in caught.value.remedy
        number = len(acknowledged)
        # What was acknowledged can be read and proved while the disk is full.
        assert [event.position for event in memory.store.read()] == acknowledged
        assert memory.store.verify().ok
        place.disk.free()
        assert record(number) == number + 1
        assert record(number) == number + 1
        assert record(number - 1) == number
        stored = [event.payload.data["n"] for event in memory.store.read()]
        assert stored == list(range(number + 1))
        assert memory.verify().ok


def test_a_batch_and_a_consolidation_without_room_are_whole_or_absent(place: Place) -> None:
    contents = [bulk() for _ in range(300)]

    def batch(memory: MemorySystem) -> None:
        with memory.batch():
            for number, each in enumerate(contents):
                memory.record_observation("behavior", "c", data={"bulk": each}, key=f"k{number}")

    with MemorySystem(place.url) as memory:
        memory.record_observation("behavior", "first")
        place.disk.fill(leave=place.room)
        refused(lambda: batch(memory))
        assert memory.store.head().position == 1
        place.disk.free()
        batch(memory)
        place.disk.fill()
        refused(memory.consolidate)
        place.disk.free()
        memory.consolidate()
        assert memory.query_sql("SELECT count(*) AS n FROM observations") == [{"n": 301}]
        live = memory.query_sql("SELECT * FROM observations ORDER BY position")
        memory.rebuild()
        assert memory.query_sql("SELECT * FROM observations ORDER BY position") == live
        assert memory.verify().ok


def test_threads_that_shared_a_commit_without_room_are_all_told_and_all_succeed_later(place: Place) -> None:
    contents = [bulk() * 8 for _ in range(60)]

    with EventStore.open(place.url) as store, ThreadPoolExecutor(6) as pool:

        def append(number: int) -> int | None:
            event = NewEvent(
                build(Observation, obs_type="behavior", category="c", data=contents[number]), key=f"{number}"
            )
            try:
                return store.append([event])[0].position
            except DatabaseFull:
                return None

        place.disk.fill(leave=place.room)
        first = list(pool.map(append, range(60)))
        assert None in first
        place.disk.free()
        second = list(pool.map(append, range(60)))
        assert sorted(position for position in second if position is not None) == list(range(1, 61))
        assert all(before in (None, after) for before, after in zip(first, second, strict=True))
        assert store.verify().ok


def test_a_schema_without_room_is_absent_and_made_later(place: Place) -> None:
    # A PostgreSQL server itself needs some to let anybody in.
    place.disk.fill(leave=16_384 if place.url.startswith("sqlite") else 400_000)
    refused(lambda: EventStore.open(place.url))
    place.disk.free()
    database = Database.open(place.url)
    assert migrate.current(database) is None
    database.close()
    with EventStore.open(place.url) as store:
        assert migrate.check(store.database) == ()


def test_a_file_at_its_own_limit_is_full_too(sqlite_url: str) -> None:
    # Needs no right to mount anything: SQLite itself says that there is no more room.
    with EventStore.open(sqlite_url) as store:

        def limit(pages: int) -> None:
            with store.database.reading() as connection:
                connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

        def append(number: int) -> int:
            event = NewEvent(build(Observation, obs_type="behavior", category="c", data=bulk()), key=f"{number}")
            return store.append([event])[0].position

        limit(1)
        acknowledged: list[int] = []
        with pytest.raises(DatabaseFull, match="no room is left"):
            acknowledged.extend(append(number) for number in range(1000))
        assert [event.position for event in store.read()] == acknowledged
        limit(2**30)
        assert append(len(acknowledged)) == len(acknowledged) + 1
        assert store.verify().ok


def test_a_server_that_stops_because_its_own_log_has_no_room_loses_nothing(
    postgres_module: ModuleType, disks: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEST_POSTGRES_URL", raising=False)
    with (
        disks.small_disk("40m") as disk,
        postgres_module.running_server(wal=disk.folder / "wal") as server,
        EventStore.open(server.create(migrated=False)) as store,
    ):

        def append(number: int) -> int:
            text = random.Random(number).randbytes(40_000).hex()
            event = NewEvent(build(Observation, obs_type="behavior", category="c", data=text), key=f"{number}")
            return store.append([event])[0].position

        acknowledged = [append(0)]
        disk.fill()
        with pytest.raises(DatabaseUnavailable) as caught:
            acknowledged.extend(append(number) for number in range(1, 1000))
        assert caught.value.remedy
        disk.free()
        # The server is in the middle of starting itself again, where it does not listen to being asked to end.
        server.crash()
        server.start()
        number = len(acknowledged)
        assert [append(number), append(number), append(number - 1)] == [number + 1, number + 1, number]
        assert [event.position for event in store.read()] == list(range(1, number + 2))
        assert store.verify().ok


@pytest.mark.parametrize("size", [100, INLINE_LIMIT + 1, 2**20])
def test_blobs_without_room_leave_nothing_and_what_went_wrong_can_be_recorded(disks: ModuleType, size: int) -> None:
    with disks.small_disk("16m") as disk, MemorySystem(disk.folder / "research.db") as memory:
        memory.attach(SharingMap.from_relations(names=["a"]), name="m")
        keeper = memory._keeper
        kept: set[str] = set()

        def keep() -> None:
            with keeper.pointing():
                digest, pending = keeper.put(DRAW.randbytes(size))
                frame = Keyframe(storage_key="a", fingerprint=digest, blob=digest, size=size)
                payload = BlobsPruned(model="m", keyframes=(frame,), reason="a test")
                memory.store.append([NewEvent(payload, stream="model-m")], blobs=pending)
            kept.add(digest)

        keep()
        disk.fill()
        refused(keep)
        # The disk is full but for what was kept for this moment.
        recorded = memory.record_observation("behavior", "note", "an edit was given up: the disk is full")
        assert memory.store.head().position == recorded.position
        assert keeper.digests() == kept
        assert not list(disk.folder.rglob("*.partial"))
        disk.free()
        assert memory.verify().problems == ()
        keep()
        disk.fill(leave=3 * 2**20 + size)
        refused(lambda: [keep() for _ in range(700)])
        memory.record_observation("behavior", "note", "and again")
        assert keeper.digests() == kept
        disk.free()
        assert memory.verify().blobs == len(kept)
