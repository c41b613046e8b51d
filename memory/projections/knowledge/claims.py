"""Settles outcomes: evidence to pattern, pattern to theory, theory to belief; and back, when they fail.

Statuses change only at a settlement, and a settlement takes whatever one evaluation brought. Every forecast is made
from the state strictly before its outcome. What is guaranteed, under which assumption, is said in `memory.inference`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from memory.inference.retraction import EDetector
from memory.inference.theories import Score, forecast
from memory.projections.knowledge.contest import Contest
from memory.projections.knowledge.families import HypothesisFamily
from memory.projections.knowledge.hypotheses import FamilyKey, Hypothesis
from memory.projections.knowledge.rows import evidence_row, knowledge_rows, prediction_row
from memory.projections.knowledge.told import Replaced, Told, digest_of
from memory.projections.knowledge.windows import Outcome
from memory.projections.registry import Storage
from memory.projections.knowledge_tables import evidence, predictions

PROSPECTIVE_LOG_E = math.log(20.0)
"""A belief needs this much evidence from predictions alone."""
PROMOTING_CREDENCE = 0.95
RETAINED_CREDENCE = 0.5

Grid = Callable[[str], tuple[Sequence[int], Sequence[str]]]
"""Model to the storages and metrics there are now."""
Added = list[tuple[str, dict[str, Any]]]
"""(table, row)."""


class Claims:
    """Every hypothesis of the record, and the patterns, theories and beliefs made of them.

    Args:
        grid: What a family's grid is made of at its first settlement.
        storage: Storage id to the storage as it is now.
        smallest_effect: Model and metric to the smallest change that matters.
    """

    def __init__(
        self, grid: Grid, storage: Callable[[int], Storage | None], smallest_effect: Callable[[str, str], float]
    ) -> None:
        self._grid = grid
        self._storage = storage
        self._smallest_effect = smallest_effect
        self._families: dict[FamilyKey, HypothesisFamily] = {}
        self._contests: dict[str, Contest] = {}
        self._told = Told()
        self._dirty: dict[str, Hypothesis] = {}
        self._final: Replaced = {}
        self._history: Added = []

    def settle(self, position: int, outcomes: Sequence[Outcome]) -> None:
        """Take what one evaluation brought, then decide anew what is claimed and believed.

        Args:
            position: The evaluation.
            outcomes: All of one model.
        """
        touched = [self._update(outcome, kind) for outcome in outcomes for kind in outcome.write.kinds()]
        if touched:
            model = outcomes[0].model
            self._decide_claims(position, model, touched)
            if self._decide_beliefs(position, model, touched):
                self._decide_claims(position, model, touched)

    def _update(self, outcome: Outcome, kind: str) -> Hypothesis:
        """Bet on one outcome, score the theory about it, and watch the belief about it."""
        write = outcome.write
        family = self._family(FamilyKey(outcome.model, kind, write.method, write.level, write.randomised))
        smallest_effect = self._smallest_effect(outcome.model, outcome.metric)
        hypothesis = family.hypothesis(write.storage_id, outcome.metric, smallest_effect)
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
        hypothesis.settle(outcome.position, signed, propensity)
        family.outcomes += 1
        self._history.append((evidence.name, evidence_row(hypothesis, outcome, signed, estimate)))
        self._contest(outcome.model).put(hypothesis)
        self._touch(hypothesis)
        return hypothesis

    def _family(self, key: FamilyKey) -> HypothesisFamily:
        family = self._families.get(key)
        if family is None:
            index = sum((other.model, other.kind) == (key.model, key.kind) for other in self._families)
            family = self._families[key] = HypothesisFamily.settled(key, index, *self._grid(key.model))
        return family

    def _contest(self, model: str) -> Contest:
        contest = self._contests.get(model)
        if contest is None:
            contest = self._contests[model] = Contest()
        return contest

    def _touch(self, hypothesis: Hypothesis) -> None:
        hypothesis.changed()
        self._dirty[hypothesis.digest] = hypothesis

    def _decide_claims(self, position: int, model: str, touched: Sequence[Hypothesis]) -> None:
        """Let e-BH say which hypotheses of a model are claimed now; claims may come and go.

        A claim whose evidence has come to speak for the other direction is withdrawn, and asked anew.
        """
        while True:
            turned = []
            for hypothesis, holds in self._contest(model).claims(touched):
                if holds and hypothesis.direction * hypothesis.process.direction < 0:
                    turned.append(hypothesis)
                elif holds and hypothesis.status != "active":
                    if hypothesis.first_claimed is None:
                        self._claim(hypothesis, position)
                    self._set_status(hypothesis, position, "active")
                elif not holds and hypothesis.status == "active":
                    self._set_status(hypothesis, position, "weakened")
            for hypothesis in turned:
                self._retract(hypothesis, position)
            if not turned:
                return

    def _claim(self, hypothesis: Hypothesis, position: int) -> None:
        """Note a first claim, and bear the theory that will be tested on what comes after it."""
        hypothesis.first_claimed = position
        storage = self._storage(hypothesis.storage_id)
        if storage is not None:
            hypothesis.subject, hypothesis.subject_names = storage.key, storage.names
        hypothesis.direction = hypothesis.process.direction or (1 if hypothesis.process.estimate > 0 else -1)
        hypothesis.score = Score()

    def _set_status(self, hypothesis: Hypothesis, position: int, status: str) -> None:
        hypothesis.status = status
        if hypothesis.belief_since is not None:
            hypothesis.belief_status, hypothesis.belief_changed = status, position
        self._touch(hypothesis)

    def _decide_beliefs(self, position: int, model: str, touched: Sequence[Hypothesis]) -> bool:
        """Form and retract beliefs in what the settled outcomes bear on; say whether one was retracted."""
        retracted = False
        for hypothesis in touched:
            if hypothesis.score is None or hypothesis.status == "retracted":
                continue
            family = self._families[hypothesis.family]
            if hypothesis.belief_since is None:
                self._try_to_believe(hypothesis, position, family)
                continue
            hypothesis.credence = family.credence(hypothesis)
            self._touch(hypothesis)
            alarmed = hypothesis.detector is not None and hypothesis.detector.alarmed
            if alarmed or hypothesis.credence < RETAINED_CREDENCE:
                self._retract(hypothesis, position)
                retracted = True
        return retracted

    def _try_to_believe(self, hypothesis: Hypothesis, position: int, family: HypothesisFamily) -> None:
        proven = hypothesis.score is not None and hypothesis.score.log_e >= PROSPECTIVE_LOG_E
        if hypothesis.status != "active" or not proven or hypothesis.direction * hypothesis.process.estimate <= 0:
            return
        credence = family.credence(hypothesis)
        if credence >= PROMOTING_CREDENCE and hypothesis.digest in self._contest(family.key.model).lasting():
            hypothesis.credence = credence
            hypothesis.belief_since = hypothesis.belief_changed = position
            hypothesis.belief_status = "active"
            hypothesis.detector = EDetector.over(hypothesis.process, hypothesis.direction)
            self._touch(hypothesis)

    def _retract(self, hypothesis: Hypothesis, position: int) -> None:
        """Withdraw pattern, theory and belief, and ask the question anew with evidence at 1."""
        self._close(hypothesis, position)
        self._renew(hypothesis, hypothesis.process.smallest_effect)

    def _close(self, hypothesis: Hypothesis, position: int) -> None:
        self._set_status(hypothesis, position, "retracted")
        rows = knowledge_rows(hypothesis)
        self._told.closed |= rows
        self._final |= self._told.tell(rows)

    def _renew(self, hypothesis: Hypothesis, smallest_effect: float) -> None:
        """Put the next epoch of a question in its place."""
        contest = self._contest(hypothesis.family.model)
        contest.remove(hypothesis)
        self._dirty.pop(hypothesis.digest, None)
        fresh = hypothesis.next_epoch(smallest_effect)
        self._families[hypothesis.family].hypotheses[hypothesis.storage_id, hypothesis.metric] = fresh
        contest.put(fresh)

    def drop_metric(self, position: int, model: str, metric: str) -> None:
        """Withdraw whatever is claimed about a metric: it turned out to be computed from others."""
        self._ask_again(position, model, metric, lambda hypothesis: not hypothesis.untouched)

    def redefine(self, position: int, model: str, metric: str) -> None:
        """Start the evidence on a metric again where it was gathered under another smallest effect of interest."""
        now = self._smallest_effect(model, metric)
        self._ask_again(position, model, metric, lambda hypothesis: hypothesis.process.smallest_effect != now)

    def _ask_again(self, position: int, model: str, metric: str, concerned: Callable[[Hypothesis], bool]) -> None:
        smallest_effect = self._smallest_effect(model, metric)
        for hypothesis in self._contest(model):
            if hypothesis.metric != metric or not concerned(hypothesis):
                continue
            if hypothesis.first_claimed is not None:
                self._close(hypothesis, position)
            self._renew(hypothesis, smallest_effect)
        self._decide_claims(position, model, ())

    def take_rows(self) -> tuple[Replaced, Added]:
        """Give, and forget, what changed: rows to replace, and rows to add."""
        replaced, added = self._final, self._history
        for hypothesis in self._dirty.values():
            replaced |= self._told.tell(knowledge_rows(hypothesis))
        self._dirty, self._final, self._history = {}, {}, []
        return replaced, added

    # Amendments

    def forget_outcomes(self) -> None:
        """Forget the rows of outcomes that wait to be taken: they are written already."""
        self._history = []

    def rows(self) -> Replaced:
        """Give the row of everything that was ever claimed."""
        return self._told.tell(self._claimed())

    def succeed(self, before: Claims, position: int) -> None:
        """Take the place of other claims, from an amendment on: these are of the amended history.

        Args:
            before: The claims until then.
            position: The amendment.
        """
        was, now = before._claimed(), self._claimed()
        touched = {digest_of(identity): None for table, identity in was | now if _differ(was, now, (table, identity))}
        evidence_was, evidence_now = before._stored(), self._stored()
        touched |= {
            digest: None for digest in evidence_was | evidence_now if _differ(evidence_was, evidence_now, digest)
        }
        self._told = self._told.after(position, before.rows(), now, touched, before._told)

    def _claimed(self) -> Replaced:
        """Give the row of everything that was ever claimed, as this history alone would tell it."""
        rows = dict(self._told.closed)
        for hypothesis in self._hypotheses():
            rows |= knowledge_rows(hypothesis)
        return rows

    def _stored(self) -> dict[str, bytes]:
        """Give everything there is to each hypothesis, by digest."""
        return {each.digest: each.stored() for each in self._hypotheses()}

    def _hypotheses(self) -> Iterator[Hypothesis]:
        for family in self._families.values():
            yield from family.hypotheses.values()

    def to_state(self) -> dict[str, Any]:
        """Give everything as data that orjson writes."""
        families = [family.to_state() for family in self._families.values()]
        return {"families": families, "told": self._told.to_state()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from `to_state`, parsed."""
        families = [HypothesisFamily.from_state(each) for each in state["families"]]
        self._families = {family.key: family for family in families}
        self._told = Told.from_state(state["told"])
        self._contests = {}
        for family in families:
            for hypothesis in family.hypotheses.values():
                self._contest(family.key.model).put(hypothesis)


def _differ(was: Mapping[Any, Any], now: Mapping[Any, Any], key: Any) -> bool:
    return bool(was.get(key) != now.get(key))
