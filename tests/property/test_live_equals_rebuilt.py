"""Whenever somebody looked, and however events came in: the same rows and the same state as folding all at once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from memory.events.amendments import CORRECTABLE, RETRACTABLE, Amendment
from memory.projections.catalogue import PROJECTIONS
from memory.projections.knowledge import KnowledgeProjection, snapshots
from memory.projections.runner import ProjectionRunner
from memory.projections.tables import projections
from memory.store import EventStore

if TYPE_CHECKING:
    from tests.postgres import PostgresServer

KINDS = {"effect", "impact", "comodification", "sequence", "threshold", "trend", "metric_pair", "cochange"}
REASONS = {"alias", "overlap", "derived", "derived_metric", "repeated_observation", "undeclared_alias", "unknown_name"}
seeds = st.integers(0, 2**32 - 1)
cuts = st.sets(st.floats(0.0, 1.0), max_size=12)


@pytest.fixture(autouse=True, scope="module")
def _near_snapshots() -> Iterator[None]:
    """Take snapshots often: histories of a few hundred acts have many then, and learning anew starts from them."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(snapshots, "EVERY", 64)
        yield


RELAXED = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    # A history is one number: there is nothing to shrink.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


def everything(histories: ModuleType, store: EventStore) -> dict[str, Any]:
    return {**histories.everything(store), "projections": histories.rows(store, projections)}


def live_and_rebuilt(histories: ModuleType, store: EventStore, seed: int, acts: int, at: set[float]) -> dict[str, Any]:
    """Record a history in batches and look after some of them; check that a rebuild gives the same."""
    events = histories.Wander(seed, acts).tell().events
    borders = [0, *sorted(int(share * len(events)) for share in at), len(events)]
    draw = random.Random(seed)
    runner = ProjectionRunner(store, PROJECTIONS)
    for start, end in pairwise(borders):
        store.append(events[start:end])
        if draw.random() < 0.5:
            runner = ProjectionRunner(store, PROJECTIONS)
        if draw.random() < 0.7:
            runner.catch_up()
    runner.catch_up()
    live = everything(histories, store)
    ProjectionRunner(store, PROJECTIONS).rebuild()
    assert everything(histories, store) == live
    return live


@settings(RELAXED, max_examples=8)
@given(seed=seeds, at=cuts)
@example(seed=200000, at={0.9870294379075042})  # looked at between a settlement of pairs and the next reading
def test_a_rebuild_gives_what_looking_on_the_way_gave(histories: ModuleType, seed: int, at: set[float]) -> None:
    with EventStore.open(":memory:") as store:
        live_and_rebuilt(histories, store, seed, 300, at)


@settings(RELAXED, max_examples=4)
@given(seed=seeds, at=cuts)
def test_a_rebuild_on_postgresql_gives_what_looking_on_the_way_gave_on_either_engine(
    histories: ModuleType, postgres_server: PostgresServer, seed: int, at: set[float]
) -> None:
    url = postgres_server.create()
    with EventStore.open(url) as store:
        on_postgresql = live_and_rebuilt(histories, store, seed, 300, at)
    postgres_server.drop(url)
    with EventStore.open(":memory:") as store:
        assert live_and_rebuilt(histories, store, seed, 300, {0.3}) == on_postgresql


