"""Settles outcomes: evidence to pattern, pattern to theory, theory to belief; and back, when they fail.

Statuses change only at a settlement, and a settlement takes whatever one evaluation brought. Every forecast is made
from the state strictly before its outcome. What is guaranteed, and under which assumption, is said in `memory.inference`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from memory.inference.credence import credences, estimate_prior
from memory.inference.effects import PairedProcess
from memory.inference.multiplicity import adjust, reject
from memory.inference.retraction import EDetector
from memory.inference.theories import Score, forecast
from memory.projections.knowledge.hypotheses import FamilyKey, Hypothesis, HypothesisFamily, HypothesisKey
from memory.projections.knowledge.rows import belief_row, evidence_row, pattern_row, prediction_row, theory_row
from memory.projections.knowledge.windows import Outcome
from memory.projections.registry import Storage
from memory.projections.tables import beliefs, evidence, patterns, predictions, theories

PROSPECTIVE_LOG_E = math.log(20.0)
"""A belief needs this much evidence from predictions alone."""
PROMOTING_CREDENCE = 0.95
RETAINED_CREDENCE = 0.5

Grid = Callable[[str], tuple[Sequence[int], Sequence[str]]]
"""Model to the storages and metrics there are now."""


class Claims:
    """Every hypothesis of the record, and the patterns, theories and beliefs made of them.

    Args:
        grid: What a family's grid is made of at its first settlement.
    """

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._families: dict[FamilyKey, HypothesisFamily] = {}
        self._hypotheses: dict[HypothesisKey, Hypothesis] = {}
        self._dirty: dict[HypothesisKey, None] = {}
        self._final: dict[tuple[str, str], dict[str, Any]] = {}
        self._history: list[tuple[str, dict[str, Any]]] = []

    def settle(
        self,
        position: int,
        outcomes: Sequence[Outcome],
        *,
        smallest_effect: Callable[[str], float],
        storage: Callable[[int], Storage | None],
    ) -> None:
        """Take what one evaluation brought, then decide anew what is claimed and believed.

        Args:
            position: The evaluation.
            outcomes: All of one model.
            smallest_effect: Metric to the smallest change that matters.
            storage: Storage id to the storage as it is now.
        """
        touched = [
            self._update(outcome, kind, smallest_effect(outcome.metric))
            for outcome in outcomes
            for kind in outcome.write.kinds()
        ]
        if not touched:
            return
        model = outcomes[0].model
        self._decide_claims(position, model, storage)
        self._decide_beliefs(position, model, touched)

    def _update(self, outcome: Outcome, kind: str, smallest_effect: float) -> Hypothesis:
        """Bet on one outcome, score the theory about it, and watch the belief about it."""
        write = outcome.write
        family = FamilyKey(outcome.model, kind, write.method, write.level, write.randomised)
        hypothesis = self._hypothesis(HypothesisKey(family, write.storage_id, outcome.metric), smallest_effect)
        signed = outcome.change * write.sign if kind == "effect" else outcome.change
        propensity = write.propensity if write.randomised else 0.5
        estimate = hypothesis.process.estimate
        if hypothesis.score is not None:
            prediction = forecast(hypothesis.process, hypothesis.direction)
            hypothesis.score.update(prediction, signed, propensity)
            hypothesis.last_scored = outcome.position
            self._history.append((predictions.name, prediction_row(hypothesis, outcome, signed, prediction)))
        if hypothesis.detector is not None:
            hypothesis.detector.update(signed, propensity)
        hypothesis.process.update(signed, propensity)
        hypothesis.last_settled = outcome.position
        self._history.append((evidence.name, evidence_row(hypothesis, outcome, signed, estimate)))
        self._dirty[hypothesis.key] = None
        return hypothesis

    def _hypothesis(self, key: HypothesisKey, smallest_effect: float) -> Hypothesis:
        hypothesis = self._hypotheses.get(key)
        if hypothesis is None:
            weight = self._family(key.family).weight(key.storage_id, key.metric)
            hypothesis = Hypothesis(key, weight, PairedProcess(smallest_effect=smallest_effect))
            self._hypotheses[key] = hypothesis
        return hypothesis

    def _family(self, key: FamilyKey) -> HypothesisFamily:
        family = self._families.get(key)
        if family is None:
            index = sum(1 for other in self._families if (other.model, other.kind) == (key.model, key.kind))
            storages, metrics = self._grid(key.model)
            family = self._families[key] = HypothesisFamily.settled(key, index, storages, metrics)
        return family

    def _decide_claims(self, position: int, model: str, storage: Callable[[int], Storage | None]) -> None:
        """Let e-BH say which hypotheses of a model are claimed now; claims may come and go."""
        candidates = list(self._of_model(model))
        claimed = reject([each.process.log_e for each in candidates], [each.weight for each in candidates])
        for hypothesis, holds in zip(candidates, claimed.tolist(), strict=True):
            if holds and hypothesis.status != "active":
                if hypothesis.first_claimed is None:
                    self._claim(hypothesis, position, storage(hypothesis.key.storage_id))
                hypothesis.status = "active"
            elif not holds and hypothesis.status == "active":
                hypothesis.status = "weakened"
            else:
                continue
            self._dirty[hypothesis.key] = None

    @staticmethod
    def _claim(hypothesis: Hypothesis, position: int, storage: Storage | None) -> None:
        """Note a first claim, and bear the theory that will be tested on what comes after it."""
        hypothesis.first_claimed = position
        if storage is not None:
            hypothesis.subject, hypothesis.subject_names = storage.key, storage.names
        hypothesis.direction = hypothesis.process.direction or (1 if hypothesis.process.estimate > 0 else -1)
        hypothesis.score = Score()

    def _decide_beliefs(self, position: int, model: str, touched: Sequence[Hypothesis]) -> None:
        """Form, weaken and retract beliefs in what the settled outcomes bear on."""
        if not any(hypothesis.score is not None for hypothesis in touched):
            return
        candidates = list(self._of_model(model))
        adjusted = adjust([each.process.peak_log_e for each in candidates])
        lasting = reject(adjusted, [each.weight for each in candidates])
        promoted = {each.key for each, holds in zip(candidates, lasting.tolist(), strict=True) if holds}
        credence = self._credences({hypothesis.key.family for hypothesis in touched if hypothesis.score is not None})
        for hypothesis in touched:
            if hypothesis.score is None:
                continue
            hypothesis.credence = credence[hypothesis.key]
            if hypothesis.belief_since is None:
                if hypothesis.key in promoted:
                    self._try_to_believe(hypothesis, position)
            else:
                self._hold_or_retract(hypothesis, position)

    def _try_to_believe(self, hypothesis: Hypothesis, position: int) -> None:
        convinced = (
            hypothesis.status == "active"
            and hypothesis.score is not None
            and hypothesis.score.log_e >= PROSPECTIVE_LOG_E
            and hypothesis.credence >= PROMOTING_CREDENCE
        )
        if convinced and hypothesis.direction * hypothesis.process.estimate > 0:
            hypothesis.belief_since = hypothesis.belief_changed = position
            hypothesis.belief_status = "active"
            hypothesis.detector = EDetector.over(hypothesis.process, hypothesis.direction)

    def _hold_or_retract(self, hypothesis: Hypothesis, position: int) -> None:
        alarmed = hypothesis.detector is not None and hypothesis.detector.alarmed
        if alarmed or hypothesis.credence < RETAINED_CREDENCE:
            self._retract(hypothesis, position)
        elif hypothesis.belief_status != hypothesis.status:
            hypothesis.belief_status, hypothesis.belief_changed = hypothesis.status, position

    def _retract(self, hypothesis: Hypothesis, position: int) -> None:
        """Withdraw pattern, theory and belief, and ask the question anew with evidence at 1."""
        hypothesis.status = "retracted"
        if hypothesis.belief_since is not None:
            hypothesis.belief_status, hypothesis.belief_changed = "retracted", position
        self._final |= _rows(hypothesis)
        self._hypotheses[hypothesis.key] = hypothesis.next_epoch()
        self._dirty.pop(hypothesis.key, None)

    def _credences(self, families: set[FamilyKey]) -> dict[HypothesisKey, float]:
        """Give P(real, and of the theory's sign) of every hypothesis of some families, from each family as a whole."""
        credence: dict[HypothesisKey, float] = {}
        for family in sorted(families, key=repr):
            members = [each for each in self._hypotheses.values() if each.key.family == family]
            estimates = np.array([each.process.estimate for each in members])
            errors = np.array([each.process.standard_error for each in members])
            counts = np.array([each.process.sequence.n for each in members])
            positive, negative = credences(estimates, errors, counts, estimate_prior(estimates, errors, counts))
            for index, each in enumerate(members):
                credence[each.key] = float(positive[index] if each.direction > 0 else negative[index])
        return credence

    def drop_metric(self, position: int, model: str, metric: str) -> None:
        """Withdraw whatever is claimed about a metric: it turned out to be computed from others, or to mean other."""
        for hypothesis in [each for each in self._of_model(model) if each.key.metric == metric]:
            if hypothesis.first_claimed is not None:
                self._retract(hypothesis, position)
            del self._hypotheses[hypothesis.key]
            self._dirty.pop(hypothesis.key, None)

    def ask_again(self, position: int, model: str, metric: str, smallest_effect: float) -> None:
        """Start the evidence on a metric again where it was gathered under another smallest effect of interest."""
        for hypothesis in [each for each in self._of_model(model) if each.key.metric == metric]:
            if hypothesis.process.smallest_effect == smallest_effect:
                continue
            if hypothesis.first_claimed is not None:
                self._retract(hypothesis, position)
            epoch = hypothesis.epoch + 1
            fresh = PairedProcess(smallest_effect=smallest_effect)
            self._hypotheses[hypothesis.key] = Hypothesis(hypothesis.key, hypothesis.weight, fresh, epoch=epoch)
            self._dirty.pop(hypothesis.key, None)

    def metrics_of(self, model: str) -> tuple[str, ...]:
        """Give the metrics that a model has hypotheses about, sorted."""
        return tuple(sorted({each.key.metric for each in self._of_model(model)}))

    def _of_model(self, model: str) -> Iterator[Hypothesis]:
        return (each for each in self._hypotheses.values() if each.key.family.model == model)

    def take_rows(self) -> tuple[dict[tuple[str, str], dict[str, Any]], list[tuple[str, dict[str, Any]]]]:
        """Give, and forget, what changed: rows to replace by (table, identity), and rows to add."""
        replaced, added = self._final, self._history
        for key in self._dirty:
            replaced |= _rows(self._hypotheses[key])
        self._dirty, self._final, self._history = {}, {}, []
        return replaced, added

    def to_state(self) -> dict[str, Any]:
        """Give everything as plain data."""
        families = list(self._families)
        numbers = {key: number for number, key in enumerate(families)}
        return {
            "families": [family.to_state() for family in self._families.values()],
            "hypotheses": [
                [numbers[hypothesis.key.family], hypothesis.to_state()] for hypothesis in self._hypotheses.values()
            ],
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from `to_state`."""
        families = [HypothesisFamily.from_state(each) for each in state["families"]]
        self._families = {family.key: family for family in families}
        loaded = [Hypothesis.from_state(families[number].key, each) for number, each in state["hypotheses"]]
        self._hypotheses = {hypothesis.key: hypothesis for hypothesis in loaded}


def _rows(hypothesis: Hypothesis) -> dict[tuple[str, str], dict[str, Any]]:
    """Give the rows of a hypothesis, by table and identity; none for one never claimed."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    if hypothesis.first_claimed is not None:
        rows[patterns.name, hypothesis.identity("pattern")] = pattern_row(hypothesis)
    if hypothesis.score is not None:
        rows[theories.name, hypothesis.identity("theory")] = theory_row(hypothesis)
    if hypothesis.belief_since is not None:
        rows[beliefs.name, hypothesis.identity("belief")] = belief_row(hypothesis)
    return rows
