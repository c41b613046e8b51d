"""The cheapest path against Bellman and Ford: on every small graph it costs the same, and it leads where it says."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from memory.weights.costs import Costs
from memory.weights.paths import DeltaEdge, Kind, Path, Source, cheapest_path

RAW = 40
STATES = "abcdefg"
COSTS = Costs(copy=1, read=2, digest=1, unpack=3, decode=4, step=5, opening=6)
"""Whole numbers: sums of them are exact, so costs can be compared for equality."""

KINDS: list[Kind] = ["live", "keyframe", "checkpoint"]
STATE = st.sampled_from(STATES)
SIZE = st.integers(0, RAW)
EDGES = st.lists(st.builds(DeltaEdge, STATE, STATE, st.sampled_from(["p", "q", "r"]), SIZE, SIZE), max_size=14)
SOURCES = st.lists(st.builds(Source, STATE, st.sampled_from(KINDS), st.sampled_from(["x", "y"]), SIZE), max_size=4)


def source_cost(source: Source) -> float:
    if source.kind == "live":
        return source.size
    if source.kind == "checkpoint":
        return 6 + 2 * source.size
    return 6 + 2 * source.size + (3 * source.size + RAW if source.size < RAW else 0)


def edge_cost(edge: DeltaEdge) -> float:
    return 5 + 3 * edge.size + 4 * edge.changed_bytes


def bellman_ford(target: str, sources: list[Source], edges: list[DeltaEdge]) -> float:
    cost = dict.fromkeys(STATES, math.inf)
    for source in sources:
        cost[source.fingerprint] = min(cost[source.fingerprint], source_cost(source))
    for _ in STATES:
        for edge in edges:
            for begin, end in ((edge.before, edge.after), (edge.after, edge.before)):
                cost[end] = min(cost[end], cost[begin] + edge_cost(edge))
    return cost[target]


def least_cost_of_walking(path: Path, target: str, edges: list[DeltaEdge]) -> float:
    """What the steps cost if they lead from the source to the target, infinite if they do not."""
    at = {path.source.fingerprint: source_cost(path.source)}
    for step in path.steps:
        following: dict[str, float] = {}
        for edge in edges:
            begin, end = (edge.after, edge.before) if step.backward else (edge.before, edge.after)
            if edge.blob == step.blob and begin in at:
                following[end] = min(following.get(end, math.inf), at[begin] + edge_cost(edge))
        at = following
    return at.get(target, math.inf)


@settings(max_examples=50, deadline=None)
@given(STATE, SOURCES, EDGES)
def test_a_path_costs_what_the_oracle_says_and_is_none_if_there_is_none(
    target: str, sources: list[Source], edges: list[DeltaEdge]
) -> None:
    path = cheapest_path(target, sources, edges, raw_bytes=RAW, costs=COSTS)
    assert (math.inf if path is None else path.cost) == bellman_ford(target, sources, edges)


@settings(max_examples=50, deadline=None)
@given(STATE, SOURCES, EDGES)
def test_the_steps_lead_from_the_source_to_the_state_at_that_cost(
    target: str, sources: list[Source], edges: list[DeltaEdge]
) -> None:
    path = cheapest_path(target, sources, edges, raw_bytes=RAW, costs=COSTS)
    if path is not None:
        assert path.source in sources
        assert least_cost_of_walking(path, target, edges) == path.cost


@settings(max_examples=50, deadline=None)
@given(STATE, SOURCES, EDGES)
def test_the_order_of_what_is_given_changes_nothing(target: str, sources: list[Source], edges: list[DeltaEdge]) -> None:
    path = cheapest_path(target, sources, edges, raw_bytes=RAW, costs=COSTS)
    again = cheapest_path(target, sources[::-1], edges[::-1], raw_bytes=RAW, costs=COSTS)
    assert again == path
