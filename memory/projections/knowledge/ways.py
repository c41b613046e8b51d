"""Ways of writing a storage: outcomes of different ways are different series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from memory.projections.knowledge.panel import ADJUSTED, OBSERVATIONAL, RANDOMISED, FamilyKey
from memory.projections.knowledge.windows import Outcome, Write

EFFECT, IMPACT, MOVES = "effect", "impact", "moves"
"""Odd part, even part, and whether there is any: the last is told as an impact of direction 0."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way of writing, and the parts of its outcomes that it can bear on."""

    model: str
    method: str | None
    level: float | None
    grade: str
    parts: tuple[str, ...]

    def family(self, part: str) -> FamilyKey:
        """Give the key of the family of one part."""
        kind, aspect = (IMPACT, MOVES) if part == MOVES else (part, "")
        return FamilyKey(self.model, kind, self.method, self.level, self.grade, aspect)


def way_of(model: str, write: Write, grade: str) -> Way:
    """Give the way of a write.

    With a coin both parts are told apart. Without one they are confounded: a signed write then bears on `effect` only,
    an unsigned one on `impact` only.
    """
    if write.dose is None or write.fresh:
        parts: tuple[str, ...] = (IMPACT,)
    else:
        parts = (EFFECT, IMPACT) if grade == RANDOMISED else (EFFECT,)
    return Way(model, write.method, write.level, grade, parts)


def softly(model: str, write: Write) -> Way:
    """Give the way in which a signed write's even part is asked about where it can only be estimated."""
    return Way(model, write.method, write.level, ADJUSTED, (IMPACT,))


def moving(model: str, write: Write) -> Way:
    """Give the way in which it is asked whether writes in ever new directions move anything at all."""
    return Way(model, write.method, write.level, OBSERVATIONAL, (MOVES,))


def borne_on(way: Way, *, clean: bool) -> tuple[str, ...]:
    """Give the parts that an outcome bears on.

    What is compared with a forecast, or stripped of other writes' effects, no coin makes symmetric: where both parts
    could be told apart, the even one is then a matter of adjustment, and has a way of its own.
    """
    return way.parts if clean or len(way.parts) == 1 else (EFFECT,)


def is_clean(outcome: Outcome) -> bool:
    """Say whether an outcome is of one write, compared with a baseline of its act: nothing has to be estimated."""
    return outcome.baseline_position is not None and len(outcome.writes) == 1


def grade_of(writes: Sequence[Write], write: Write, *, paired: bool) -> str:
    """Say how well an outcome tells what one of its act's writes did.

    A coin of its own makes a write's side independent of all else in the act. Of two writes on one coin nobody knows
    which did what.
    """
    if write.randomised and write.dose is not None:
        others = [each for each in writes if each is not write and each.randomised]
        if all(write.coin is not None and each.coin is not None and each.coin != write.coin for each in others):
            return RANDOMISED
    return OBSERVATIONAL if paired and len(writes) == 1 else ADJUSTED
