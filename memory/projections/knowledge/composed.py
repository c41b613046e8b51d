"""Theories composed of several claims: what they say together, and how their forecasts fare together.

Claims that hold and share a topic make one theory. It bets on what its members forecast, each time one of them meets an
outcome (`joint_forecasts` says what that proves), at most once for each event; it makes no evidence of its own, and
costs its members none. Its identity is its topic: members come and go, and its score stays. While fewer than two of its
claims hold, it is told as it was when it last held.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memory.inference.joint_forecasts import Met, at_once, in_total
from memory.inference.scale_rows import Floats
from memory.inference.theories import Forecast, Score
from memory.projections.knowledge import composed_words
from memory.projections.knowledge.claim import Claim
from memory.projections.knowledge.composed_theory import (
    CAUSAL,
    OPTIMIZATION,
    STRUCTURAL,
    ComposedTheory,
    Topic,
    theory_identity,
    topics,
)
from memory.projections.knowledge.fact_rows import Rows
from memory.projections.knowledge.metrics import MetricBook
from memory.projections.knowledge.rows import prediction_row
from memory.projections.knowledge.ways import IMPACT
from memory.projections.knowledge.windows import Write
from memory.projections.knowledge_tables import theories

Done = tuple[Sequence[Write], Sequence[str], Floats]
"""What an act wrote, and by metric, how much it changed."""


class Composed:
    """Every theory that was ever composed, and the claims that hold, by topic.

    Args:
        metrics: Which side of a metric is better.
    """

    def __init__(self, metrics: MetricBook) -> None:
        self._metrics = metrics
        self._theories: dict[str, ComposedTheory] = {}
        self._holding: dict[Topic, ComposedTheory] = {}
        self._members: dict[Topic, dict[str, Claim]] = {}
        self._topics: dict[str, tuple[Topic, ...]] = {}
        """Digest of every claim that holds to its topics."""
        self._met: dict[Topic, list[tuple[Met, int, float]]] = {}
        """Topic to what the members of its theory met at the event under way: each one's forecast with its outcome,
        and, of a theory of what is better, the better side of it and how much better the metric became."""
        self._dirty: dict[str, ComposedTheory] = {}

    # Members

    def changed(self, position: int, claim: Claim) -> None:
        """Take note that a claim was made, or is of another status now.

        Args:
            position: The settlement.
            claim: The claim; its panel still has the numbers it was judged by.
        """
        if claim.status == "active":
            if claim.digest not in self._topics:
                self.take_up(claim)
                for topic in self._topics[claim.digest]:
                    self._compose(position, topic)
            return
        for topic in self._topics.get(claim.digest, ()):
            if len(self._members[topic]) == 2:
                self._end(topic)
            del self._members[topic][claim.digest]
        for topic in self._topics.pop(claim.digest, ()):
            self._touch(topic)

    def take_up(self, claim: Claim) -> None:
        """Take up a claim of a stored state."""
        if claim.status == "active":
            self._topics[claim.digest] = topics(claim)
            for topic in self._topics[claim.digest]:
                self._members.setdefault(topic, {})[claim.digest] = claim

    def defined(self, position: int, model: str, metric: str) -> None:
        """Take note that a metric was defined: which side of it is better may be another, or said for the first time.

        Args:
            position: The definition.
            model: The model it is about now.
            metric: The metric.
        """
        topic = (model, OPTIMIZATION, metric)
        theory = self._holding.get(topic)
        if theory is not None and theory.better != self._metrics.better(model, metric):
            self._end(topic)
        if topic in self._members:
            self._compose(position, topic)

    def _compose(self, position: int, topic: Topic) -> None:
        """Let a topic's theory hold, if two of its claims do."""
        better = self._metrics.better(topic[0], topic[2]) if topic[1] == OPTIMIZATION else 0
        if len(self._members[topic]) < 2 or (topic[1] == OPTIMIZATION and not better):
            return
        theory_id = theory_identity(topic, better)
        theory = self._theories.get(theory_id)
        if theory is None:
            theory = self._theories[theory_id] = ComposedTheory(topic, better, position)
        theory.last, self._holding[topic] = None, theory
        self._touch(topic)

    def _end(self, topic: Topic) -> None:
        theory = self._holding.pop(topic, None)
        if theory is not None:
            theory.last = self._said(theory)
            self._dirty[theory.theory_id] = theory

    # Forecasts

    def met(self, claim: Claim, forecast: Forecast, outcome: float, log_factor: float, done: Done | None) -> None:
        """Take a forecast of a claim with its outcome, before what it settled is decided upon.

        Args:
            claim: The claim.
            forecast: What it said.
            outcome: What came.
            log_factor: What the bet came to.
            done: What the act wrote and changed, where it is the outcome of one.
        """
        for topic in self._topics.get(claim.digest, ()):
            theory = self._holding.get(topic)
            if theory is not None:
                met, side, total = Met(forecast, outcome, log_factor), 1, 0.0
                if done is not None and theory.better:
                    side, total = _side_and_total(claim, theory.better, done)
                self._met.setdefault(topic, []).append((met, side, total))

    def settle(self, position: int) -> list[dict[str, Any]]:
        """Score every theory on what its members met at an event; give what it predicted, with the outcome, as rows."""
        if not self._met:
            return []
        rows = []
        for topic, bets in self._met.items():
            theory = self._holding[topic]
            if theory.better:
                joint = in_total([(met, side) for met, side, _ in bets], bets[0][2])
            else:
                joint = at_once([met for met, _, _ in bets], theory.score.hits, theory.score.n)
            theory.update(joint, position)
            self._dirty[theory.theory_id] = theory
            rows.append(prediction_row(theory.theory_id, position, joint.outcome, joint.forecast))
        self._met = {}
        return rows

    def forecast_of(self, theory_id: str) -> Forecast | None:
        """Give how likely the next outcome is to come as a theory says, when any may be it; None where none holds."""
        theory = self._theories.get(theory_id)
        if theory is None or theory.last is not None:
            return None
        return Forecast(1, 0.5 if not theory.score.n else _likely(theory.score), 0.0, 0.0, 0.0)

    # Rows and state

    def touch(self, claim: Claim) -> None:
        """Let the theories of a claim be told again: its numbers have changed."""
        for topic in self._topics.get(claim.digest, ()):
            self._touch(topic)

    def touch_all(self) -> None:
        """Let every theory be told again."""
        self._dirty = dict(self._theories)

    def _touch(self, topic: Topic) -> None:
        theory = self._holding.get(topic)
        if theory is not None:
            self._dirty[theory.theory_id] = theory

    def take_rows(self) -> Rows:
        """Give, and forget, the rows to replace."""
        dirty, self._dirty = self._dirty, {}
        return {(theories.name, theory_id): self._row(theory) for theory_id, theory in dirty.items()}

    def rows(self) -> Rows:
        """Give the row of every theory."""
        return {(theories.name, theory_id): self._row(theory) for theory_id, theory in self._theories.items()}

    def _row(self, theory: ComposedTheory) -> dict[str, Any]:
        return theory.row(*(self._said(theory) if theory.last is None else theory.last))

    def _said(self, theory: ComposedTheory) -> tuple[list[str], str]:
        """Give the patterns of a theory, oldest first, and what it says."""
        topic = theory.topic
        claims = sorted(self._members[topic].values(), key=lambda each: (each.first_claimed, each.digest))
        patterns = [each.identity("pattern") for each in claims]
        if topic[1] == CAUSAL:
            return patterns, composed_words.what_writes_do(claims)
        if topic[1] == OPTIMIZATION:
            return patterns, composed_words.what_improves(claims, theory.better)
        if topic[1] == STRUCTURAL:
            return patterns, composed_words.what_moves_together(claims, topic[3])
        return patterns, composed_words.what_is_said(claims)

    def to_state(self) -> list[Any]:
        """Give every theory as plain data; their members are the claims that hold."""
        return [theory.to_state() for theory in self._theories.values()]

    def load(self, state: Sequence[Sequence[Any]]) -> None:
        """Go on from `to_state`, parsed; the claims that hold are taken up one by one."""
        loaded = [ComposedTheory.from_state(each) for each in state]
        self._theories = {theory.theory_id: theory for theory in loaded}
        self._holding = {theory.topic: theory for theory in loaded if theory.last is None}


def _side_and_total(claim: Claim, better: int, done: Done) -> tuple[int, float]:
    """Give which side of a claim's outcome is the better side of its metric, and how much better the metric became."""
    writes, metrics, changes = done
    storage_id, metric = claim.panel.asked(claim.slot)
    total = better * float(changes[metrics.index(metric)])
    if claim.panel.family(claim.slot).key.kind == IMPACT:
        return better, total
    sign = next(write.sign for write in writes if write.storage_id == storage_id)
    return (better if sign > 0 else -better), total


def _likely(score: Score) -> float:
    """Give the share of hits, shrunk as though two more outcomes had gone either way."""
    return min(0.95, max(0.05, (score.hits + 1.0) / (score.n + 2.0)))
