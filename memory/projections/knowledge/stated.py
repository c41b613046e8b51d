"""What someone stated: theories they proposed, predictions on record, beliefs they asserted, and how these fared.

Kept apart from what the data gave, under identities made of what was said: saying it again changes nothing that was
counted. One event counts once for each theory and belief, however often it is told of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from memory.events.envelope import StoredEvent
from memory.events.knowledge import BeliefAsserted, PredictionRegistered, TheoryProposed, ValidationRecorded
from memory.events.registry import Payload
from memory.inference.theories import Forecast
from memory.projections.knowledge.asserted import HeldBelief, revision, shipped, withdrawn
from memory.projections.knowledge.awaited import Awaited, AwaitedPredictions
from memory.projections.knowledge.fact_rows import Rows, identity
from memory.projections.knowledge.proposed import ProposedTheory
from memory.projections.knowledge_tables import belief_revisions, beliefs, registered_predictions, theories

_COMPARED = ("credence", "strength", "status", "supports", "contradicts")
"""What makes a belief another than it was told to be."""


def theory_identity(payload: TheoryProposed) -> str:
    """Give the identity of a proposed theory: what it says, not how sure of it anyone is."""
    about = (payload.kind, payload.subject, payload.object, payload.method, payload.dose, payload.direction)
    return identity("theory", "proposed", payload.model, payload.theory_type, payload.hypothesis, *about)


def belief_identity(payload: BeliefAsserted) -> str:
    """Give the identity of an asserted belief: its statement, and the model it is about."""
    return identity("belief", "asserted", payload.model, payload.statement)


@dataclass(frozen=True, slots=True)
class Standing:
    """What an outcome of a theory or belief must fit."""

    model: str | None
    since: int
    """What came up to there is no outcome of it."""
    names_a_side: bool
    """Whether an outcome may be a number."""


class Stated:
    """The fold of everything stated; it begins with the core principles in place, and their rows to be taken."""

    def __init__(self) -> None:
        self._theories: dict[str, ProposedTheory] = {}
        self._beliefs = {principle.belief_id: principle for principle in shipped()}
        self._awaited = AwaitedPredictions()
        self._closed: Rows = {}
        """Last rows of what was told and is said by nobody any more."""
        self._rows: Rows = {}
        for principle in self._beliefs.values():
            self._tell(principle, 0, "shipped with every record")

    # Folding

    def apply(self, event: StoredEvent, payload: Payload) -> None:
        """Fold one event in."""
        if isinstance(payload, TheoryProposed):
            self._propose(event, payload)
        elif isinstance(payload, PredictionRegistered):
            prediction = Awaited.of(event, payload)
            self._awaited.add(prediction)
            self._rows[registered_predictions.name, str(prediction.position)] = prediction.row()
        elif isinstance(payload, BeliefAsserted):
            self._assert(event, payload)
        elif isinstance(payload, ValidationRecorded):
            self._validate(event, payload)

    def _propose(self, event: StoredEvent, payload: TheoryProposed) -> None:
        theory_id = theory_identity(payload)
        theory = self._theories.get(theory_id)
        if theory is None:
            closed = self._closed.pop((theories.name, theory_id), None)
            theory = self._theories[theory_id] = ProposedTheory(
                theory_id=theory_id,
                model=payload.model or "",
                theory_type=payload.theory_type,
                hypothesis=payload.hypothesis,
                proposed_by=payload.proposed_by or event.actor,
                direction=payload.direction,
                probability=payload.probability,
                since=event.position,
                first_position=event.position if closed is None else closed["first_position"],
            )
        # What it met so far stays: nobody gets rid of a bad score by proposing again.
        theory.probability = payload.probability
        self._rows[theories.name, theory_id] = theory.row()

    def _assert(self, event: StoredEvent, payload: BeliefAsserted) -> None:
        belief_id, by = belief_identity(payload), payload.asserted_by or event.actor
        held = self._beliefs.get(belief_id)
        closed = self._closed.pop((beliefs.name, belief_id), None)
        first = event.position if closed is None else closed["first_position"]
        belief = self._beliefs[belief_id] = HeldBelief(
            belief_id=belief_id,
            model=payload.model or "",
            belief_type=payload.belief_type,
            statement=payload.statement,
            source="asserted",
            asserted_by=by,
            kind=payload.kind,
            subject=payload.subject,
            object=payload.object,
            direction=payload.direction,
            asserted=payload.credence,
            importance=payload.importance,
            tags=list(payload.tags),
            # A principle is given up by retracting its assertion, not in passing.
            core=payload.core or (held is not None and held.core),
            since=event.position if held is None else held.since,
            first_position=first if held is None else held.first_position,
            last_position=event.position,
        )
        if held is not None:
            belief.supports, belief.contradicts = belief.before = held.supports, held.contradicts
            belief.rested_on = held.rested_on
        again = "" if held is None else " again"
        self._tell(belief, event.position, f"asserted{again}" + ("" if by is None else f" by {by}"))

    def _validate(self, event: StoredEvent, payload: ValidationRecorded) -> None:
        stated: Mapping[str, ProposedTheory | HeldBelief]
        stated = self._theories if payload.target_kind == "theory" else self._beliefs
        target = stated.get(payload.target)
        if target is None:
            return
        rests_on = payload.rests_on
        # What is written past the API may say anything: nothing rests on what comes after it.
        if rests_on is None or rests_on >= event.position:
            self._meet(event.position, event.position, target, payload)
        elif rests_on <= target.since:
            self._not_counted(event.position, target, f"the event at position {rests_on} was there before it was said")
        elif rests_on in target.rested_on:
            self._not_counted(event.position, target, f"told again of position {rests_on}, which counts once")
        else:
            target.rested_on.add(rests_on)
            self._meet(event.position, rests_on, target, payload)

    def _not_counted(self, position: int, target: ProposedTheory | HeldBelief, reason: str) -> None:
        if isinstance(target, HeldBelief):
            self._tell(target, position, f"not counted: {reason}")

    def _meet(
        self, position: int, came_at: int, target: ProposedTheory | HeldBelief, payload: ValidationRecorded
    ) -> None:
        """Count an outcome.

        Args:
            position: The event that tells of it.
            came_at: Where it came: only predictions on record before that are about it.
            target: What it is an outcome of.
            payload: The outcome.
        """
        if isinstance(target, HeldBelief):
            if payload.came_true is not None:
                target.meet(position, payload.came_true)
                self._tell(target, position, _in_words(target, payload))
            return
        outcome = payload.came_true if payload.value is None else payload.value
        if outcome is None:
            return
        awaited = self._awaited.take(target.theory_id, came_at)
        hit = target.meet(position, outcome, awaited[-1].forecast() if awaited else None)
        for each in awaited:
            row = each.row(position, payload.value, hit)
            self._rows[registered_predictions.name, str(each.position)] = row
        self._rows[theories.name, target.theory_id] = target.row()

    def _tell(self, belief: HeldBelief, position: int, reason: str) -> None:
        row = belief.row()
        self._rows[beliefs.name, belief.belief_id] = row
        self._revise(row, position, reason)

    def _revise(self, row: Mapping[str, Any], position: int, reason: str) -> None:
        self._rows[belief_revisions.name, f"{row['belief_id']}@{position}"] = revision(row, position, reason)

    # What others ask

    def awaits(self, theory_id: str) -> bool:
        """Say whether a prediction about a theory waits for its outcome."""
        return theory_id in self._awaited

    def resolve(self, theory_id: str, position: int, outcome: float, hit: bool | None) -> None:
        """Give every prediction about a theory of the data that was on record before an outcome this outcome.

        Args:
            theory_id: The theory.
            position: The outcome.
            outcome: With the sign the theory looks at; it may be not finite.
            hit: Whether it came on the theory's side; None where it says nothing about that.
        """
        for each in self._awaited.take(theory_id, position):
            self._rows[registered_predictions.name, str(each.position)] = each.row(position, outcome, hit)

    def forecast(self, theory_id: str) -> Forecast | None:
        """Give what a proposed theory says about its next outcome; None where nobody proposed it."""
        theory = self._theories.get(theory_id)
        return None if theory is None else theory.forecast()

    def standing(self, target: str) -> Standing | None:
        """Give what an outcome of a theory or belief must fit; None where nobody states it now."""
        theory, belief = self._theories.get(target), self._beliefs.get(target)
        if theory is not None:
            return Standing(theory.model or None, theory.since, theory.direction is not None)
        return None if belief is None else Standing(belief.model or None, belief.since, names_a_side=False)

    # Amendments

    def rows(self) -> Rows:
        """Give the row of everything that was ever told, and of predictions that wait for their outcome."""
        rows = dict(self._closed)
        rows |= {(theories.name, each.theory_id): each.row() for each in self._theories.values()}
        rows |= {(beliefs.name, each.belief_id): each.row() for each in self._beliefs.values()}
        return rows | {(registered_predictions.name, str(each.position)): each.row() for each in self._awaited}

    def succeed(self, before: Stated, position: int) -> None:
        """Take the place of another, from an amendment on: this one is of the amended history.

        What was told stays told: no row vanishes, no first position moves, and of a belief's history only what the
        amendment changes is added, where it stands.

        Args:
            before: What was stated until then.
            position: The amendment.
        """
        self._rows = {key: row for key, row in self._rows.items() if key[0] == registered_predictions.name}
        told = before.rows()
        for theory in self._theories.values():
            if (theories.name, theory.theory_id) in told:
                theory.first_position = told[theories.name, theory.theory_id]["first_position"]
        for belief in self._beliefs.values():
            row = told.get((beliefs.name, belief.belief_id))
            if row is not None:
                belief.first_position = row["first_position"]
                belief.last_position = max(belief.last_position, row["last_position"])
            if row is None or any(row[name] != belief.row()[name] for name in _COMPARED):
                belief.last_position = position
                self._revise(belief.row(), position, "what it rested on was retracted")
        for (table, each), row in told.items():
            if table == theories.name and each not in self._theories:
                self._closed[table, each] = {**row, "status": "retracted"}
            elif table == beliefs.name and each not in self._beliefs:
                still = row["status"] == "retracted"
                self._closed[table, each] = row if still else withdrawn(row, position)
                if not still:
                    self._revise(self._closed[table, each], position, "nobody says so any more: it was retracted")
        self._rows |= self.rows()

    # Rows and state

    def take_rows(self) -> Rows:
        """Give, and forget, the rows to write.

        Those of `theories`, `beliefs` and `registered_predictions` take the place of the rows they are known by; of
        `belief_revisions` each is given once.
        """
        rows, self._rows = self._rows, {}
        return rows

    def forget_revisions(self) -> None:
        """Forget the revisions that wait to be taken: they are written already."""
        self._rows = {key: row for key, row in self._rows.items() if key[0] != belief_revisions.name}

    def to_state(self) -> dict[str, Any]:
        """Give everything as data that orjson writes."""
        return {
            "theories": [each.to_state() for each in self._theories.values()],
            "beliefs": [each.to_state() for each in self._beliefs.values()],
            "awaited": self._awaited.to_state(),
            "closed": [[table, each, row] for (table, each), row in self._closed.items()],
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from `to_state`, parsed."""
        self._theories = {each["theory_id"]: ProposedTheory.from_state(each) for each in state["theories"]}
        self._beliefs = {each["belief_id"]: HeldBelief.from_state(each) for each in state["beliefs"]}
        self._awaited.load(state["awaited"])
        self._closed = {(table, each): row for table, each, row in state["closed"]}
        self._rows = {}


def _in_words(belief: HeldBelief, payload: ValidationRecorded) -> str:
    came = "an outcome came as it says" if payload.came_true else "an outcome came otherwise"
    rested = "" if payload.rests_on is None else f", by the event at position {payload.rests_on}"
    noted = f": {payload.note}" if payload.note else ""
    stays = "; it is a core principle, and stands" if belief.core and not payload.came_true else ""
    return f"{came}{rested}{noted}{stays}"
