"""Which claims about a simulated world are true.

A claim is judged by the tensors its names were in truth at the position of its first claim, never by the names:

- *architectural*: its two ends are, or ever were, one tensor; they share bytes; one end is a name computed from others,
  or a metric declared to be; or both of its metrics restate one. Two names that were one tensor, were cut, and are
  truly coupled since, are a true pair from the cut on.
- *true*: the fact was planted, at or before that position, and the claim's direction (where it has one) is the planted
  one. A fact that stopped later was true; that it is still claimed at the end is counted as *stale*.
- *false*: everything else. That means the fact must hold of the thing itself. Two storages favoured in the same weeks
  are no pair; two metrics moved by one write have no noise in common; a storage that is written when a metric is bad
  does not mend it; a metric that wanders has no trend; who is written together with a storage that has effects has
  none; what follows a cause of its cause does not follow.

An undeclared function of a metric moves whenever its source does: an effect on it is true if one on its source is, and
is planted nowhere, so that it adds nothing to power.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

from benchmarks.simulation.chronicle import Chronicle
from benchmarks.simulation.world import World

Row = Mapping[str, Any]
Fact = tuple[str, Any, Any]
"""Kind, and its two ends: tensors by number, metrics and categories by name; of a pair the smaller end first."""

SYMMETRIC = frozenset(("comodification", "cochange", "metric_pair"))


class Verdict(StrEnum):
    """What a claim is."""

    TRUE = "true"
    FALSE = "false"
    ARCHITECTURAL = "architectural"


@dataclass(frozen=True, slots=True)
class Planted:
    """One true fact."""

    fact: Fact
    since: int
    """The position from which it holds."""
    until: int | None
    """The position at which it stopped; None if it holds to the end."""
    size: float
    """Effect in units of the outcome's noise, with its sign; 0 where the kind has none."""
    true_effect: float | None
    """Per act at dose 1, in the metric's units; None for kinds without such a number."""
    detectable: bool = True
    """Whether it counts for power: each planted fact once."""


