"""Catching up: exactly once, in any number of steps, whoever else is at it, and clearly where it cannot go on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any, ClassVar

import pytest
from sqlalchemy import Connection, select, update

from memory.errors import DatabaseBusy, ProjectionError
from memory.events.envelope import StoredEvent
from memory.events.observations import Observation
from memory.events.registry import _PAYLOAD_TYPES, Payload, register
from memory.projections.base import Contents, Projection, RowProjection
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
def noted(history: Any) -> Any:
    """Append so many observations."""

    def note(store: EventStore, count: int) -> None:
        history.events.clear()
        for number in range(count):
            history.note(f"note {number}")
        store.append(history.events)

    return note


class Failing(ObservationsProjection):
    """Stops at one position."""

    at: ClassVar[int] = 0

    def fold(self, event: StoredEvent, contents: Contents) -> None:
        if event.position == self.at:
            raise ZeroDivisionError("no such thing")
        super().fold(event, contents)


def stands(store: EventStore) -> dict[str, int]:
    with store.database.reading() as connection:
        return {row.name: row.position for row in connection.execute(select(projections))}


def test_catching_up_moves_every_projection_to_the_head(store: EventStore, noted: Any) -> None:
    noted(store, CHUNK + 10)
    runner = ProjectionRunner(store, PROJECTIONS)
    assert runner.catch_up() == CHUNK + 10
    assert set(stands(store).values()) == {CHUNK + 10}
    assert len(stands(store)) == len(PROJECTIONS)


def test_catching_up_twice_changes_nothing(store: EventStore, noted: Any, histories: ModuleType) -> None:
    noted(store, 5)
    runner = ProjectionRunner(store, PROJECTIONS)
    runner.catch_up()
    before = histories.everything(store), histories.rows(store, projections)
    assert runner.catch_up() == 5
    assert ProjectionRunner(store, PROJECTIONS).catch_up() == 5
    assert (histories.everything(store), histories.rows(store, projections)) == before


def test_an_empty_log_is_caught_up_with(store: EventStore) -> None:
    assert ProjectionRunner(store, PROJECTIONS).catch_up() == 0


def test_one_projection_is_rebuilt_while_the_others_stay(store: EventStore, noted: Any, histories: ModuleType) -> None:
    noted(store, 3)
    runner = ProjectionRunner(store, PROJECTIONS)
    runner.catch_up()
    before = histories.rows(store, observations)
    with store.database.writing("projections") as connection:
        connection.execute(update(observations).values(description="spoilt"))
    assert runner.rebuild("observations") == 3
    assert histories.rows(store, observations) == before
    with pytest.raises(ProjectionError, match="no projection named 'nothing'"):
        runner.rebuild("nothing")


def test_an_event_type_nobody_knows_is_passed_over(
    store: EventStore, noted: Any, history: Any, histories: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    class FromTheFuture(Payload):
        event_type: ClassVar[str] = "from_the_future"

    register(FromTheFuture)
    try:
        history.add(FromTheFuture(), None)
        store.append(history.events)
    finally:
        del _PAYLOAD_TYPES["from_the_future"]
    noted(store, 2)
    with caplog.at_level(logging.WARNING):
        assert ProjectionRunner(store, PROJECTIONS).catch_up() == 3
    assert "position 1 is kept and passed over" in caplog.text
    assert "'from_the_future'" in caplog.text
    assert len(histories.rows(store, observations)) == 2


def test_a_newer_version_of_a_known_event_type_is_passed_over_too(
    store: EventStore, noted: Any, histories: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Observation, "schema_version", 2)
    noted(store, 1)
    monkeypatch.undo()
    noted(store, 2)
    assert ProjectionRunner(store, PROJECTIONS).catch_up() == 3
    assert [row["position"] for row in histories.rows(store, observations)] == [2, 3]


def test_a_projection_that_fails_stops_before_the_event_and_says_which(
    store: EventStore, noted: Any, histories: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted(store, 2)
    runner = ProjectionRunner(store, [Failing, SharingProjection])
    runner.catch_up()
    noted(store, 5)
    monkeypatch.setattr(Failing, "at", 6)
    for again in (runner, runner, ProjectionRunner(store, [Failing, SharingProjection])):
        with pytest.raises(
            ProjectionError, match=r"'observations' stopped at position 6 \(observation\): .*no such thing"
        ) as raised:
            again.catch_up()
        assert (raised.value.projection, raised.value.position) == ("observations", 6)
        assert len(histories.rows(store, observations)) == 5
        assert stands(store) == {"observations": 5, "sharing": 7}
        (row,) = (row for row in histories.rows(store, projections) if row["name"] == "observations")
        assert row["stopped_at"] == 6
        assert row["failure"] == raised.value.message
    monkeypatch.setattr(Failing, "at", 0)
    assert runner.catch_up() == 7
    assert [row["position"] for row in histories.rows(store, observations)] == [1, 2, 3, 4, 5, 6, 7]
    assert {(row["stopped_at"], row["failure"]) for row in histories.rows(store, projections)} == {(None, None)}


def test_whoever_does_not_need_the_tables_of_a_stopped_projection_is_not_held_up(
    store: EventStore, noted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted(store, 3)
    monkeypatch.setattr(Failing, "at", 1)
    runner = ProjectionRunner(store, [Failing, SharingProjection])
    assert runner.catch_up({"sharing"}) == 3
    with pytest.raises(ProjectionError, match="stopped at position 1"):
        runner.catch_up({"sharing", "observations"})


def test_of_a_projection_that_cannot_write_an_event_only_itself_stops(
    store: EventStore, noted: Any, histories: ModuleType
) -> None:
    noted(store, 20)
    runner = ProjectionRunner(store, PROJECTIONS)

    def broken(self: Projection, connection: Connection) -> None:
        held = [row for rows in self._rows._rows.values() for row in rows]  # type: ignore[attr-defined]
        if any(row["position"] == 13 for row in held):
            connection.execute(update(observations).values(no_such_column=1))
        RowProjection.flush(self, connection)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ObservationsProjection, "flush", broken)
        with pytest.raises(ProjectionError, match="'observations' stopped at position 13"):
            runner.catch_up()
    assert stands(store) == {factory().name: 20 for factory in PROJECTIONS} | {"observations": 12}
    assert [row["position"] for row in histories.rows(store, observations)] == list(range(1, 13))
    assert runner.catch_up() == 20
    assert [row["position"] for row in histories.rows(store, observations)] == list(range(1, 21))


def test_a_database_that_is_busy_stops_no_projection(
    store: EventStore, noted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted(store, 3)
    runner = ProjectionRunner(store, PROJECTIONS)
    runner.catch_up()
    noted(store, 3)
    monkeypatch.setattr(store.database, "busy_timeout", 0.1)
    release, taken = threading.Event(), threading.Event()

    def hold() -> None:
        with store.database.writing("projections"):
            taken.set()
            release.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    taken.wait(30)
    try:
        with pytest.raises(DatabaseBusy):
            runner.catch_up()
    finally:
        release.set()
        holder.join()
    assert set(stands(store).values()) == {3}
    assert runner.catch_up() == 6


def test_two_runners_fold_every_event_once(store: EventStore, noted: Any, histories: ModuleType) -> None:
    first, second = (ProjectionRunner(store, PROJECTIONS) for _ in range(2))
    for runner in (first, second, second, first):
        noted(store, 3)
        runner.catch_up()
    assert [row["position"] for row in histories.rows(store, observations)] == list(range(1, 13))


class Racing(ObservationsProjection):
    """Lets somebody else go first, once, between folding and writing."""

    other: ClassVar[list[ProjectionRunner]] = []

    def fold(self, event: StoredEvent, contents: Contents) -> None:
        super().fold(event, contents)
        if self.other:
            self.other.pop().catch_up()


def test_who_is_overtaken_takes_up_the_other_ones_state(store: EventStore, noted: Any, histories: ModuleType) -> None:
    noted(store, 4)
    Racing.other = [ProjectionRunner(store, [ObservationsProjection])]
    runner = ProjectionRunner(store, [Racing])
    runner._load()
    assert runner.catch_up() == 4
    assert not Racing.other
    assert [row["position"] for row in histories.rows(store, observations)] == [1, 2, 3, 4]


def test_another_version_of_a_fold_is_rebuilt(store: EventStore, noted: Any, histories: ModuleType) -> None:
    class Later(ObservationsProjection):
        version = 99

        def fold(self, event: StoredEvent, contents: Contents) -> None:
            if event.position > 1:
                super().fold(event, contents)

    old = ProjectionRunner(store, [ObservationsProjection])
    noted(store, 3)
    old.catch_up()
    assert ProjectionRunner(store, [Later]).catch_up() == 3
    assert [row["position"] for row in histories.rows(store, observations)] == [2, 3]
    (row,) = histories.rows(store, projections)
    assert row["version"] == 99
    # A process that still runs the other version does not write on into tables it did not fold.
    old.catch_up()
    assert [row["position"] for row in histories.rows(store, observations)] == [1, 2, 3]


def test_starting_a_projection_that_another_process_has_started_keeps_its_rows(
    store: EventStore, noted: Any, histories: ModuleType
) -> None:
    noted(store, 2)
    late = ProjectionRunner(store, [ObservationsProjection])
    ProjectionRunner(store, [ObservationsProjection]).catch_up()
    running = late._start(ObservationsProjection)
    assert running.position == 2
    assert len(histories.rows(store, observations)) == 2
