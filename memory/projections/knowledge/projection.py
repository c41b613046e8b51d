"""The projection of knowledge: what was learned, written as rows, and learned anew where an event was amended."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Connection, delete, select

from memory.events.amendments import Amendment
from memory.events.envelope import StoredEvent
from memory.events.observations import Observation
from memory.events.registry import Payload, payload_type
from memory.inference.theories import Forecast
from memory.projections.amendments import Amendments
from memory.projections.base import Contents, Projection
from memory.projections.knowledge.learning import LEARNS_FROM, Learning
from memory.projections.knowledge.pending import PendingRows
from memory.projections.knowledge.snapshots import Snapshots
from memory.projections.knowledge.stated import Stated
from memory.projections.knowledge_tables import (
    architectural_facts,
    belief_revisions,
    beliefs,
    evidence,
    families,
    inference_snapshots,
    inference_state,
    patterns,
    predictions,
    registered_predictions,
    theories,
)
from memory.store.bulk import insert_rows


class KnowledgeProjection(Projection):
    """Settles every evaluation's outcomes; keeps its own rows, replaced as they change.

    At an amendment everything from the last snapshot before the amended event on is learned anew, with every amendment
    so far applied, and learning goes on from there: what had been told before stays told (`told`), and takes back only
    its status.
    """

    name = "knowledge"
    version = 4
    """2: corrections and retractions. 3: every kind of pattern, statistics in tables of their own. 4: rows of pairs say
    what was last settled."""
    folds = (*LEARNS_FROM, Amendment)
    tables = (
        patterns,
        families,
        theories,
        beliefs,
        belief_revisions,
        architectural_facts,
        evidence,
        predictions,
        registered_predictions,
        inference_state,
        inference_snapshots,
    )

    def __init__(self) -> None:
        self.learning = Learning()
        self._amendments = Amendments()
        self._pending = PendingRows()
        self._snapshots = Snapshots()
        self._last = 0
        self._written: dict[str, bytes] = {}

    def fold(self, event: StoredEvent, contents: Contents) -> None:
        """Fold one event in; an amendment looks back at all before it."""
        if event.event_type == Observation.event_type:
            # Of the many observations too little is asked to pay for decoding them.
            fields = contents.fields(event)
            self._snapshot(event.position, self.learning)
            self.learning.observation(event, fields["model"], fields["category"])
            self._last = event.position
            return
        payload = contents.payload(event)
        if not isinstance(payload, Amendment):
            if self._amendments.stands(payload):
                self.apply(event, payload)
        elif issubclass(payload_type(payload.target_type), LEARNS_FROM) and self._amendments.note(event, payload):
            self._learn_anew(event.position, payload.position, contents)

    def apply(self, event: StoredEvent, payload: Payload) -> None:
        """Fold one event in that amends no other."""
        self._snapshot(event.position, self.learning)
        self.learning.apply(event, payload)
        self._last = event.position

    @property
    def stated(self) -> Stated:
        """What was stated."""
        return self.learning.stated

    def forecast_of(self, theory_id: str, context: Any) -> Forecast | None:
        """Give what a theory of the data says about its next outcome, whatever it is asked for; None: nothing."""
        return self.learning.claims.forecast_of(theory_id)

    def _snapshot(self, position: int, learning: Learning) -> None:
        if self._snapshots.due(position, self._last):
            self._snapshots.take(position - 1, learning.parts())

    def _learn_anew(self, position: int, target: int, contents: Contents) -> None:
        """Learn from the amended history, up to just before a position.

        Args:
            position: The amendment.
            target: What it amends: up to there nothing differs, and no outcome has to be written again.
            contents: Where the events before it are.
        """
        self._pending.take(*self.learning.take())
        self._snapshots.forget_from(target)
        found = self._snapshots.before(target)
        start, anew = (0, Learning()) if found is None else (found[0], Learning.from_parts(found[1]))
        self._last = start
        for event in contents.past(position, LEARNS_FROM, after=start):
            payload = self._amendments.applied(event)
            self._snapshot(event.position, anew)
            if payload is not None:
                anew.apply(event, payload)
            self._last = event.position
            if event.position < target:
                anew.forget_outcomes()
        anew.succeed(self.learning, position)
        self.learning = anew
        self._pending.start_over(target, *anew.take_all())

    def flush(self, connection: Connection) -> None:
        """Replace the rows that changed, add evidence and predictions, and keep the statistics."""
        self._pending.take(*self.learning.take())
        self._pending.flush(connection)
        parts = self.parts()
        changed = {name: stored for name, stored in parts.items() if self._written.get(name) != stored}
        stale = [name for name in (*changed, *(self._written.keys() - parts.keys())) if name in self._written]
        for at in range(0, len(stale), 500):
            some = stale[at : at + 500]
            connection.execute(delete(inference_state).where(inference_state.c.part.in_(some)))
        rows = [{"part": name, "packed": stored} for name, stored in changed.items()]
        insert_rows(connection, inference_state, rows)
        self._written = parts
        gone, fresh = self._snapshots.take_changes()
        if gone or fresh:
            positions = [*gone, *(position for position, _ in fresh)]
            connection.execute(delete(inference_snapshots).where(inference_snapshots.c.position.in_(positions)))
            snapshots = [{"position": position, "packed": stored} for position, stored in fresh]
            insert_rows(connection, inference_snapshots, snapshots)

    def parts(self) -> dict[str, bytes]:
        """Give everything the fold needs to go on, by name."""
        own = {"last": self._last, "amendments": self._amendments.to_state()}
        return {"amendments": orjson.dumps(own), **self.learning.parts()}

    def load_parts(self, parts: dict[str, bytes]) -> None:
        """Go on from the parts that another gave."""
        self._written = dict(parts)
        own = orjson.loads(parts["amendments"])
        self._last, self._amendments = own["last"], Amendments.from_state(own["amendments"])
        self.learning = Learning.from_parts({name: each for name, each in parts.items() if name != "amendments"})

    def take_up(self, connection: Connection) -> None:
        """Go on from the statistics that were kept."""
        rows = connection.execute(select(inference_state.c.part, inference_state.c.packed))
        parts = {row.part: bytes(row.packed) for row in rows}
        if parts:
            self.load_parts(parts)
        kept = connection.execute(
            select(inference_snapshots.c.position, inference_snapshots.c.packed).order_by(
                inference_snapshots.c.position
            )
        )
        self._snapshots.load([(row.position, bytes(row.packed)) for row in kept])
