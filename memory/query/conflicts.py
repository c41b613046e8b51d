"""Which beliefs contradict each other: pure, over what they say."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Held:
    """What a belief says, as far as another can contradict it."""

    belief_id: str
    model: str
    """Empty: it is about every model."""
    statement: str
    source: str
    kind: str | None
    subject: str | None
    object: str | None
    direction: int | None
    method: str | None
    dose: float | None
    credence: float
    effect: float | None
    ci_low: float | None
    ci_high: float | None
    supports: int
    contradicts: int

    @classmethod
    def of(cls, row: Any) -> Held:
        """Take one from a row of `beliefs`, with `method` and `dose` of the pattern that it goes back to."""
        return cls(**{name: getattr(row, name) for name in cls.__slots__})

    @property
    def stated(self) -> bool:
        """Whether someone stated it, rather than the data."""
        return self.source in ("asserted", "shipped")


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two beliefs that cannot both be true, with what speaks for each."""

    first: Held
    """The one that someone stated, where the other is earned; else the firmer one."""
    second: Held
    words: str
    """What the conflict is, in words and numbers."""

    @property
    def between(self) -> tuple[str, str]:
        """Where the two come from: `asserted` and `earned`, say."""
        return self.first.source, self.second.source


def conflicts(held: Iterable[Held]) -> list[Conflict]:
    """Give every pair of beliefs that name opposite sides of one question, those most firmly held first.

    One question: the same subject and object; the same kind, method and dose, where both say which; and one model, or
    one of the two is about every model. Beliefs that name no side, or no subject and object, contradict nothing here.
    """
    asked: dict[tuple[str, str], list[Held]] = {}
    for each in held:
        if each.subject is not None and each.object is not None and each.direction in (-1, 1):
            asked.setdefault((each.subject, each.object), []).append(each)
    found = [
        _conflict(*pair)
        for group in asked.values()
        for pair in itertools.combinations(group, 2)
        if pair[0].direction != pair[1].direction and _one_question(*pair)
    ]
    return sorted(found, key=lambda each: (-min(each.first.credence, each.second.credence), _identities(each)))


def _identities(conflict: Conflict) -> tuple[str, str]:
    return conflict.first.belief_id, conflict.second.belief_id


def _one_question(one: Held, other: Held) -> bool:
    if one.model != other.model and "" not in (one.model, other.model):
        return False
    if not _same_or_unsaid(one.kind, other.kind):
        return False
    # An earned belief that names no method is about writes of which none was given.
    if one.stated == other.stated:
        return (one.method, one.dose) == (other.method, other.dose)
    return _same_or_unsaid(one.method, other.method) and _same_or_unsaid(one.dose, other.dose)


def _same_or_unsaid(one: Any, other: Any) -> bool:
    return one is None or other is None or bool(one == other)


def _conflict(one: Held, other: Held) -> Conflict:
    first, second = sorted((one, other), key=lambda each: (not each.stated, -each.credence, each.belief_id))
    of = "" if not (first.model or second.model) else f" of {first.model or second.model}"
    words = f"on {first.subject} and {first.object}{of}: {_says(first)}; {_says(second)}"
    return Conflict(first, second, words)


def _says(held: Held) -> str:
    side = "up" if held.direction == 1 else "down"
    told = f"{held.source}, {side}, credence {held.credence:.3g}"
    if held.effect is not None:
        low = "-∞" if held.ci_low is None else f"{held.ci_low:+.4g}"
        high = "∞" if held.ci_high is None else f"{held.ci_high:+.4g}"
        told += f", effect {held.effect:+.4g} (95 %: {low} to {high})"
    if held.supports or held.contradicts:
        told += f", {held.supports} outcomes for and {held.contradicts} against"
    return f"“{held.statement}” ({told})"
