"""A number read off the very bytes that were written is no effect of the write on anything."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from introspection.sharing import SharingMap
from memory import MemorySystem

TIED = ["lm_head.weight", "model.embed_tokens.weight"]


@pytest.fixture
def memory() -> Iterator[MemorySystem]:
    sharing = SharingMap.from_relations(
        names=[*TIED, "a.weight", "a.gram", "whole", "part"],
        same=[TIED],
        partial=[("whole", "part")],
        derived={"a.gram": ["a.weight"]},
    )
    with MemorySystem(":memory:", seed=1) as opened:
        opened.attach(sharing, name="sim")
        yield opened


def scale(memory: MemorySystem, layer: str, metric: str, *, acts: int = 60) -> None:
    """Scale a layer up and down; the metric follows the sign of every write."""
    noise = random.Random(2)
    for number in range(acts):
        with memory.act() as act:
            memory.record_metrics({metric: 1.0}, sample=str(number))
            sign = act.flip()
            memory.record_modification(layer, method="scale", dose=sign)
            memory.record_metrics({metric: 1.0 + sign + noise.gauss(0, 0.1)}, sample=str(number))


@pytest.mark.parametrize(
    ("layer", "metric", "reason"),
    [
        (TIED[0], TIED[0], "alias"),
        (TIED[0], TIED[1], "alias"),
        (TIED[1], f"{TIED[1]}/norm", "alias"),
        (TIED[1], f"{TIED[0]}.norm", "alias"),
        ("a.weight", "a.gram: trace", "derived"),
        ("whole", "part/norm", "overlap"),
    ],
)
def test_it_is_an_architectural_fact_and_no_pattern(memory: MemorySystem, layer: str, metric: str, reason: str) -> None:
    scale(memory, layer, metric)
    assert memory.patterns(status=None) == []
    facts = [fact for fact in memory.architectural_facts() if fact.object == metric and fact.kind == "effect"]
    assert [(fact.reason, fact.strength_kind, fact.support) for fact in facts] == [(reason, "correlation", 60)]
    assert facts[0].strength > 0.9


@pytest.mark.parametrize("metric", ["a.weight/norm", "lm_head", "lm_head.weighted", "loss"])
def test_what_is_read_elsewhere_can_be_an_effect(memory: MemorySystem, metric: str) -> None:
    scale(memory, TIED[0], metric)
    assert {(pattern.kind, pattern.object) for pattern in memory.patterns()} == {("effect", metric)}


def test_it_ends_when_the_bytes_part(memory: MemorySystem) -> None:
    scale(memory, TIED[0], TIED[1], acts=5)
    memory.attach(SharingMap.from_relations(names=[*TIED, "a.weight"]), name="sim")
    facts = [fact for fact in memory.architectural_facts() if fact.object == TIED[1] and fact.kind == "effect"]
    assert len(facts) == 1
    assert facts[0].to_position is not None
    scale(memory, TIED[0], TIED[1])
    assert [pattern.object for pattern in memory.patterns("effect")] == [TIED[1]]
