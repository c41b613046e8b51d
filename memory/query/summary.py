"""What a record holds, at a glance: asked of a few small tables, without bringing anything up to date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from memory.errors import DatabaseError
from memory.events.envelope import from_microseconds, model_of
from memory.projections.knowledge_tables import architectural_facts, beliefs, patterns, theories
from memory.projections.tables import projections
from memory.projections.weight_tables import checkpoints
from memory.query.html import card_html, list_html
from memory.query.safety_log import SafetyLog
from memory.store.head import read_head
from memory.store.log import EventStore
from memory.store.tables import appends, streams


@dataclass(frozen=True, slots=True)
class Summary:
    """What a record holds, as far as its tables are folded."""

    place: str
    events: int
    """Positions are contiguous, so the last one counts them."""
    recorded_at: datetime | None
    """When the last append was made; None for a log without one."""
    folded: int
    """The event up to which every table is folded; 0 where none ever was."""
    models: tuple[str, ...]
    beliefs: int
    """Active ones; what was shipped is not counted."""
    patterns: int
    theories: int
    dropped: int
    """Correlations that architecture explains."""
    checkpoints: int
    stops: tuple[str, ...]
    """Why models are stopped: emergencies that nobody cleared, oldest first."""

    def _repr_html_(self) -> str:
        facts = {
            "place": self.place,
            "events": self.events,
            "last recorded": self.recorded_at,
            "models": self.models or "none attached yet",
            "beliefs": self.beliefs,
            "patterns": self.patterns,
            "theories": self.theories,
            "dropped as architecture": self.dropped,
            "checkpoints": self.checkpoints,
            "not folded yet": f"{self.events - self.folded} events" if self.events > self.folded else None,
        }
        return card_html("Palimpsest memory", facts, list_html("EMERGENCY STOPS", self.stops))


def summarise(store: EventStore) -> Summary:
    """Give what a record holds.

    Raises:
        DatabaseError: It cannot be read, or was closed.
    """
    with store.database.reading() as connection:
        head = read_head(connection)
        made = connection.execute(select(appends.c.recorded_at).where(appends.c.append_id == head.append_id))
        moment = made.scalar_one() if head.position else None
        counts = [
            select(func.count()).select_from(table).where(condition).scalar_subquery()
            for table, condition in (
                (beliefs, (beliefs.c.status == "active") & (beliefs.c.source != "shipped")),
                (patterns, patterns.c.status == "active"),
                (theories, theories.c.status == "active"),
                (architectural_facts, architectural_facts.c.to_position.is_(None)),
                (checkpoints, checkpoints.c.deleted_position.is_(None)),
            )
        ]
        believed, claimed, explained, dropped, saved = connection.execute(select(*counts)).one()
        folded = connection.execute(select(func.min(projections.c.position))).scalar_one()
        names = connection.execute(select(streams.c.name).where(streams.c.category == "model")).scalars().all()
    return Summary(
        place=str(store.database.location),
        events=head.position,
        recorded_at=None if moment is None else from_microseconds(moment),
        folded=folded or 0,
        models=tuple(sorted(model for model in map(model_of, names) if model is not None)),
        beliefs=believed,
        patterns=claimed,
        theories=explained,
        dropped=dropped,
        checkpoints=saved,
        # Asked of the log: a stop holds from when it was recorded, whatever is folded.
        stops=tuple(stop.message for _, stop in sorted(SafetyLog(store).standing().items())),
    )


def memory_html(store: EventStore) -> str:
    """Give a memory as a card for a notebook; that it was closed, or why it cannot be read, is said there too."""
    try:
        return summarise(store)._repr_html_()
    except DatabaseError as error:
        return card_html("Palimpsest memory", {"place": str(store.database.location), "cannot be read": error.message})