def test_the_histories_hold_what_they_are_to_prove_something_about(histories: ModuleType) -> None:
    found: dict[str, list[Any]] = {}
    amended: set[tuple[str, str]] = set()
    turned: set[tuple[str, Any, str]] = set()
    for seed in (1, 13, 14):
        told = histories.Wander(seed, 400).tell().stored()
        amended |= {(each.event_type, each.target_type) for _, each in told if isinstance(each, Amendment)}
        turned |= turned_by_amendments(histories, told)
        with EventStore.open(":memory:") as store:
            for table, rows in live_and_rebuilt(histories, store, seed, 400, {0.2, 0.4, 0.6, 0.8}).items():
                found.setdefault(table, []).extend(rows)
    assert {"active", "weakened", "retracted"} <= {row["status"] for row in found["patterns"]}
    assert {"causal_law", "architectural_fact"} <= {row["belief_type"] for row in found["beliefs"]}
    assert {row["kind"] for row in found["patterns"]} >= {"effect", "impact", "comodification"}
    assert {row["kind"] for row in found["families"]} == KINDS
    assert {row["grade"] for row in found["families"]} == {"randomised", "adjusted", "observational"}
    assert {row["model"] for row in found["patterns"]} == {"m", "n"}
    assert {"supports", "contradicts"} <= {row["role"] for row in found["evidence"]}
    assert {row["reason"] for row in found["architectural_facts"]} == REASONS
    assert len(found["inference_snapshots"]) > 10
    assert {"retracted", "active"} <= {row["status"] for row in found["beliefs"]}
    assert {row["post_retraction"] for row in found["patterns"]} == {True, False}
    assert {"active", "superseded", "obsolete"} <= {row["status"] for row in found["observations"]}
    for table in ("metrics", "layer_statistics", "modifications"):
        assert any(row["retracted_position"] for row in found[table])
    assert {("correction", each) for each in CORRECTABLE} <= amended
    # What is stated and taken back has tests of its own (`test_stated_amendments.py`).
    recorded = (*CORRECTABLE, "modification", "coupled_modification")
    assert {("retraction", each) for each in RETRACTABLE if each in recorded} <= amended
    # Amendments took claims and beliefs down, and brought them back.
    assert {("patterns", "active", "retracted"), ("patterns", "retracted", "active")} <= turned
    assert ("beliefs", "retracted", "active") in turned


def turned_by_amendments(histories: ModuleType, told: Any) -> set[tuple[str, Any, str]]:
    """Give, by table, which status became which other one at an amendment."""
    projection, log = KnowledgeProjection(), histories.Log(told)
    turned = set()
    for event, payload in told:
        if isinstance(payload, projection.folds):
            before = projection.learning.claims.rows() if isinstance(payload, Amendment) else {}
            projection.fold(event, log)
            after = projection.learning.claims.rows() if isinstance(payload, Amendment) else {}
            for key, row in after.items():
                status = before[key]["status"] if key in before else None
                if status != row["status"]:
                    turned.add((key[0], status, row["status"]))
    return turned


@settings(RELAXED, max_examples=4)
@given(seed=seeds)
def test_the_state_through_json_after_every_event_changes_no_bit(histories: ModuleType, seed: int) -> None:
    events = histories.Wander(seed, 60).tell().stored()
    for factory in PROJECTIONS:
        if factory is KnowledgeProjection:
            continue
        whole, pieces = histories.fold(factory(), events), factory()
        for each in events:
            histories.fold(pieces, [each], events)
            resumed = factory()
            resumed.load(pieces.state())
            pieces = resumed
        assert pieces.state() == whole.state()


@settings(RELAXED, max_examples=4)
@given(seed=seeds, at=st.sets(st.integers(0, 700), max_size=60))
def test_knowledge_taken_up_from_its_parts_anywhere_changes_no_bit(
    histories: ModuleType, seed: int, at: set[int]
) -> None:
    events = histories.Wander(seed, 160).tell().stored()
    whole, pieces = KnowledgeProjection(), KnowledgeProjection()
    log = histories.Log(events)
    for event, payload in events:
        if isinstance(payload, KnowledgeProjection.folds):
            whole.fold(event, log)
            pieces.fold(event, log)
        if event.position in at:
            kept = pieces.parts()
            assert kept == whole.parts()
            pieces = taken_up(pieces)
            assert pieces.parts() == kept
    assert pieces.parts() == whole.parts()


@settings(RELAXED, max_examples=2)
@given(seed=seeds)
def test_knowledge_taken_up_from_its_parts_after_every_event_changes_no_bit(histories: ModuleType, seed: int) -> None:
    events = histories.Wander(seed, 60).tell().stored()
    whole, pieces = histories.fold(KnowledgeProjection(), events), KnowledgeProjection()
    for each in events:
        histories.fold(pieces, [each], events)
        pieces = taken_up(pieces)
    assert pieces.parts() == whole.parts()


def taken_up(projection: KnowledgeProjection) -> KnowledgeProjection:
    """Give another that goes on from a projection's parts; a database gives them in no order that means anything."""
    resumed = KnowledgeProjection()
    resumed.load_parts(dict(sorted(projection.parts().items(), reverse=True)))
    resumed._snapshots = projection._snapshots
    return resumed
