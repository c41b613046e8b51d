"""kill -9 at random moments: what was acknowledged is there, nothing is half-written, and nothing needs repair."""

from __future__ import annotations

import random
from itertools import groupby
from pathlib import Path
from typing import Any

from memory import MemorySystem
from memory.query.weight_blobs import now_pointed_at, sweep
from memory.store import EventStore, migrate
from memory.store.engine import Database
from memory.weights.blobs import BlobStore


def test_killed_while_appending_nothing_acknowledged_is_lost(zygote: Any, database_url: str, rounds: int) -> None:
    draw = random.Random(1)
    acknowledged = 0
    for _ in range(rounds):
        acks = zygote.live_and_die("append", database_url, draw)
        acknowledged += len(acks)
        with EventStore.open(database_url) as store:
            stored = {event.position: event for event in store.read(after=acks[0][0] - 1)}
            for position, identity, number in acks:
                assert stored[position].event_id == identity
                assert stored[position].payload.data == {"n": number}
            # One more may have been committed whose acknowledgement did not arrive; never more.
            assert len(stored) - len(acks) in (0, 1)
    with EventStore.open(database_url) as store:
        assert store.verify().ok
        assert store.head().position >= acknowledged


def test_killed_while_recording_batches_each_is_whole_or_absent(zygote: Any, database_url: str, rounds: int) -> None:
    draw = random.Random(2)
    for _ in range(rounds):
        acks = zygote.live_and_die("batch", database_url, draw)
        with EventStore.open(database_url) as store:
            events = [event.payload.data for event in store.read()]
            for _, batch in groupby(events, key=lambda data: data["n"]):
                found = list(batch)
                assert len(found) == found[0]["of"]
            assert {number for *_, number in acks} <= {data["n"] for data in events}
            assert store.verify().ok


def test_killed_while_projecting_the_tables_go_on_from_where_they_were(
    zygote: Any, database_url: str, rounds: int
) -> None:
    draw = random.Random(3)
    for _ in range(rounds):
        zygote.live_and_die("project", database_url, draw)
    with MemorySystem(database_url) as memory:
        memory.consolidate()
        live = tables(memory)
        memory.rebuild()
        assert tables(memory) == live
        assert live["modifications"]
        assert memory.verify().ok


def test_killed_while_migrating_the_schema_is_there_whole_or_not_at_all(
    zygote: Any, bare_url: str, rounds: int
) -> None:
    draw = random.Random(4)
    for _ in range(rounds):
        zygote.live_and_die("migrate", bare_url, draw, longest=0.4)
        database = Database.open(bare_url)
        assert migrate.current(database) in (None, migrate.head())
        database.close()
    with EventStore.open(bare_url) as store:
        assert migrate.check(store.database) == ()
        assert store.verify().ok


def tables(memory: MemorySystem) -> dict[str, list[dict[str, Any]]]:
    """The rows of every read model, in order."""
    names = ("storages", "modifications", "affected_layers", "metrics", "patterns", "beliefs", "architectural_facts")
    return {name: sorted((dict(row) for row in memory.query_sql(f"SELECT * FROM {name}")), key=repr) for name in names}


def test_killed_while_putting_blobs_each_acknowledged_one_is_there_and_none_is_half_written(
    zygote: Any, tmp_path: Path, rounds: int
) -> None:
    draw = random.Random(5)
    blobs = BlobStore(tmp_path / "research.db.blobs")
    acknowledged: set[str] = set()
    for _ in range(rounds):
        acknowledged |= set(zygote.live_and_die("blob", str(blobs.folder), draw))
        there = set(blobs.digests())
        assert acknowledged <= there
        for digest in there:
            blobs.get(digest)
    assert len(acknowledged) > rounds
    assert set(blobs.sweep(lambda: acknowledged, grace=0)[0]) == there - acknowledged
    assert {path.name for path in blobs.folder.glob("*/*")} == acknowledged


def test_killed_between_a_blob_and_its_event_nothing_is_missing_and_what_is_left_over_is_swept(
    zygote: Any, tmp_path: Path, rounds: int
) -> None:
    draw = random.Random(6)
    url, blobs = str(tmp_path / "research.db"), tmp_path / "research.db.blobs"
    acknowledged: set[str] = set()
    swept = 0
    for _ in range(rounds):
        for _, digests in zygote.live_and_die("keep", url, draw, longest=0.1):
            acknowledged |= set(digests)
        with MemorySystem(url) as memory:
            assert memory.verify().problems == ()
            store, catch_up = memory.store, memory._runner.catch_up
            swept += len(sweep(memory._keeper, store.database, catch_up, grace=0).blobs)
            pointed_at = now_pointed_at(store.database, catch_up).blobs
            assert acknowledged <= pointed_at
            assert memory._keeper.digests() == pointed_at
            assert {path.name for path in blobs.glob("??/*")} <= pointed_at
            assert memory.verify().blobs == len(pointed_at)
    assert len(acknowledged) > rounds
    assert swept
