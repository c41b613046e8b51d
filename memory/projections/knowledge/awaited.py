"""Predictions on record that still wait for their outcome."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from memory.events.envelope import StoredEvent
from memory.events.knowledge import PredictionRegistered
from memory.events.plain import tag
from memory.inference.theories import Forecast


@dataclass(frozen=True, slots=True)
class Awaited:
    """One prediction, as it was made."""

    position: int
    model: str
    theory_id: str
    context: Any
    """As it is stored: numbers may be tagged."""
    direction: int
    probability: float
    mean: float | None
    sd: float | None

    @classmethod
    def of(cls, event: StoredEvent, payload: PredictionRegistered) -> Awaited:
        """Take a prediction from its event."""
        return cls(
            event.position,
            payload.model or "",
            payload.theory_id,
            tag(payload.context),
            payload.direction,
            payload.probability,
            payload.mean,
            payload.sd,
        )

    def forecast(self) -> Forecast:
        """Give it as the forecast it is."""
        mean, sd = self.mean or 0.0, self.sd or 0.0
        return Forecast(self.direction, self.probability, mean, sd, math.hypot(mean, sd) if sd else 0.0)

    def row(self, position: int | None = None, outcome: float | None = None, hit: bool | None = None) -> dict[str, Any]:
        """Give its row of `registered_predictions`, with its outcome once there is one."""
        finite = outcome is not None and math.isfinite(outcome)
        return asdict(self) | {
            "outcome_position": position,
            "outcome": outcome if finite else None,
            "hit": hit,
        }


class AwaitedPredictions:
    """Those of every theory, in order of position."""

    def __init__(self) -> None:
        self._of: dict[str, list[Awaited]] = {}

    def __contains__(self, theory_id: str) -> bool:
        return theory_id in self._of

    def __iter__(self) -> Iterator[Awaited]:
        return (each for awaited in self._of.values() for each in awaited)

    def add(self, prediction: Awaited) -> None:
        """Take one up."""
        self._of.setdefault(prediction.theory_id, []).append(prediction)

    def take(self, theory_id: str, position: int) -> list[Awaited]:
        """Give, and forget, those about a theory that were on record before a position."""
        awaited = self._of.pop(theory_id, [])
        later = [each for each in awaited if each.position >= position]
        if later:
            self._of[theory_id] = later
        return [each for each in awaited if each.position < position]

    def to_state(self) -> list[dict[str, Any]]:
        """Give them as plain data."""
        return [asdict(each) for each in self]

    def load(self, state: Sequence[Mapping[str, Any]]) -> None:
        """Go on from `to_state`."""
        self._of = {}
        for each in state:
            self.add(Awaited(**each))
