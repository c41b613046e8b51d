"""The PostgreSQL server killed with signal 9 in the middle, and started again: durability is the server's fsync."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest

from memory.errors import DatabaseUnavailable
from memory.events import NewEvent, build
from memory.events.observations import Observation
from memory.store import EventStore
from memory.store.log import Appended


@pytest.fixture
def own_server(postgres_module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A durable server of this test's own, whatever server the other tests use."""
    monkeypatch.delenv("TEST_POSTGRES_URL", raising=False)
    with postgres_module.running_server(fsync=True) as server:
        yield server


def test_nothing_acknowledged_is_lost_and_the_same_calls_made_again_double_nothing(own_server: Any) -> None:
    draw = random.Random(5)
    url = own_server.create(migrated=False)
    acknowledged: dict[str, Appended] = {}
    running = threading.Event()

    def insist(append: Callable[[], tuple[Appended, ...]]) -> Appended:
        """Make one call until it is acknowledged, as the remedy says."""
        while True:
            try:
                return append()[0]
            except DatabaseUnavailable:
                time.sleep(0.05)

    with EventStore.open(url) as store, ThreadPoolExecutor(4) as pool:

        def work(writer: int) -> None:
            number = 0
            while running.is_set():
                key = f"{writer}-{number}"
                event = NewEvent(build(Observation, obs_type="behavior", category=key), key=key)
                acknowledged[key] = insist(lambda event=event: store.append([event]))
                number += 1

        running.set()
        writers = [pool.submit(work, writer) for writer in range(4)]
        for _ in range(4):
            time.sleep(0.2 + draw.random() * 0.5)
            own_server.crash()
            own_server.start()
        running.clear()
        assert [writer.exception() for writer in writers] == [None] * 4
        stored = {event.payload.category: event for event in store.read()}
        assert store.head().position == len(stored) == len(acknowledged)
        assert {key: event.position for key, event in stored.items()} == {
            key: done.position for key, done in acknowledged.items()
        }
        assert store.verify().ok
