"""Folds what someone stated, without a database: what the tests of stated knowledge share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from memory.events.amendments import Retraction
from memory.events.envelope import StoredEvent
from memory.events.knowledge import BeliefAsserted, PredictionRegistered, TheoryProposed, ValidationRecorded
from memory.events.registry import Payload
from memory.projections.amendments import Amendments
from memory.projections.knowledge.stated import Stated, belief_identity, theory_identity

Row = dict[str, Any]


class Told:
    """A history of what is stated, in the words of the recording API, and the rows it folds into."""

    def __init__(self, history: Any) -> None:
        self.history = history

    @property
    def last(self) -> int:
        return int(self.history.last)

    def propose(self, hypothesis: str = "it rises", **fields: Any) -> str:
        payload = TheoryProposed(**{"theory_type": "causal_model", "hypothesis": hypothesis, **fields})
        self.history.add(payload, fields.get("model"))
        return theory_identity(payload)

    def hold(self, statement: str = "it holds", **fields: Any) -> str:
        payload = BeliefAsserted(**{"belief_type": "heuristic", "statement": statement, "credence": 0.9, **fields})
        self.history.add(payload, fields.get("model"))
        return belief_identity(payload)

    def predict(self, theory_id: str, probability: float = 0.8, **fields: Any) -> int:
        fields = {"direction": 1, "probability": probability, **fields}
        self.history.add(PredictionRegistered(theory_id=theory_id, **fields), None)
        return self.last

    def meet(self, target: str, outcome: bool | float, rests_on: int | None = None, **fields: Any) -> int:
        met = {"came_true": outcome} if isinstance(outcome, bool) else {"value": outcome}
        kind = target.partition("-")[0]
        self.history.add(ValidationRecorded(target_kind=kind, target=target, rests_on=rests_on, **met, **fields), None)
        return self.last

    def folded(self, stated: Stated | None = None) -> dict[str, dict[str, Row]]:
        """Give the rows by table and identity, retractions made as the projection of knowledge makes them."""
        stated = Stated() if stated is None else stated
        return by_table(fold(self.history.stored(), stated)[1])


def fold(events: Iterable[tuple[StoredEvent, Payload]], stated: Stated) -> tuple[Stated, dict[tuple[str, str], Row]]:
    """Fold events one by one, learning anew from the first one at each retraction; give all rows that were written."""
    rows: dict[tuple[str, str], Row] = {}
    amendments, past = Amendments(), list[StoredEvent]()
    for event, payload in events:
        if isinstance(payload, Retraction):
            if amendments.note(event, payload):
                anew = Stated()
                for each in past:
                    applied = amendments.applied(each)
                    if applied is not None:
                        anew.apply(each, applied)
                anew.succeed(stated, event.position)
                stated = anew
        elif amendments.stands(payload):
            stated.apply(event, payload)
        past.append(event)
        rows |= stated.take_rows()
    return stated, rows


def by_table(rows: Mapping[tuple[str, str], Row]) -> dict[str, dict[str, Row]]:
    """Sort rows by their table."""
    tables: dict[str, dict[str, Row]] = {
        name: {} for name in ("theories", "beliefs", "belief_revisions", "registered_predictions")
    }
    for (table, identity), row in rows.items():
        tables[table][identity] = row
    return tables


def stored_and_taken_up(stated: Stated) -> Stated:
    """Give a fold as it is after its process ended and another took it up."""
    again = Stated()
    again.load(orjson.loads(orjson.dumps(stated.to_state())))
    return again
