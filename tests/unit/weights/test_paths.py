"""The cheapest way to a state: deltas both ways, sources by what they cost, and one answer whatever the order."""

from __future__ import annotations

import random
import time
from itertools import pairwise

import pytest

from memory.weights.costs import Costs
from memory.weights.paths import DeltaEdge, Kind, Path, Source, Step, cheapest_path

RAW = 1_000_000


def delta(before: str, after: str, *, size: int = 100, changed: int = 1_000, blob: str | None = None) -> DeltaEdge:
    return DeltaEdge(before=before, after=after, blob=blob or f"{before}{after}", size=size, changed_bytes=changed)


def source(state: str, kind: Kind = "keyframe", *, size: int = RAW, reference: str | None = None) -> Source:
    return Source(fingerprint=state, kind=kind, reference=reference or f"{kind}-{state}", size=size)


def chain(states: str) -> list[DeltaEdge]:
    return [delta(before, after) for before, after in pairwise(states)]


def path(target: str, sources: list[Source], edges: list[DeltaEdge], *, costs: Costs | None = None) -> Path:
    found = cheapest_path(target, sources, edges, raw_bytes=RAW, costs=costs or Costs())
    assert found is not None
    return found


def test_a_state_that_a_source_gives_needs_no_steps() -> None:
    found = path("a", [source("a", "checkpoint")], [])
    assert found.source.kind == "checkpoint"
    assert found.steps == ()


def test_deltas_after_a_source_are_applied_in_order() -> None:
    found = path("c", [source("a")], chain("abc"))
    assert found.steps == (Step("ab", backward=False), Step("bc", backward=False))


def test_deltas_before_a_source_are_undone_the_last_first() -> None:
    found = path("a", [source("c", "live")], chain("abc"))
    assert found.steps == (Step("bc", backward=True), Step("ab", backward=True))


def test_another_branch_is_reached_back_over_the_fork() -> None:
    edges = [*chain("abc"), delta("b", "x")]
    found = path("x", [source("c", "live")], edges)
    assert found.steps == (Step("bc", backward=True), Step("bx", backward=False))


def test_a_state_that_was_come_back_to_is_not_gone_around_for() -> None:
    edges = [*chain("abcd"), delta("d", "b")]
    found = path("a", [source("d", "live")], edges)
    assert found.steps == (Step("db", backward=False), Step("ab", backward=True))


def test_a_state_that_nothing_leads_to_has_no_path() -> None:
    assert cheapest_path("z", [source("a")], chain("abc"), raw_bytes=RAW) is None


def test_a_state_with_deltas_but_no_source_has_no_path() -> None:
    assert cheapest_path("a", [], chain("abc"), raw_bytes=RAW) is None


def test_a_near_keyframe_is_better_than_far_live_bytes() -> None:
    states = "abcdefghij"
    found = path("b", [source("a"), source("j", "live")], chain(states))
    assert found.source.kind == "keyframe"


def test_near_live_bytes_are_better_than_a_far_keyframe() -> None:
    found = path("i", [source("a"), source("j", "live")], chain("abcdefghij"))
    assert found.source.kind == "live"


def test_one_dense_delta_gives_way_to_several_small_ones() -> None:
    edges = [delta("a", "c", changed=RAW), *chain("abc")]
    costs = Costs(step=10.0)
    assert path("c", [source("a")], edges, costs=costs).steps == (
        Step("ab", backward=False),
        Step("bc", backward=False),
    )


def test_a_keyframe_that_has_to_be_unpacked_gives_way_to_plain_bytes() -> None:
    found = path("a", [source("a", size=RAW * 7 // 10), source("a", "checkpoint")], [])
    assert found.source.kind == "checkpoint"


def test_the_cost_is_that_of_the_source_and_its_deltas() -> None:
    costs = Costs(read=1, digest=1, opening=7, step=10, decode=2)
    found = path("b", [source("a")], [delta("a", "b", size=100, changed=1_000)], costs=costs)
    assert found.cost == (7 + RAW) + (10 + 2 * 100 + 2 * 1_000)


def test_of_two_blobs_between_the_same_states_the_cheaper_is_taken() -> None:
    edges = [delta("a", "b", size=900, blob="large"), delta("a", "b", size=90, blob="small")]
    assert path("b", [source("a")], edges).steps == (Step("small", backward=False),)


def test_a_delta_that_leads_nowhere_is_not_taken() -> None:
    assert path("b", [source("a")], [delta("b", "b"), *chain("ab")]).steps == (Step("ab", backward=False),)


def test_of_equal_costs_the_fewer_steps_are_taken() -> None:
    edges = [delta("a", "b", changed=500), delta("b", "c", changed=500), delta("a", "c", changed=1_000)]
    costs = Costs(read=0, digest=0, step=0)
    assert path("c", [source("a")], edges, costs=costs).steps == (Step("ac", backward=False),)


def test_of_equal_sources_live_bytes_come_first() -> None:
    costs = Costs(opening=0)
    same = [source("a", "checkpoint"), source("a"), source("a", "live")]
    assert path("a", same, [], costs=costs).source.kind == "live"


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_what_is_given_changes_nothing(seed: int) -> None:
    edges = [delta(before, after) for before in "abcdef" for after in "ghijkl"]
    edges += [delta(before, after, blob=f"other-{before}{after}") for before in "abc" for after in "ghi"]
    sources = [source(state, reference=reference) for state in "abcdef" for reference in ("one", "two")]
    shuffled_edges, shuffled_sources = edges.copy(), sources.copy()
    order = random.Random(seed)
    order.shuffle(shuffled_edges)
    order.shuffle(shuffled_sources)
    assert path("g", shuffled_sources, shuffled_edges) == path("g", sources, edges)
    assert path("a", [source("l")], shuffled_edges) == path("a", [source("l")], edges)


def test_a_hundred_thousand_deltas_are_planned_in_well_under_a_second() -> None:
    states = [f"{number:064x}" for number in range(100_001)]
    edges = [delta(before, after, blob=after) for before, after in pairwise(states)]
    started = time.process_time()
    found = path(states[-1], [source(states[0])], edges)
    assert time.process_time() - started < 2.0  # 0.4 s on an idle machine
    assert len(found.steps) == 100_000
