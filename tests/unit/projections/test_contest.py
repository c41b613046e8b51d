"""Deciding over the contenders alone is deciding over everyone."""

from __future__ import annotations

import random

import numpy as np
import pytest

from memory.inference.multiplicity import adjust, reject
from memory.inference.scale_rows import Index
from memory.projections.knowledge.contest import Contest
from memory.projections.knowledge.entities import Entities
from memory.projections.knowledge.families import Families
from memory.projections.knowledge.metrics import MetricBook
from memory.projections.knowledge.panel import OBSERVATIONAL
from memory.projections.knowledge.ways import EFFECT, Way
from memory.projections.knowledge.write_panels import WritePanel
from memory.projections.registry import StorageRegistry


def panel_of(number: int, log_es: list[float], weight: float) -> WritePanel:
    """Make a panel of hypotheses whose evidence is given."""
    registry, families, model = StorageRegistry(), Families(), f"model {number}"
    way = Way(model, "scale", 1.0, OBSERVATIONAL, (EFFECT,))
    families.settle(way.family(EFFECT), position=1, early=1)
    panel = WritePanel(model, registry, Entities(registry), MetricBook(), families)
    panel.rows(way, 1, tuple(f"metric {at}" for at in range(len(log_es))), (EFFECT,), position=1)
    panel.log_weight[:] = np.log(weight)
    tell(panel, dict(enumerate(log_es)))
    return panel


def tell(panel: WritePanel, log_es: dict[int, float]) -> Index:
    """Let the evidence of some slots be what is said."""
    for slot, log_e in log_es.items():
        panel.log_e[slot] = log_e
        panel.peak_log_e[slot] = max(panel.peak_log_e[slot], log_e)
    return np.array(list(log_es), dtype=np.int64)


def over_all(panels: list[WritePanel]) -> set[tuple[str, int]]:
    log_es = np.concatenate([panel.log_e for panel in panels])
    weights = np.exp(np.concatenate([panel.log_weight for panel in panels]))
    slots = [(panel.name, slot) for panel in panels for slot in range(panel.slots)]
    return {each for each, holds in zip(slots, reject(log_es, weights), strict=True) if holds}


def claimed(contest: Contest) -> set[tuple[str, int]]:
    found = contest.claimed()
    assert len(found) == len({(panel.name, slot) for panel, slot in found})
    return {(panel.name, slot) for panel, slot in found}


@pytest.mark.parametrize("seed", range(40))
def test_what_is_claimed_is_what_is_claimed_over_all(seed: int) -> None:
    draw = random.Random(seed)
    contest, panels = Contest(), []
    sizes = [draw.choice((1, 2, 5, 9)) for _ in range(draw.choice((1, 2, 5, 30)))]
    count = sum(sizes)

    def evidence() -> float:
        # Evidence about as large as it takes for few or for many to be claimed together.
        log_e = float(np.log(20.0 * count / draw.randint(1, count))) + draw.gauss(0.5, 0.7)
        return log_e if draw.random() < 0.7 else draw.gauss(0.0, 1.0)

    for number, size in enumerate(sizes):
        panel = panel_of(number, [evidence() for _ in range(size)], 0.9 / count)
        panels.append(panel)
        contest.put(panel, np.arange(size))
        assert claimed(contest) == over_all(panels)
    for _ in range(20):
        panel = draw.choice(panels)
        slots = draw.sample(range(panel.slots), draw.randint(1, panel.slots))
        contest.put(panel, tell(panel, {slot: evidence() for slot in slots}))
        assert claimed(contest) == over_all(panels)
    adjusted = adjust(np.concatenate([panel.peak_log_e for panel in panels]))
    lasting = reject(adjusted, np.exp(np.concatenate([panel.log_weight for panel in panels]))).tolist()
    assert [contest.lasting(panel, slot) for panel in panels for slot in range(panel.slots)] == lasting


def test_evidence_that_fell_is_claimed_no_longer() -> None:
    contest = Contest()
    contest.put(panel_of(1, [0.0] * 50, 0.01), np.arange(50))
    strong = panel_of(2, [12.0], 0.01)
    assert contest.put(strong, np.array([0]))
    assert claimed(contest) == {(strong.name, 0)}
    # Whoever was in the contest matters once more when it leaves it.
    assert contest.put(strong, tell(strong, {0: 0.0}))
    assert claimed(contest) == set()


def test_what_may_not_be_claimed_takes_no_part() -> None:
    contest, strong = Contest(), panel_of(1, [12.0], 0.1)
    contest.put(strong, np.array([0]))
    strong.log_weight[0] = -np.inf
    contest.put(strong, np.array([0]))
    assert claimed(contest) == set()
    assert not contest.lasting(strong, 0)


def test_far_fewer_than_all_are_looked_at() -> None:
    contest = Contest()
    many = panel_of(1, [0.0] * 900, 0.001)
    contest.put(many, np.arange(900))
    strong = panel_of(2, [15.0], 0.001)
    assert contest.put(strong, np.array([0]))
    assert not contest.put(many, np.arange(900))
    assert (int(many.near.sum()), int(strong.near.sum())) == (0, 1)
