"""Settles evidence: to pattern, from pattern to theory, from theory to belief; and back, when they fail.

Statuses change only at a settlement. Every forecast is made from the state strictly before its outcome. What is
guaranteed, under which assumption, is said in `memory.inference`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from memory.inference.paired import Bets
from memory.inference.retraction import EDetector
from memory.inference.scale_rows import Floats, Index
from memory.inference.theories import Forecast, forecast
from memory.projections.knowledge.claim import CONCERNS, Claim
from memory.projections.knowledge.composed import Composed, Done
from memory.projections.knowledge.contest import Contest
from memory.projections.knowledge.panel import Panel, Touched, Why
from memory.projections.knowledge.rows import (
    evidence_rows,
    knowledge_rows,
    prediction_row,
    revision_row,
    withdrawn_revision,
)
from memory.projections.knowledge.told import Replaced, Told
from memory.projections.knowledge.write_panels import WritePanel
from memory.projections.knowledge_tables import belief_revisions, beliefs, predictions

PROSPECTIVE_LOG_E = math.log(20.0)
"""A belief needs this much evidence from predictions alone."""
PROMOTING_CREDENCE = 0.95
RETAINED_CREDENCE = 0.5

Added = list[tuple[str, dict[str, Any]]]
"""(table, row)."""
Dropped = Callable[[int, Panel, int, Why | None], None]
"""Told of a hypothesis that turned out to be none: position, panel, slot, and what its gate said; None: it is one."""
Resolve = Callable[[str, int, float, bool | None], None]
"""Told of the outcome a theory was scored on: theory, position, outcome, whether it came as the theory says."""


class Claims:
    """Everything that is claimed, and the theories and beliefs made of it.

    Args:
        dropped: Told of hypotheses that are dropped before they are claimed.
        resolve: Told of outcomes that theories are scored on.
        composed: Told of every claim and forecast: the theories made of several.
    """

    def __init__(self, dropped: Dropped, resolve: Resolve, composed: Composed) -> None:
        self._dropped = dropped
        self._resolve = resolve
        self.composed = composed
        self.contests: dict[str, Contest] = {}
        self._active: dict[str, dict[str, Claim]] = {}
        """Model to the claims that hold now, by digest."""
        self.told = Told()
        self._dirty: dict[str, Claim] = {}
        self._final: Replaced = {}
        self._history: Added = []
        self._revisions: dict[tuple[str, int], dict[str, Any]] = {}
        self._evidence: dict[str, list[dict[str, Any]]] = {}

    # Theories

    def foresee(self, panel: WritePanel, index: Index, restless: Floats) -> list[tuple[int, Claim, Forecast | None]]:
        """Forecast the next outcomes of those of some slots that are claimed: (place in the index, claim, forecast)."""
        if not panel.claims:
            return []
        found: list[tuple[int, Claim, Forecast | None]] = []
        for at, slot in enumerate(index.tolist()):
            claim = panel.claims.get(slot)
            if claim is not None:
                found.append((at, claim, _forecast(panel, claim, float(restless[at]))))
        return found

    def score(self, foreseen: Sequence[tuple[int, Claim, Forecast | None]], bets: Bets, done: Done) -> None:
        """Score the theories about the outcome of an act, and let the watches over beliefs see it."""
        for at, claim, prediction in foreseen:
            if prediction is not None:
                outcome, propensity = float(bets.outcomes[at]), float(bets.propensity[at])
                self._score(claim, prediction, outcome, bets.position, propensity, done=done)

    def _score(
        self,
        claim: Claim,
        prediction: Forecast,
        outcome: float,
        position: int,
        propensity: float,
        log_factor: float | None = None,
        done: Done | None = None,
    ) -> None:
        before = claim.score.log_e
        claim.score.update(prediction, outcome, propensity, log_factor)
        self.composed.met(claim, prediction, outcome, claim.score.log_e - before, done)
        claim.last_scored = position
        row = prediction_row(claim.identity("theory"), position, outcome, prediction)
        self._history.append((predictions.name, row))
        if claim.belief_since is not None and row["hit"] is not None:
            claim.supports += row["hit"]
            claim.contradicts += not row["hit"]
        if claim.detector is not None:
            claim.detector.expect(prediction.direction * prediction.mean)
            claim.detector.update(outcome, propensity)
        self._resolve(claim.identity("theory"), position, outcome, row["hit"])
        self._touch(claim)

    def score_blocks(self, panel: Panel, index: Index, position: int) -> None:
        """Score the theories of a panel whose statistic comes in blocks, by the block that has just settled."""
        if not panel.claims:
            return
        settled = set(index.tolist())
        for claim in [claim for slot, claim in panel.claims.items() if slot in settled]:
            now, before = _seen(panel, claim.slot), claim.seen
            if now[0] <= before[0]:
                continue
            blocks = now[0] - before[0]
            outcome = (now[1] - before[1]) / blocks
            self._score(claim, claim.block_forecast(), outcome, position, 0.5, now[3] - before[3])
            claim.see(now)

    # Settlements

    def settle(self, position: int, model: str, touched: Touched) -> None:
        """Decide anew what is claimed and believed.

        Args:
            position: The event that settled it.
            model: The model all of it is about.
            touched: What changed.
        """
        contest = self._contest(model)
        matters = False
        concerned: list[Claim] = []
        for panel, index in touched:
            if not isinstance(panel, WritePanel):
                self.score_blocks(panel, index, position)
                self._reopen(position, panel)
            matters |= contest.put(panel, index)
            if panel.claims:
                slots = set(index.tolist())
                concerned += [claim for slot, claim in panel.claims.items() if slot in slots]
        for row in self.composed.settle(position):
            self._history.append((predictions.name, row))
            self._resolve(row["theory_id"], position, row["outcome"], row["hit"])
        for claim in concerned:
            claim.last_settled = position
            self._touch(claim)
        if matters:
            self._decide_claims(position, model, concerned)
        if self._decide_beliefs(position, model, concerned):
            self._decide_claims(position, model, ())

    def _contest(self, model: str) -> Contest:
        contest = self.contests.get(model)
        if contest is None:
            contest = self.contests[model] = Contest()
        return contest

    def _touch(self, claim: Claim) -> None:
        claim.changed()
        self._dirty[claim.digest] = claim

    def _decide_claims(self, position: int, model: str, concerned: Sequence[Claim]) -> None:
        """Let e-BH say which hypotheses of a model are claimed now; claims may come and go.

        A claim whose evidence has come to speak for the other direction is withdrawn, and asked anew. What a gate
        says is no hypothesis at all is dropped, and the rest decided without it.

        Args:
            position: The settlement.
            model: The model.
            concerned: The claims whose evidence it has changed.
        """
        turned = {
            claim.digest
            for claim in concerned
            if claim.status == "active" and claim.direction * claim.panel.direction(claim.slot) < 0
        }
        active = self._active.setdefault(model, {})
        contest = self._contest(model)
        while True:
            again = False
            holding: dict[str, Claim] = {}
            claimed = contest.claimed()
            if not turned and len(claimed) == len(active) and all(_holds(active, *each) for each in claimed):
                return
            for panel, slot in sorted(claimed, key=lambda each: (each[0].name, each[1])):
                claim = panel.claims.get(slot)
                if claim is None or claim.status != "active":
                    why = panel.gate(slot)
                    if why is not None:
                        self._drop(position, panel, slot, why)
                        again = True
                        continue
                    if claim is None:
                        claim = self._claim(position, panel, slot)
                    else:
                        self._set_status(claim, position, "active", "its evidence is enough again")
                elif claim.digest in turned:
                    self._retract(claim, position, "its evidence came to speak for the other direction")
                    again = True
                    continue
                holding[claim.digest] = claim
            for digest, claim in list(active.items()):
                if digest not in holding and claim.status == "active":
                    self._set_status(claim, position, "weakened", "its evidence is not enough any more")
            active.clear()
            active.update(holding)
            if not again:
                return

    def _drop(self, position: int, panel: Panel, slot: int, why: Why) -> None:
        claim = panel.claims.get(slot)
        if claim is not None:
            self._close(claim, position, why[1])
        panel.dropped[slot] = float(panel.log_weight[slot])
        panel.log_weight[slot] = -math.inf
        panel.changed()
        self._contest(panel.model).put(panel, _only(slot))
        self._dropped(position, panel, slot, why)

    def _reopen(self, position: int, panel: Panel) -> None:
        """Ask again what was dropped for looking like one thing, where it has since been seen to be two."""
        for slot, log_weight in list(panel.dropped.items()):
            why = panel.gate(slot)
            if why is None:
                del panel.dropped[slot]
                panel.log_weight[slot] = log_weight
                panel.changed()
                self._contest(panel.model).put(panel, _only(slot))
            self._dropped(position, panel, slot, why)

    def _claim(self, position: int, panel: Panel, slot: int) -> Claim:
        """Make a first claim, and bear the theory that will be tested on what comes after it."""
        about, direction = panel.about(slot), panel.direction(slot)
        if not direction and not panel.family(slot).key.aspect:
            direction = 1 if panel.moments(slot)[1] > 0 else -1
        claim = Claim(panel, slot, position, direction, about.subject, about.object, about.subject_names)
        claim.seen = _seen(panel, slot)
        claim.last_settled = position
        panel.claims[slot] = claim
        self._touch(claim)
        self.composed.changed(position, claim)
        return claim

    def _set_status(self, claim: Claim, position: int, status: str, reason: str) -> None:
        if claim.status == status:
            return
        claim.status = status
        if claim.belief_since is not None:
            claim.belief_status, claim.belief_changed = status, position
            self._revise(claim, position, reason)
        self._touch(claim)
        self.composed.changed(position, claim)

    def _revise(self, claim: Claim, position: int, reason: str) -> None:
        row = revision_row(claim, position, reason)
        self._revisions[row["belief_id"], position] = row

    def _decide_beliefs(self, position: int, model: str, concerned: Sequence[Claim]) -> bool:
        """Form and retract beliefs in what the settled outcomes bear on; say whether one was retracted."""
        retracted = False
        for claim in concerned:
            if claim.status == "retracted" or not claim.direction:
                continue
            if claim.belief_since is None:
                self._try_to_believe(claim, position)
                continue
            family = claim.panel.family(claim.slot)
            credence = family.credence(claim.panel, claim.slot, claim.direction)
            moved, claim.credence = abs(credence - claim.credence) > CONCERNS, credence
            self._touch(claim)
            alarmed = claim.detector is not None and claim.detector.alarmed
            if alarmed or credence < RETAINED_CREDENCE:
                reason = "what it speaks of has shrunk or gone" if alarmed else "its credence fell below one half"
                self._retract(claim, position, reason)
                retracted = True
            elif moved:
                self._revise(claim, position, "an outcome")
        return retracted

    def _try_to_believe(self, claim: Claim, position: int) -> None:
        n, mean, _ = claim.panel.moments(claim.slot)
        if claim.status != "active" or claim.score.log_e < PROSPECTIVE_LOG_E or not n or claim.direction * mean <= 0:
            return
        credence = claim.panel.family(claim.slot).credence(claim.panel, claim.slot, claim.direction)
        if credence >= PROMOTING_CREDENCE and self._contest(claim.panel.model).lasting(claim.panel, claim.slot):
            claim.credence = credence
            claim.belief_since = claim.belief_changed = position
            claim.belief_status = "active"
            if isinstance(claim.panel, WritePanel):
                claim.detector = EDetector.over(claim.panel.process(claim.slot), claim.direction)
            else:
                claim.detector = EDetector(direction=claim.direction, effect=claim.direction * mean)
            self._revise(claim, position, "its theory's predictions came true often enough")
            self._touch(claim)

    def _retract(self, claim: Claim, position: int, reason: str) -> None:
        """Withdraw pattern, theory and belief, and ask the question anew with evidence at 1."""
        self._close(claim, position, reason)
        claim.panel.renew(claim.slot)
        self._contest(claim.panel.model).put(claim.panel, _only(claim.slot))

    def _close(self, claim: Claim, position: int, reason: str) -> None:
        self._set_status(claim, position, "retracted", reason)
        rows = knowledge_rows(claim)
        self.told.close(rows)
        self._final |= self.told.tell(rows)
        self._evidence[claim.identity("pattern")] = evidence_rows(claim)
        self._dirty.pop(claim.digest, None)
        self._active.get(claim.panel.model, {}).pop(claim.digest, None)
        claim.panel.claims.pop(claim.slot, None)

    def ask_again(self, position: int, panel: Panel, slots: Sequence[int], reason: str) -> None:
        """Start the evidence of some questions again; what is claimed of them is withdrawn."""
        for slot in slots:
            claim = panel.claims.get(slot)
            if claim is not None:
                self._close(claim, position, reason)
            panel.renew(slot)
            self._contest(panel.model).put(panel, _only(slot))

    def end(self, position: int, panel: Panel, slots: Sequence[int], reason: str, *, status: str = "weakened") -> None:
        """Let questions rest for good: what they ask about is no more. Claims of them hold no longer.

        Args:
            position: Why they do.
            panel: Their panel.
            slots: Which.
            reason: The same in words.
            status: What becomes of claims: `weakened`, or `retracted` where they should never have been made.
        """
        for slot in slots:
            # What a gate keeps back is not to be asked again either.
            if panel.dropped.pop(slot, None) is not None:
                panel.changed()
            if panel.log_weight[slot] == -math.inf:
                continue
            panel.log_weight[slot] = -math.inf
            panel.changed()
            self._contest(panel.model).put(panel, _only(slot))
            claim = panel.claims.get(slot)
            if claim is not None:
                if status == "retracted":
                    self._close(claim, position, reason)
                else:
                    self._set_status(claim, position, status, reason)
                self._active.get(panel.model, {}).pop(claim.digest, None)

    def reconsider(self, position: int, model: str) -> None:
        """Decide anew after questions were asked again or ended."""
        self._decide_claims(position, model, ())

    # Rows

    def take_rows(self) -> tuple[Replaced, Added, dict[str, list[dict[str, Any]]]]:
        """Give, and forget, what changed: rows to replace, rows to add, and the evidence of claims by pattern."""
        replaced, evidence = self._final, self._evidence
        added = self._history + [(belief_revisions.name, row) for row in self._revisions.values()]
        for claim in self._dirty.values():
            replaced |= self.told.tell(knowledge_rows(claim))
            evidence[claim.identity("pattern")] = evidence_rows(claim)
            self.composed.touch(claim)
        replaced |= self.told.tell(self.composed.take_rows())
        self._dirty, self._final, self._history, self._revisions, self._evidence = {}, {}, [], {}, {}
        return replaced, added, evidence

    def rows(self) -> Replaced:
        """Give the row of everything that was ever claimed, as it is told."""
        return self.told.tell(self.told.withdrawn | self._claimed())

    def _claimed(self) -> Replaced:
        """Give the row of everything that was ever claimed, as this history alone would tell it."""
        rows = dict(self.told.closed)
        for claim in self.all():
            rows |= knowledge_rows(claim)
        return rows | self.composed.rows()

    def forecast_of(self, theory_id: str) -> Forecast | None:
        """Give what a theory says about its next outcome; None where none of that identity holds."""
        for claim in self.all():
            if claim.identity("theory") == theory_id:
                if not isinstance(claim.panel, WritePanel):
                    return claim.block_forecast()
                return _forecast(claim.panel, claim)
        return self.composed.forecast_of(theory_id)

    def succeed(self, before: Claims, position: int) -> None:
        """Take the place of other claims, from an amendment on: these are of the amended history.

        Args:
            before: The claims until then.
            position: The amendment.
        """
        was, now = before.rows(), self._claimed()
        self.told = self.told.after(position, was, now, before.told)
        # What was told of a belief stays told: only what the amendment changes is added.
        self._revisions = {}
        for claim in self.all():
            key = beliefs.name, claim.identity("belief")
            if claim.belief_since is not None and self.told.changed.get(key[1]) == position:
                self._revise(claim, position, "an event it rested on was amended")
        for key, row in was.items():
            if key[0] == beliefs.name and key not in now and row["status"] != "retracted":
                self._revisions[key[1], position] = withdrawn_revision(row, position)

    def forget_outcomes(self) -> None:
        """Forget the rows of outcomes that wait to be taken: they are written already."""
        self._history, self._revisions = [], {}

    def touch_all(self) -> None:
        """Let every claim's rows be written again."""
        for claim in self.all():
            self._dirty[claim.digest] = claim
        self.composed.touch_all()

    def all(self) -> Iterator[Claim]:
        """Yield every claim whose question was not asked anew."""
        for contest in self.contests.values():
            for panel in contest:
                yield from panel.claims.values()

    def load_claim(self, claim: Claim) -> None:
        """Take up a claim of a stored state."""
        claim.panel.claims[claim.slot] = claim
        self.composed.take_up(claim)
        if claim.status == "active":
            self._active.setdefault(claim.panel.model, {})[claim.digest] = claim

    def load_panel(self, panel: Panel) -> None:
        """Take up a panel of a stored state."""
        self._contest(panel.model).put(panel, _all(panel))


def _forecast(panel: WritePanel, claim: Claim, restless: float = 1.0) -> Forecast | None:
    if not claim.direction:
        return None
    return forecast(panel.process(claim.slot), claim.direction, claim.score.standing, restless)


def _seen(panel: Panel, slot: int) -> tuple[float, float, float, float]:
    n, mean, deviation = panel.moments(slot)
    total = mean * n if n else 0.0
    squares = (deviation * deviation * (n - 1.0) + n * mean * mean) if n > 1 and math.isfinite(deviation) else total
    return n, total, squares, float(panel.log_e[slot])


def _holds(active: Mapping[str, Claim], panel: Panel, slot: int) -> bool:
    claim = panel.claims.get(slot)
    return claim is not None and claim.status == "active" and claim.digest in active


def _only(slot: int) -> Index:
    return np.array([slot], dtype=np.int64)


def _all(panel: Panel) -> Index:
    return np.arange(panel.slots)
