"""What the rooms above give to safety: the models, the record to write to, and what is known by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from introspection.html import card_html, table_html
from introspection.sharing import SharingMap
from memory.events.safety import EmergencyCleared, SafetyAlert
from memory.safety.metric_rules import Better

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


class WatchedModel(Protocol):
    """An attached model, or only its sharing map."""

    @property
    def name(self) -> str:
        """The name it is known by."""

    @property
    def sharing(self) -> SharingMap:
        """Its sharing map now."""

    @property
    def module(self) -> Module | None:
        """The live model; None where only a map was attached."""

    def tensor(self, name: str) -> Tensor:
        """Give the live tensor under a name."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert, as it is on record."""

    level: str
    """info, warning, critical or emergency."""
    category: str
    message: str
    timestamp: datetime
    """When it was raised, UTC."""
    details: Mapping[str, Any]
    model: str | None
    rule: str | None
    """The rule that saw it; None where a person or the monitor raised it."""
    layers: tuple[str, ...]
    act_id: str | None
    position: int | None
    """Its place in the log; None while the batch it was recorded in is open."""
    stops: bool
    """Whether it stops the model: an emergency that nobody cleared."""

    def to_dict(self) -> dict[str, Any]:
        """Give it as data that JSON has words for (details may hold NaN where that was measured)."""
        return {
            "level": self.level,
            "category": self.category,
            "message": self.message,
            "timestamp": self.timestamp.isoformat(),
            "details": dict(self.details),
            "model": self.model,
            "rule": self.rule,
            "layers": list(self.layers),
            "act_id": self.act_id,
            "position": self.position,
            "stops": self.stops,
        }

    def _repr_html_(self) -> str:
        facts = {
            "message": self.message,
            "model": self.model,
            "rule": self.rule,
            "layers": self.layers or None,
            "act": self.act_id,
            "when": self.timestamp,
            "position": self.position,
            "stops the model": "yes, until it is cleared" if self.stops else None,
        }
        details = [{"detail": name, "value": value} for name, value in self.details.items()]
        return card_html(f"{self.level}: {self.category}", facts, *([table_html(details)] if details else []))


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """Which alerts are asked for."""

    levels: tuple[str, ...] = ()
    """Only of these levels; empty: of every one."""
    category: str | None = None
    model: str | None = None
    within: timedelta | None = None
    """Only those of so long until now."""
    limit: int | None = None
    newest_first: bool = True


@dataclass(frozen=True, slots=True)
class Stop:
    """An emergency that nobody cleared yet."""

    position: int | None
    """Its place in the log; None for one that could not be recorded."""
    model: str | None
    """The model it stops; None: every one."""
    message: str

    def concerns(self, model: str) -> bool:
        """Whether it stops a model."""
        return self.model is None or self.model == model


@dataclass(frozen=True, slots=True)
class MetricMeaning:
    """What a metric was defined to mean."""

    better: Better | None = None
    smallest_effect: float = 0.0


@dataclass(frozen=True, slots=True)
class HeldBelief:
    """A belief that bears on a write."""

    belief_id: str
    belief_type: str
    statement: str
    credence: float
    strength: str


class Surroundings(Protocol):
    """Everything safety needs of the rooms it may not know."""

    @property
    def log(self) -> str:
        """Which log it is: equal for all who opened the same one."""

    def model(self, name: str | None) -> WatchedModel:
        """Give the attached model of that name, or the only one, with its sharing looked at anew."""

    def models(self) -> Sequence[WatchedModel]:
        """Give every attached model."""

    def record(
        self, events: Sequence[SafetyAlert | EmergencyCleared], *, at_once: bool = True, act: str | None = None
    ) -> tuple[int | None, ...]:
        """Append events and give their positions.

        Args:
            events: What to append.
            at_once: Also where a batch is open; otherwise they become part of it, and have no position yet.
            act: The act they belong to; None for the one this code runs in.
        """

    def stops(self) -> Mapping[int, Stop]:
        """Give every emergency that stands by the log, whoever recorded it, by position."""

    def alerts(self, query: AlertQuery) -> list[Alert]:
        """Give alerts on record."""

    def alert_counts(self) -> Mapping[tuple[str, str], int]:
        """Give how many alerts there are on record, by level and category."""

    def edits_since_checkpoint(self, model: str) -> int:
        """Count the announced writes to a model since its last checkpoint, or its first event."""

    def beliefs_about(self, model: str, names: Sequence[str]) -> list[HeldBelief]:
        """Give the active beliefs about some storages or names, firmest first."""

    def core_principles(self) -> list[HeldBelief]:
        """Give the beliefs that are held absolutely."""

    def metric_meanings(self) -> Mapping[tuple[str | None, str], MetricMeaning]:
        """Give what metrics were defined to mean, by model (None: every one) and name."""

    def metric_values(self, model: str | None, metric: str, size: int) -> list[float]:
        """Give the first and the last values of a metric on record, oldest first, each at most `size` or all."""
