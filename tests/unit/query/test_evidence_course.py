"""How evidence grew is told exactly as the fold had it."""

from __future__ import annotations

from types import ModuleType

import pytest

from memory.events.envelope import NewEvent
from memory.projections.catalogue import PROJECTIONS
from memory.projections.runner import ProjectionRunner
from memory.query.evidence_course import evidence_course
from memory.query.knowledge import known_patterns
from memory.store import EventStore


@pytest.fixture(scope="module")
def record(histories: ModuleType) -> tuple[EventStore, ProjectionRunner, int]:
    """A log from which something was learned, folded."""
    told = histories.History()
    told.attach(histories.sharing(["a", "b"]))
    for number in range(90):
        sign = 1.0 if number % 3 else -1.0
        told.experiment(f"act {number}", "a", sign, {"loss": 1.0}, {"loss": 1.0 + 2.0 * sign + 0.01 * (number % 7)})
    store = EventStore.open(":memory:")
    store.append(told.events)
    runner = ProjectionRunner(store, PROJECTIONS)
    return store, runner, runner.catch_up()


def claimed(store: EventStore) -> dict[str, float]:
    rows = known_patterns(store.database, kind="effect", status="active", model=None)
    return {row.pattern_id: row.log_e_value for row in rows}


def test_it_ends_with_the_evidence_that_there_is(record: tuple[EventStore, ProjectionRunner, int]) -> None:
    store, runner, until = record
    patterns = claimed(store)
    points = list(evidence_course(store, runner, list(patterns), until, points=30))
    last = {point.pattern_id: point for point in points if point.position == until}

    assert patterns
    assert {identity: point.log_e_value for identity, point in last.items()} == patterns
    assert all(point.log_bar is not None and point.log_e_value > point.log_bar for point in last.values())
    assert all(point.prospective is not None and point.prospective > 3.0 for point in last.values())


def test_it_begins_before_the_claim_and_has_as_many_points_as_asked(
    record: tuple[EventStore, ProjectionRunner, int],
) -> None:
    store, runner, until = record
    identity = next(iter(claimed(store)))
    points = list(evidence_course(store, runner, [identity], until, points=30))

    assert len(points) <= 30
    assert [point.position for point in points] == sorted({point.position for point in points})
    assert points[0].prospective is None
    assert points[0].log_e_value < (points[0].log_bar or 0.0)


def test_the_course_of_a_long_log_is_that_of_its_snapshots(
    record: tuple[EventStore, ProjectionRunner, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    told, _, until = record
    monkeypatch.setattr("memory.projections.knowledge.snapshots.EVERY", 64)
    with EventStore.open(":memory:") as store:
        store.append([NewEvent(event.payload, stream=event.stream, act_id=event.act_id) for event in told.read()])
        runner = ProjectionRunner(store, PROJECTIONS)
        runner.catch_up()
        patterns = list(claimed(store))
        folded = {
            (point.pattern_id, point.position): point
            for point in evidence_course(store, runner, patterns, until, points=until)
        }
        seen = list(evidence_course(store, runner, patterns, until, folded=10))

    assert {point.position for point in seen} == {63, 127, 191, 255, until}
    assert all(folded[point.pattern_id, point.position] == point for point in seen)


def test_what_is_no_claim_any_more_has_no_course(record: tuple[EventStore, ProjectionRunner, int]) -> None:
    store, runner, until = record

    assert list(evidence_course(store, runner, ["pattern-0000000000000000"], until)) == []
