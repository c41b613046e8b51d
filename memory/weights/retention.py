"""What can be let go of the ways to earlier states, so that no state that is still wanted is lost with it.

Deltas lead both ways, so a state can be had exactly when its part of the graph holds one state that was kept whole.
What is let go takes edges and whole states away; where a part that is still wanted would be left without any, one state
of it must be kept whole first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class KeptDelta:
    """One delta on record that nobody let go."""

    storage_id: int
    position: int
    before: str
    after: str
    blob: str
    size: int


@dataclass(frozen=True, slots=True)
class KeptWhole:
    """One state on record that is kept as a whole, in a blob or in a checkpoint."""

    storage_id: int
    position: int
    fingerprint: str
    blob: str | None
    checkpoint: str | None
    size: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """The states of one storage that must not be lost."""

    storage_id: int
    family: frozenset[int]
    """The storages whose deltas and whole states are of use to it: itself, and those that its names viewed."""
    states: tuple[tuple[int, str], ...]
    """Position and fingerprint of each, the first one first."""
    untouched: bool
    """Whether it is there, never held anything else, and was never kept as a whole but in a checkpoint."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """One state to be kept whole, because what leads to it is let go."""

    wanted: Wanted
    position: int
    fingerprint: str


@dataclass(slots=True)
class LettingGo:
    """What is let go, and what is kept in its place."""

    deltas: set[KeptDelta]
    wholes: set[KeptWhole]
    boundary: list[Boundary] = field(default_factory=list)
    """What must be kept whole before."""

    def spare(self, wanted: Wanted) -> None:
        """Leave everything in a blob that is of use to a storage where it is."""
        self.deltas -= {each for each in self.deltas if each.storage_id in wanted.family}
        self.wholes -= {each for each in self.wholes if each.blob is not None and each.storage_id in wanted.family}


def plan(
    storages: Iterable[Wanted],
    deltas: Collection[KeptDelta],
    wholes: Collection[KeptWhole],
    *,
    goes: Callable[[KeptDelta | KeptWhole], bool],
    leave_to_live: bool,
) -> LettingGo:
    """Say what of a model's deltas and whole states is let go.

    Whole states that are to go and are still of use stay, where they are in a blob: that costs nothing. A state that
    could not be had before is not missed.

    Args:
        storages: What must not be lost.
        deltas: All there are.
        wholes: All there are.
        goes: Which of them are not wanted any more.
        leave_to_live: Whether what was never written to is left to the live weights, as it is before a first write.
    """
    found = LettingGo({each for each in deltas if goes(each)}, {each for each in wholes if goes(each)})
    deltas_of: dict[int, list[KeptDelta]] = defaultdict(list)
    wholes_of: dict[int, list[KeptWhole]] = defaultdict(list)
    for delta in deltas:
        deltas_of[delta.storage_id].append(delta)
    for whole in wholes:
        wholes_of[whole.storage_id].append(whole)
    for wanted in storages:
        own_deltas = [each for storage_id in wanted.family for each in deltas_of[storage_id]]
        own_wholes = [each for storage_id in wanted.family for each in wholes_of[storage_id]]
        _keep_reachable(wanted, own_deltas, own_wholes, found, leave_to_live=leave_to_live)
    return found


def _keep_reachable(
    wanted: Wanted, deltas: list[KeptDelta], wholes: list[KeptWhole], found: LettingGo, *, leave_to_live: bool
) -> None:
    before = Parts(deltas)
    had = {before.part(each.fingerprint) for each in wholes}
    after = Parts(each for each in deltas if each not in found.deltas)
    has = {after.part(each.fingerprint) for each in wholes if each not in found.wholes}
    going = sorted(
        (each for each in wholes if each in found.wholes and each.blob is not None),
        key=lambda each: (-each.position, each.fingerprint),
    )
    # Bytes that are at hand as a whole are the cheapest to keep.
    whole = {each.fingerprint for each in wholes}
    for position, fingerprint in sorted(wanted.states, key=lambda state: state[1] not in whole):
        part = after.part(fingerprint)
        if part in has or before.part(fingerprint) not in had:
            continue
        if leave_to_live and wanted.untouched:
            continue
        has.add(part)
        spared = next((each for each in going if after.part(each.fingerprint) == part), None)
        if spared is None:
            found.boundary.append(Boundary(wanted, position, fingerprint))
        else:
            found.wholes.discard(spared)


class Parts:
    """The parts of a graph of states that no delta leads out of."""

    def __init__(self, deltas: Iterable[KeptDelta]) -> None:
        self._parent: dict[str, str] = {}
        for delta in deltas:
            one, other = self.part(delta.before), self.part(delta.after)
            self._parent[one] = other
            self._parent.setdefault(other, other)

    def __contains__(self, state: str) -> bool:
        return state in self._parent

    def part(self, state: str) -> str:
        """Name the part that a state is in by one of its states."""
        *passed, top = self._up(state)
        for each in passed:
            self._parent[each] = top
        return top

    def _up(self, state: str) -> Iterator[str]:
        yield state
        while (above := self._parent.get(state, state)) != state:
            yield above
            state = above
