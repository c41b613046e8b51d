"""A PostgreSQL server restarted in the middle of everything, in good order and by kill -9, over and over."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest

from introspection import SharingMap
from memory import MemorySystem
from memory.errors import DatabaseUnavailable

SHARING = SharingMap.from_relations(names=["a", "b", "c"], same=[["a", "b"]])
RESTARTS = ("stop", "crash", "stop")


@pytest.fixture
def own_server(postgres_module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A durable server of this test's own, whatever server the other tests use."""
    monkeypatch.delenv("TEST_POSTGRES_URL", raising=False)
    with postgres_module.running_server(fsync=True) as server:
        yield server


def test_recording_consolidating_and_following_go_on_after_every_restart(own_server: Any) -> None:
    draw = random.Random(6)
    running = threading.Event()
    running.set()
    refused: list[str] = []

    def insist(call: Callable[[], Any]) -> Any:
        """Make one call until it succeeds, as the remedy says."""
        while True:
            try:
                return call()
            except DatabaseUnavailable as error:
                refused.append(error.remedy)
                time.sleep(0.02)

    with MemorySystem(own_server.create(migrated=False)) as memory, ThreadPoolExecutor(5) as pool:
        memory.attach(SHARING, name="m")

        def record(writer: int) -> dict[str, int]:
            recorded: dict[str, int] = {}
            while running.is_set():
                key = f"{writer}-{len(recorded)}"
                name = "abc"[len(recorded) % 3]
                done = insist(lambda key=key, name=name: memory.record_modification(name, {"key": key}, key=key))
                recorded[key] = done.position
            return recorded

        def consolidate() -> None:
            while running.is_set():
                insist(memory.consolidate)

        seen: list[int] = []
        following = memory.store.subscribe()
        pool.submit(lambda: seen.extend(event.position for event in following))
        writers = [pool.submit(record, writer) for writer in range(3)]
        consolidating = pool.submit(consolidate)
        for how in RESTARTS:
            time.sleep(0.2 + draw.random() * 0.3)
            getattr(own_server, how)()
            time.sleep(0.1)
            own_server.start()
        time.sleep(0.2)
        running.clear()
        recorded = {key: position for writer in writers for key, position in writer.result(timeout=60).items()}
        consolidating.result(timeout=60)

        head = memory.store.head().position
        deadline = time.monotonic() + 20
        while (not seen or seen[-1] < head) and time.monotonic() < deadline:
            time.sleep(0.01)
        following.close()
        assert seen == list(range(1, head + 1))
        assert refused
        assert all(refused)
        stored = {event.payload.modification["key"]: event.position for event in memory.store.read(after=1)}
        assert stored == recorded
        memory.consolidate()
        live = memory.query_sql("SELECT * FROM modifications ORDER BY position")
        assert len(live) == len(recorded)
        memory.rebuild()
        assert memory.query_sql("SELECT * FROM modifications ORDER BY position") == live
        assert memory.verify().ok
