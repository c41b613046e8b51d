"""The projection of knowledge: what was learned, written as rows, and learned anew where an event was amended."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Connection

from memory.events.amendments import Amendment
from memory.events.envelope import StoredEvent
from memory.events.registry import Payload, payload_type
from memory.projections.amendments import Amendments
from memory.projections.base import Contents, Projection
from memory.projections.knowledge.learning import LEARNS_FROM, Learning
from memory.projections.knowledge.pending import PendingRows
from memory.projections.knowledge_tables import architectural_facts, beliefs, evidence, patterns, predictions, theories


class KnowledgeProjection(Projection):
    """Settles every evaluation's outcomes; keeps its own rows, replaced as they change.

    At an amendment everything is learned anew from the first event on, with every amendment so far applied, and
    learning goes on from there: what had been told before stays told (`told`), and takes back only its status.
    """

    name = "knowledge"
    version = 2
    """2: corrections and retractions."""
    folds = (*LEARNS_FROM, Amendment)
    tables = (patterns, theories, beliefs, architectural_facts, evidence, predictions)

    def __init__(self) -> None:
        self.learning = Learning()
        self._amendments = Amendments()
        self._pending = PendingRows()

    def fold(self, event: StoredEvent, contents: Contents) -> None:
        """Fold one event in; an amendment looks back at all before it."""
        payload = contents.payload(event)
        if not isinstance(payload, Amendment):
            self.apply(event, payload)
        elif issubclass(payload_type(payload.target_type), LEARNS_FROM) and self._amendments.note(event, payload):
            self._learn_anew(event.position, payload.position, contents)

    def apply(self, event: StoredEvent, payload: Payload) -> None:
        """Fold one event in that amends no other."""
        self.learning.apply(event, payload)

    def _learn_anew(self, position: int, target: int, contents: Contents) -> None:
        """Learn from the amended history, up to just before a position.

        Args:
            position: The amendment.
            target: What it amends: up to there nothing differs, and no outcome has to be written again.
            contents: Where the events before it are.
        """
        self._pending.take(*self.learning.take_rows())
        anew = Learning()
        for event in contents.past(position, LEARNS_FROM):
            payload = self._amendments.applied(event)
            if payload is not None:
                anew.apply(event, payload)
            if event.position < target:
                anew.claims.forget_outcomes()
        anew.claims.succeed(self.learning.claims, position)
        self.learning = anew
        replaced, added = anew.take_rows()
        self._pending.start_over(target, replaced | anew.claims.rows(), added)

    def flush(self, connection: Connection) -> None:
        """Replace the rows that changed, and add evidence and predictions."""
        self._pending.take(*self.learning.take_rows())
        self._pending.flush(connection)

    def state(self) -> str:
        """Give everything the fold needs to go on."""
        state: dict[str, Any] = {"learning": self.learning.to_state(), "amendments": self._amendments.to_state()}
        return orjson.dumps(state).decode()

    def load(self, state: str | None) -> None:
        """Go on from a stored state."""
        stored = orjson.loads(state) if state else None
        self.learning = Learning() if stored is None else Learning.from_state(stored["learning"])
        self._amendments = Amendments() if stored is None else Amendments.from_state(stored["amendments"])
