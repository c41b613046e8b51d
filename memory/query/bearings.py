"""One thing that bears on a claim: which events it is made of, and what it says."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

SUPPORTS, CONTRADICTS, NEUTRAL = "supports", "contradicts", "neutral"


class Part(NamedTuple):
    """One event of a bearing, by what it is in it."""

    what: str
    """`baseline`, `write`, `outcome`; `reading`, `evaluation`, `observation`; `from` and `to` of a block; ..."""
    position: int


@dataclass(frozen=True, slots=True)
class Bearing:
    """One outcome, act, reading or block that bears on a claim."""

    position: int
    """The event that completed it: an outcome, or the settlement of a block."""
    parts: tuple[Part, ...]
    """Its events, oldest first."""
    act_id: str | None = None
    role: str | None = None
    """`supports`, `contradicts` or `neutral`; None where that is only told of its block, or rests on an estimate."""
    outcome: float | None = None
    """What came, with the sign the kind looks at; None where it is not finite, or no number of its own."""
    values: tuple[float | None, ...] = ()
    """What was read or evaluated, where it is that which counts."""
    log_factor: float | None = None
    """What it did to the log e-value of the claim; known of the most telling ones only."""

    def in_words(self) -> str:
        """Say what it says: which side it is on, what came, and what that did to the evidence."""
        came = "" if self.outcome is None else f"{self.outcome:+.4g}"
        factor = "" if self.log_factor is None else f"E times {math.exp(min(self.log_factor, 700.0)):.3g}"
        return ", ".join(word for word in (self.role or "", came, factor) if word)

    def to_dict(self) -> dict[str, Any]:
        """Give it as data that JSON has words for."""
        return asdict(self) | {
            "parts": [part._asdict() for part in self.parts],
            "values": list(self.values),
        }


def role_of(side: int, outcome: float) -> str:
    """Say what an outcome is to a claim of one side; a claim that names none takes the upper one."""
    signed = (side or 1) * outcome
    return SUPPORTS if signed > 0 else CONTRADICTS if signed < 0 else NEUTRAL