class Truth:
    """What is true of one world that has run to its end."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._chronicle: Chronicle = world.chronicle
        self._ever = _ever_one(world)
        names = world.metrics.names
        self._sources = {"perplexity": names[0], "twin": names[1]} if len(names) > world.settings.metrics else {}
        self._declared = {name for name, _ in world.metrics.declared}
        self.planted: dict[Fact, Planted] = {planted.fact: planted for planted in self._all_planted()}

    # Names

    def tensor(self, name: str, position: int) -> int | None:
        """The tensor that a name was at a position; None for a derived name and one that never was."""
        return self._world.cast.phases[self._chronicle.phase_at(position)].tensors.get(name)

    def fact(self, row: Row) -> Fact | None:
        """What a claim says, of tensors; None where one of its ends is no tensor, metric or category of this world."""
        position, kind = row["first_position"], row["kind"]
        ends: list[Any] = []
        for end, role in ((row["subject"], _SUBJECTS[kind]), (row["object"], _OBJECTS[kind])):
            read = _READERS[role](self, end or "", position)
            if read is None:
                return None
            ends.append(read)
        if kind in SYMMETRIC and ends[1] < ends[0]:
            ends.reverse()
        return kind, ends[0], ends[1]

    # Verdicts

    def verdict(self, row: Row) -> Verdict:
        """What a row of `patterns` is (see the module's definition)."""
        fact = self.fact(row)
        if fact is None:
            named = _bare(row["subject"]), _bare(row["object"] or "")
            return Verdict.ARCHITECTURAL if any(name in self._world.cast.derived for name in named) else Verdict.FALSE
        kind, first, second = fact
        if kind in ("effect", "impact") and second in self._declared:
            return Verdict.ARCHITECTURAL
        planted = self.planted.get(fact) or self.planted.get((kind, first, self._sources.get(second, second)))
        if planted is not None and self._holds(planted, row):
            return Verdict.TRUE
        return Verdict.ARCHITECTURAL if self._one_thing(kind, first, second) else Verdict.FALSE

    def _holds(self, planted: Planted, row: Row) -> bool:
        direction = row["direction"]
        agrees = not direction or not planted.size or direction * planted.size > 0
        return bool(agrees and row["first_position"] >= planted.since)

    def stale(self, row: Row) -> bool:
        """Whether a true claim is of something that has stopped since."""
        fact = self.fact(row)
        planted = None if fact is None else self.planted.get(fact)
        return planted is not None and planted.until is not None

    def _one_thing(self, kind: str, first: Any, second: Any) -> bool:
        if kind == "metric_pair":
            return str(self._sources.get(first, first)) == str(self._sources.get(second, second))
        if not (isinstance(first, int) and isinstance(second, int)):
            return False
        ends = frozenset((first, second))
        return first == second or ends in self._ever or ends in self._world.cast.overlaps

    def true_effect(self, row: Row) -> float | None:
        """What a claimed effect or impact is in truth, per act at dose 1, in the metric's units; None: not known."""
        fact = self.fact(row)
        if fact is None or fact[0] not in ("effect", "impact") or fact[2] in self._sources:
            return None
        planted = self.planted.get(fact)
        return 0.0 if planted is None else planted.true_effect

    # What is planted

    def _at(self, share: float) -> int:
        return max(1, int(share * self._world.settings.events))

    def _all_planted(self) -> list[Planted]:
        plan, metrics, scale = self._world.plan, self._world.metrics.names, self._world.metrics.scale
        facts: list[Planted] = []
        for effect in plan.effects:
            until = None if effect.until >= 1.0 else self._at(effect.until)
            for kind, size in (("effect", effect.odd), ("impact", effect.even)):
                if size:
                    fact = (kind, effect.tensor, metrics[effect.metric])
                    facts.append(Planted(fact, 1, until, size, size * float(scale[effect.metric])))
        for kind, pairs in (("comodification", plan.comodified), ("cochange", plan.cochanging)):
            for pair in pairs:
                low, high = sorted((pair.first, pair.second))
                size = 1.0 if kind == "cochange" else 0.0
                facts.append(Planted((kind, low, high), self._at(pair.since), None, size, None))
        for sequence in plan.sequences:
            then = sequence.then_tensor if sequence.then_category is None else f"note-{sequence.then_category}"
            facts.append(Planted(("sequence", sequence.tensor, then), 1, None, 0.0, None))
        for a, b in plan.metric_pairs:
            facts.append(Planted(_pair(metrics[a], metrics[b]), 1, None, 1.0, None))
            facts += self._restated(a, b)
        facts += [Planted(("trend", metrics[m], ""), 1, None, 1.0, None) for m in plan.trends]
        facts += [Planted(("threshold", metrics[m], f"note-{c}"), 1, None, 0.0, None) for m, c in plan.thresholds]
        return facts

    def _restated(self, a: int, b: int) -> list[Planted]:
        """A pair with a function of one of its metrics in that one's place: true as well, and nothing new."""
        names = self._world.metrics.names
        restated = []
        for name, source in self._sources.items():
            for own, other in ((a, b), (b, a)):
                if names[own] == source and name not in self._declared:
                    restated.append(Planted(_pair(name, names[other]), 1, None, 1.0, None, detectable=False))
        return restated


def _ever_one(world: World) -> frozenset[frozenset[int]]:
    """Pairs of tensors that one name viewed one after the other: they were one tensor, or became one."""
    pairs = set()
    phases = world.cast.phases
    for before, after in pairwise(phases):
        for name, tensor in before.tensors.items():
            later = after.tensors[name]
            if later != tensor:
                pairs.add(frozenset((tensor, later)))
    return frozenset(pairs)


def _pair(one: str, other: str) -> Fact:
    first, second = sorted((one, other))
    return "metric_pair", first, second


def _bare(end: str) -> str:
    return end.removeprefix("write:")


def _as_metric(truth: Truth, end: str, position: int) -> str | None:
    return end if end in truth._world.metrics.names else None


def _as_written(truth: Truth, end: str, position: int) -> int | str | None:
    if end.startswith("kind:"):
        return end.removeprefix("kind:")
    return truth.tensor(_bare(end), position)


def _as_nothing(truth: Truth, end: str, position: int) -> str:
    return ""


_READERS: Mapping[str, Callable[[Truth, str, int], Any]] = {
    "tensor": Truth.tensor,
    "metric": _as_metric,
    "event": _as_written,
    "nothing": _as_nothing,
}
_SUBJECTS = {
    "effect": "tensor",
    "impact": "tensor",
    "comodification": "tensor",
    "cochange": "tensor",
    "sequence": "event",
    "metric_pair": "metric",
    "trend": "metric",
    "threshold": "metric",
}
_OBJECTS = {
    "effect": "metric",
    "impact": "metric",
    "comodification": "tensor",
    "cochange": "tensor",
    "sequence": "event",
    "metric_pair": "metric",
    "trend": "nothing",
    "threshold": "event",
}
