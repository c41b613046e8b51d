"""One budget for false claims: fixed before any outcome, divided by model, and never overspent."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from memory.projections.knowledge import KnowledgeProjection

NAMES = ["head", "embed", "mlp", "norm"]


def odd(storage: str, metric: str, sign: float) -> float:
    return 1.5 * sign if (storage, metric) == ("embed", "loss") else 0.0


def none(storage: str, metric: str, sign: float) -> float:
    return 0.0


def test_asking_again_after_losing_leaves_less_to_stake(history: Any, run_acts: Any, histories: ModuleType) -> None:
    run_acts(history, 200, none)
    projection = histories.fold(KnowledgeProjection(), history.stored())
    before = _hypotheses(projection)
    history.define("loss", smallest=0.5)
    histories.fold(projection, history.stored()[-1:])
    after = _hypotheses(projection)
    assert [each.question for each in after] == [each.question for each in before]
    for asked, again in zip(before, after, strict=True):
        if again.metric == "loss" and again.kind in ("effect", "impact"):
            assert again.log_weight == asked.log_weight + min(0.0, asked.log_e)
            assert (again.log_e, again.epoch) == (0.0, asked.epoch + 1)
        else:
            assert again == asked
    assert {each.epoch for each in after} == {0, 1}
    assert _spent(after) < _spent(before)


def test_the_budget_is_fixed_before_any_outcome_and_never_overspent(
    history: Any, run_acts: Any, histories: ModuleType
) -> None:
    run_acts(history, 60, none)
    for number in range(40):
        history.experiment(f"new {number}", "norm", 1.0, {f"m{number}": 0.0}, {f"m{number}": 1.0})
        history.experiment(f"dose {number}", "mlp", 1.0 + number, {"loss": 0.0}, {"loss": 1.0})
    history.change(histories.sharing(NAMES))
    run_acts(history, 60, none, seed=2)
    hypotheses = _hypotheses(histories.fold(KnowledgeProjection(), history.stored()))
    assert {each.kind for each in hypotheses} >= {"effect", "impact", "comodification", "sequence", "trend"}
    assert _spent(hypotheses) <= 1.0
    early = {
        math.exp(each.log_weight)
        for each in hypotheses
        if each.metric in ("loss", "accuracy") and (each.kind, each.level) == ("effect", 1.0)
    }
    # Three storages times two metrics divide 0.8; the storage born of the cut came late.
    assert len(early - {0.0}) > 1
    assert max(early) == pytest.approx(0.3 * 6 / math.pi**2 * 0.8 / 6)


def test_each_model_has_a_budget_of_its_own(history: Any, run_acts: Any, histories: ModuleType) -> None:
    run_acts(history, 60, odd)
    both = histories.History()
    both.attach(histories.sharing(NAMES, ["head", "embed"]), "other")
    for number in range(30):
        both.experiment(f"other {number}", "mlp", 1.0, {"loss": 0.0}, {"loss": 1.0}, model="other")
    both.events += history.events
    alone, beside = (
        [each for each in _hypotheses(histories.fold(KnowledgeProjection(), told.stored())) if each.model == "m"]
        for told in (history, both)
    )
    assert alone
    assert [(each.kind, each.metric, each.log_weight, each.log_e) for each in beside] == [
        (each.kind, each.metric, each.log_weight, each.log_e) for each in alone
    ]


@dataclass(frozen=True)
class Hypothesis:
    """One slot of a panel, as it is at some moment."""

    model: str
    kind: str
    level: float | None
    question: tuple[Any, ...]
    metric: str
    log_weight: float
    log_e: float
    epoch: int


def _hypotheses(projection: Any) -> list[Hypothesis]:
    found = []
    for panel in projection.learning.panels():
        for slot in range(panel.slots):
            key, about = panel.family(slot).key, panel.about(slot)
            numbers = float(panel.log_weight[slot]), float(panel.log_e[slot]), int(panel.epoch[slot])
            question = (panel.name, key, *map(str, panel.asked(slot)))
            found.append(Hypothesis(key.model, key.kind, key.level, question, about.object, *numbers))
    return found


def _spent(hypotheses: Iterable[Hypothesis]) -> float:
    return math.fsum(math.exp(each.log_weight) for each in hypotheses)
