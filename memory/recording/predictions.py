"""What callers hold of what they stated: a theory, a belief, a prediction, each with its place in the log."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from memory.errors import InvalidArgument
from memory.recording.journal import Recorded


class RecordedTheory(Recorded):
    """A theory as it was proposed."""

    __slots__ = ("theory_id",)

    def __init__(self, event_type: str, theory_id: str) -> None:
        super().__init__(event_type)
        self.theory_id = theory_id
        """Its identity, known at once: made of what it says."""


class RecordedBelief(Recorded):
    """A belief as it was asserted."""

    __slots__ = ("belief_id",)

    def __init__(self, event_type: str, belief_id: str) -> None:
        super().__init__(event_type)
        self.belief_id = belief_id
        """Its identity, known at once: made of what it says."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a theory says about its next outcome, on record before it."""

    theory_id: str
    context: Any
    direction: int
    """The side named, +1 or -1; +1 also for a theory that names none: it comes as the theory says."""
    probability: float
    """Given to an outcome on that side."""
    mean: float | None
    """Normal forecast of the outcome; None where none can be made yet."""
    sd: float | None
    recorded: Recorded

    @property
    def position(self) -> int:
        """The position of the event that registered it."""
        return self.recorded.position

    def interval(self, level: float = 0.95) -> tuple[float, float] | None:
        """Give the central interval of the normal forecast; None where there is no normal forecast yet.

        Raises:
            InvalidArgument: The level is not strictly between 0 and 1.
        """
        if not 0.0 < level < 1.0:
            raise InvalidArgument("level", level, "it is a probability strictly between 0 and 1")
        if self.mean is None or self.sd is None:
            return None
        half = NormalDist().inv_cdf(0.5 + 0.5 * level) * self.sd
        return self.mean - half, self.mean + half
