"""Which names a simulated model has, and which tensor each one is in truth: what the map says, and what it does not.

A *tensor* here is the truth (a number that nobody in the record knows); a *storage* is what the sharing map says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.simulation.settings import Settings, Trap
from introspection.sharing import SharingMap

UNTIED_AT = 0.3
TIED_AT = 0.5


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of the run with one sharing map."""

    since: float
    """Share of the events after which it begins."""
    sharing: SharingMap
    tensors: Mapping[str, int]
    """Every name that is logged, those unknown to the map included, and the tensor it is; derived names left out."""
    records: Mapping[int, tuple[tuple[str, bool], ...]]
    """Tensor to the (name, known to the map) of every record that a log with one record per name makes of a write."""
    reverts: Mapping[int, tuple[tuple[str, bool], ...]]
    """Tensor to the records of taking a write back: one per storage that the map knows, and per unknown name."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Everything there is to write, under every name."""

    phases: tuple[Phase, ...]
    derived: Mapping[str, tuple[str, ...]]
    """Name to the names it is computed from, in every phase."""
    overlaps: frozenset[frozenset[int]]
    """Tensors that share some bytes."""
    plain: tuple[int, ...]
    """Tensors that no trap concerns."""
    tied: tuple[int, ...]
    undeclared: tuple[int, ...]
    """Tensors logged under names that the map does not tie."""
    untied: tuple[tuple[int, int], ...]
    """(tensor that keeps the bytes, tensor that is new), from `UNTIED_AT` on."""
    gain: int | None
    """g of the parametrization."""
    tensor_count: int

    def phase_at(self, share: float) -> int:
        """The phase that holds after a share of the events."""
        return max(index for index, phase in enumerate(self.phases) if phase.since <= share)


class _Builder:
    """Gives out tensors and names."""

    def __init__(self) -> None:
        self.count = 0
        self.names: dict[str, int] = {}
        self.same: list[list[str]] = []
        self.unknown: dict[str, int] = {}

    def tensor(self, *names: str) -> int:
        """Make one tensor that the map knows under all of these names."""
        number, self.count = self.count, self.count + 1
        self.names |= dict.fromkeys(names, number)
        if len(names) > 1:
            self.same.append(list(names))
        return number


def make_cast(settings: Settings) -> Cast:
    """Give the names and tensors of a world: as many storages as asked for, whichever traps are on."""
    build, traps = _Builder(), settings.traps
    tied = [build.tensor(f"ties.{k}.embed.weight", f"ties.{k}.head.weight") for k in range(4)]
    derived: dict[str, tuple[str, ...]] = {}
    undeclared, partial, gain = [], [], None
    used = len(tied)
    if Trap.UNDECLARED_ALIASES in traps:
        for k in range(2):
            number = build.tensor(f"undeclared.{k}.a.weight")
            build.names[f"undeclared.{k}.b.weight"] = number
            undeclared.append(number)
        used += 4
    untied: list[int] = []
    if Trap.UNTIE in traps:
        untied = [build.tensor(f"untied.{k}.first.weight", f"untied.{k}.second.weight") for k in range(2)]
        used += 2
    late: list[int] = []
    if Trap.LATE_TIE in traps:
        late = [build.tensor("late.first.weight"), build.tensor("late.second.weight")]
        used += 2
    if Trap.MERGED in traps:
        parts = ("lora.A.weight", "lora.B.weight", "lora.base.weight")
        for part in parts:
            build.tensor(part)
        derived["lora.merged.weight"] = parts
        used += 3
    if Trap.PARAMETRIZATION in traps:
        gain = build.tensor("normed.weight_g")
        build.tensor("normed.weight_v")
        derived["normed.weight"] = ("normed.weight_g", "normed.weight_v")
        used += 2
    overlaps: set[frozenset[int]] = set()
    if Trap.OVERLAP in traps:
        overlaps.add(frozenset((build.tensor("fused.whole.weight"), build.tensor("fused.part.weight"))))
        partial.append(("fused.whole.weight", "fused.part.weight"))
        used += 2
    plain = [build.tensor(f"layers.{i:04d}.weight") for i in range(settings.storages - used)]
    if Trap.UNDECLARED_ALIASES in traps:
        # The last plain tensor has a second name that no map knows.
        undeclared.append(plain.pop())
        build.unknown["ghost.weight"] = undeclared[-1]
    phases = _phases(build, derived, partial, untied, late, per_name=Trap.ALIASES in traps)
    return Cast(
        phases=tuple(phases),
        derived=derived,
        overlaps=frozenset(overlaps),
        plain=tuple(plain),
        tied=tuple(tied),
        undeclared=tuple(undeclared),
        untied=tuple((old, build.names[f"untied.{k}.second.weight"]) for k, old in enumerate(untied)),
        gain=gain,
        tensor_count=build.count,
    )


def _phases(
    build: _Builder,
    derived: Mapping[str, tuple[str, ...]],
    partial: list[tuple[str, str]],
    untied: list[int],
    late: list[int],
    *,
    per_name: bool,
) -> list[Phase]:
    """Give the phases in order; `build` ends as the last one leaves it."""

    def phase(since: float) -> Phase:
        sharing = SharingMap.from_relations(names=build.names, same=build.same, partial=partial, derived=derived)
        tensors = build.names | build.unknown
        keys = {name: number for name, number in tensors.items() if name in build.unknown or name in sharing.storages}
        if not per_name:
            records = _records(keys, build.unknown, {}, [])
            return Phase(since, sharing, tensors, records, records)
        records = _records(tensors, build.unknown, derived, partial)
        return Phase(since, sharing, tensors, records, _records(keys, build.unknown, {}, partial))

    phases = [phase(0.0)]
    if untied:
        build.same = [group for group in build.same if not group[0].startswith("untied.")]
        for k in range(len(untied)):
            build.names[f"untied.{k}.second.weight"] = build.tensor()
        phases.append(phase(UNTIED_AT))
    if late:
        build.names["late.second.weight"] = late[0]
        build.same.append(["late.first.weight", "late.second.weight"])
        phases.append(phase(TIED_AT))
    return phases


def _records(
    tensors: Mapping[str, int],
    unknown: Mapping[str, int],
    derived: Mapping[str, tuple[str, ...]],
    partial: list[tuple[str, str]],
) -> dict[int, tuple[tuple[str, bool], ...]]:
    """Give the records of a write to each tensor: its own names, overlapping ones, and what is computed from them."""
    views: dict[int, list[tuple[str, bool]]] = {}
    for name, tensor in sorted(tensors.items()):
        views.setdefault(tensor, []).append((name, name not in unknown))
    own = {tensor: {name for name, _ in names} for tensor, names in views.items()}
    for tensor, names in views.items():
        for first, second in partial:
            if own[tensor] & {first, second}:
                names.extend((other, True) for other in (first, second) if other not in own[tensor])
        names.extend((name, True) for name, sources in derived.items() if own[tensor] & set(sources))
    return {tensor: tuple(names) for tensor, names in views.items()}
