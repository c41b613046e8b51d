"""What changed last in what is believed: as far as it is folded, without folding anything."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from memory.projections.knowledge_tables import belief_revisions, beliefs
from memory.projections.tables import projections
from memory.query.safety_log import SafetyLog, StandingEmergency
from memory.store.head import read_head
from memory.store.log import EventStore


@dataclass(frozen=True, slots=True)
class BeliefChange:
    """One state that a belief came to."""

    position: int
    belief_id: str
    statement: str
    credence: float
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Recent:
    """What is known and in force at a moment."""

    folded: int
    """The event up to which beliefs are folded."""
    changes: tuple[BeliefChange, ...]
    """The last changes of beliefs, the newest first; what was shipped is not among them."""
    stops: tuple[StandingEmergency, ...]
    """Emergencies that nobody cleared, oldest first; these are known whatever is folded."""
    head: int = 0
    """The last event there is."""


class RecentlyKnown:
    """Looks at one log again and again.

    Args:
        store: The log.
        limit: How many changes of beliefs are given.
    """

    def __init__(self, store: EventStore, limit: int = 20) -> None:
        self._store = store
        self._safety = SafetyLog(store)
        changed, about = belief_revisions.c, beliefs.c
        self._changes = (
            select(
                changed.position, changed.belief_id, about.statement, changed.credence, changed.status, changed.reason
            )
            .select_from(belief_revisions.join(beliefs, about.belief_id == changed.belief_id))
            .where(changed.position > 0)
            .order_by(changed.position.desc(), changed.belief_id)
            .limit(limit)
        )
        self._seen: tuple[int, tuple[BeliefChange, ...]] = (-1, ())
        self._folded = select(func.min(projections.c.position)).where(projections.c.name == "knowledge")

    def look(self) -> Recent:
        """Give what is known now.

        Raises:
            DatabaseError: The database cannot be read.
        """
        with self._store.database.reading() as connection:
            head = read_head(connection).position
            folded = connection.execute(self._folded).scalar_one() or 0
            if folded != self._seen[0]:
                rows = connection.execute(self._changes).mappings()
                self._seen = folded, tuple(BeliefChange(**row) for row in rows)
        changes = self._seen[1]
        standing = self._safety.standing()
        return Recent(folded, changes, tuple(standing[position] for position in sorted(standing)), head)
