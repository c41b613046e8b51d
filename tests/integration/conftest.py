"""What integration tests share: the one history that questions in SQL are asked of, told to both engines."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from memory.store import EventStore

if TYPE_CHECKING:
    from tests.postgres import PostgresServer


@pytest.fixture(scope="session")
def question_stores(
    question_history: ModuleType, tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer
) -> Iterator[dict[str, EventStore]]:
    """The history, told to both engines, by the engine's name; only to be read."""
    url = postgres_server.create()
    path = tmp_path_factory.mktemp("questions") / "research.db"
    with EventStore.open(path) as first, EventStore.open(url) as second:
        question_history.record(first)
        question_history.record(second)
        yield {"sqlite": first, "postgresql": second}
    postgres_server.drop(url)
