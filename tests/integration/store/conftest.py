from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, text

from memory.events import NewEvent, build, model_stream
from memory.events.observations import Observation
from memory.store import EventStore


@pytest.fixture
def store(database_url: str) -> Iterator[EventStore]:
    """An open log without events, on each engine."""
    with EventStore.open(database_url) as opened:
        yield opened


@pytest.fixture
def note() -> Callable[..., NewEvent]:
    """Make an event that says one number."""

    def make(number: Any = 0, *, model: str | None = None, stream: str = "memory", **envelope: Any) -> NewEvent:
        payload = build(Observation, obs_type="discovery", category="c", data={"n": number})
        return NewEvent(payload, stream=stream if model is None else model_stream(model), **envelope)

    return make


@pytest.fixture
def behind_our_back() -> Callable[..., None]:
    """Run statements as somebody with every right would, the triggers switched off first."""

    def run(store: EventStore, *statements: str) -> None:
        sqlite = store.database.dialect == "sqlite"
        engine = create_engine(store.database.location.url, poolclass=NullPool)
        with engine.begin() as connection:
            for table in ("ledger", "appends", "record_keys"):
                if sqlite:
                    connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_refuses_update"))
                    connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_refuses_delete"))
                else:
                    connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
            for statement in statements:
                connection.exec_driver_sql(statement)

    return run
