"""Rebuilding beside the tables: writers and readers go on, the switch is one moment, and nothing is left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, ClassVar

import pytest
from sqlalchemy import Connection, create_engine, func, select, text, update

from memory.errors import ProjectionError
from memory.events.envelope import StoredEvent
from memory.projections.base import Contents
from memory.projections.catalogue import PROJECTIONS
from memory.projections.observations import ObservationsProjection
from memory.projections.runner import CHUNK, ProjectionRunner
from memory.projections.sharing import SharingProjection
from memory.projections.tables import observations, projections
from memory.store import EventStore


@pytest.fixture
def store(database_url: str) -> Iterator[EventStore]:
    with EventStore.open(database_url) as opened:
        yield opened


@pytest.fixture
def noted(histories: ModuleType) -> Callable[[EventStore, int], None]:
    """Append so many observations."""

    def note(store: EventStore, count: int) -> None:
        history = histories.History()
        for number in range(count):
            history.note(f"note {number}")
        store.append(history.events)

    return note


class Watched(ObservationsProjection):
    """Calls somebody at one position; its rows can be told from those of others."""

    at: ClassVar[int] = 0
    call: ClassVar[list[Callable[[], None]]] = []

    def fold(self, event: StoredEvent, contents: Contents) -> None:
        if event.position == self.at and self.call:
            self.call.pop()()
        super().fold(event, contents)


def descriptions(store: EventStore) -> list[str]:
    with store.database.reading() as connection:
        return list(connection.execute(select(observations.c.description).order_by(observations.c.position)).scalars())


def spoil(store: EventStore) -> None:
    with store.database.writing("projections") as connection:
        connection.execute(update(observations).values(description="spoilt"))


def test_meanwhile_readers_see_the_old_rows_and_writers_append(
    store: EventStore, noted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted(store, CHUNK + 5)
    runner = ProjectionRunner(store, [Watched])
    runner.catch_up()
    spoil(store)
    seen: list[set[str]] = []

    def in_the_middle() -> None:
        seen.append(set(descriptions(store)))
        noted(store, 3)

    monkeypatch.setattr(Watched, "at", 500)
    monkeypatch.setattr(Watched, "call", [in_the_middle])
    assert runner.rebuild() == CHUNK + 8
    assert seen == [{"spoilt"}]
    assert descriptions(store) == [f"note {number}" for number in (*range(CHUNK + 5), *range(3))]


def test_what_another_process_folds_meanwhile_is_not_folded_twice(
    store: EventStore, noted: Any, histories: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted(store, CHUNK + 5)
    runner = ProjectionRunner(store, [Watched])
    other = ProjectionRunner(store, [Watched])
    other.catch_up()

    def in_the_middle() -> None:
        noted(store, 3)
        other.catch_up()

    monkeypatch.setattr(Watched, "at", 500)
    monkeypatch.setattr(Watched, "call", [in_the_middle])
    assert runner.rebuild() == CHUNK + 8
    noted(store, 2)
    assert other.catch_up() == runner.catch_up() == CHUNK + 10
    assert [row["position"] for row in histories.rows(store, observations)] == list(range(1, CHUNK + 11))


def test_writers_that_never_stop_neither_lose_nor_hold_up_anything(
    store: EventStore, noted: Any, histories: ModuleType
) -> None:
    noted(store, 2 * CHUNK)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            noted(store, 7)

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(3):
            ProjectionRunner(store, PROJECTIONS).rebuild()
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    last = ProjectionRunner(store, PROJECTIONS).catch_up()
    assert last == store.head().position > 2 * CHUNK
    assert [row["position"] for row in histories.rows(store, observations)] == list(range(1, last + 1))


def test_one_that_breaks_keeps_its_tables_and_the_others_are_rebuilt(
    store: EventStore, noted: Any, histories: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted(store, 10)
    runner = ProjectionRunner(store, [Watched, SharingProjection])
    runner.catch_up()
    spoil(store)

    def broken() -> None:
        raise ZeroDivisionError("no such thing")

    monkeypatch.setattr(Watched, "at", 7)
    monkeypatch.setattr(Watched, "call", [broken])
    with store.database.writing("projections") as connection:
        connection.execute(update(projections).where(projections.c.name == "sharing").values(state="spoilt"))
    with pytest.raises(ProjectionError, match="'observations' stopped at position 7") as raised:
        runner.rebuild()
    assert raised.value.position == 7
    assert set(descriptions(store)) == {"spoilt"}
    assert "spoilt" not in {row["state"] for row in histories.rows(store, projections)}
    assert runner.rebuild() == 10
    assert descriptions(store) == [f"note {number}" for number in range(10)]


def test_a_stopped_projection_goes_on_once_it_is_rebuilt(
    store: EventStore, noted: Any, histories: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Mended(ObservationsProjection):
        broken: ClassVar[bool] = True

        def fold(self, event: StoredEvent, contents: Contents) -> None:
            if self.broken and event.position == 2:
                raise ZeroDivisionError
            super().fold(event, contents)

    noted(store, 4)
    runner = ProjectionRunner(store, [Mended])
    with pytest.raises(ProjectionError):
        runner.catch_up()
    Mended.broken = False
    assert runner.rebuild() == 4
    (row,) = histories.rows(store, projections)
    assert (row["position"], row["stopped_at"], row["failure"]) == (4, None, None)


def test_a_new_version_that_breaks_stops_where_it_breaks(store: EventStore, noted: Any, histories: ModuleType) -> None:
    class Later(ObservationsProjection):
        version = 99

        def fold(self, event: StoredEvent, contents: Contents) -> None:
            if event.position == 3:
                raise ZeroDivisionError
            super().fold(event, contents)

    noted(store, 4)
    ProjectionRunner(store, [ObservationsProjection]).catch_up()
    with pytest.raises(ProjectionError, match="stopped at position 3"):
        ProjectionRunner(store, [Later]).catch_up()
    (row,) = histories.rows(store, projections)
    assert (row["version"], row["position"], row["stopped_at"]) == (99, 2, 3)
    assert len(descriptions(store)) == 2


def test_a_new_version_that_cannot_write_stops_alone_and_holds_up_no_other(
    store: EventStore, noted: Any, histories: ModuleType
) -> None:
    class Later(ObservationsProjection):
        version = 99

        def flush(self, connection: Connection) -> None:
            if any(row["position"] >= 3 for rows in self._rows._rows.values() for row in rows):
                connection.execute(update(observations).values(no_such_column=1))
            super().flush(connection)

    noted(store, 4)
    ProjectionRunner(store, [ObservationsProjection]).catch_up()
    runner = ProjectionRunner(store, [Later, SharingProjection])
    assert runner.catch_up({"sharing"}) == 4
    with pytest.raises(ProjectionError, match="stopped at position 3"):
        runner.catch_up()
    stands = {row["name"]: row["position"] for row in histories.rows(store, projections)}
    assert stands == {"observations": 2, "sharing": 4}
    spoil(store)
    with pytest.raises(ProjectionError, match="could not write what the events up to position 4 give"):
        runner.rebuild()
    assert set(descriptions(store)) == {"spoilt"}


@pytest.mark.parametrize("place", [":memory:", "file"])
def test_nothing_temporary_stays_on_a_sqlite_database(place: str, sqlite_url: str, noted: Any) -> None:
    with EventStore.open(sqlite_url if place == "file" else place) as store:
        noted(store, 3)
        ProjectionRunner(store, PROJECTIONS).rebuild()
        with store.database.reading() as connection:
            assert connection.execute(text("SELECT count(*) FROM sqlite_temp_master")).scalar_one() == 0
        spoil(store)
        assert descriptions(store) == ["spoilt"] * 3


def test_a_search_path_that_names_temporary_tables_last_changes_nothing(postgres_url: str, noted: Any) -> None:
    engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET search_path = public, pg_temp')
    engine.dispose()
    with EventStore.open(postgres_url) as store:
        noted(store, CHUNK + 3)
        runner = ProjectionRunner(store, PROJECTIONS)
        runner.catch_up()
        spoil(store)
        assert runner.rebuild() == CHUNK + 3
        assert descriptions(store)[:2] == ["note 0", "note 1"]
        with store.database.reading() as connection:
            assert connection.execute(select(func.count()).select_from(observations)).scalar_one() == CHUNK + 3
            temporary = "SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relname = 'observations'"
            # A server's process takes its temporary tables away while it ends, after it let its client go.
            deadline = time.monotonic() + 20
            while (left := connection.execute(text(temporary)).scalar_one()) and time.monotonic() < deadline:
                time.sleep(0.05)
            assert left == 0
