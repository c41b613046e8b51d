"""The states of one storage as a graph, and the cheapest way to the bytes of one of them.

A state is named by its fingerprint. Deltas lead from state to state, both ways; sources give the bytes of a state
outright. A revert or a restore comes back to a state that is known, so it needs no delta of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Literal, TypeAlias

from memory.weights.costs import MEASURED, Costs

Kind: TypeAlias = Literal["live", "keyframe", "checkpoint"]


@dataclass(frozen=True, slots=True)
class DeltaEdge:
    """A delta between two states; what it does can be done and undone."""

    before: str
    """Fingerprint of the state that it was taken from."""
    after: str
    """Fingerprint of the state that it leads to."""
    blob: str
    """Digest of the blob that holds it."""
    size: int
    """Bytes of the blob."""
    changed_bytes: int
    """Bytes of the storage that it touches when applied."""


@dataclass(frozen=True, slots=True)
class Source:
    """Something that gives the bytes of a state outright."""

    fingerprint: str
    """The state."""
    kind: Kind
    """The live weights, a keyframe blob, or a tensor in a checkpoint file."""
    reference: str
    """Where: the storage's name, a digest, a path."""
    size: int
    """Bytes to read; a keyframe of fewer than the storage has is compressed."""


@dataclass(frozen=True, slots=True)
class Step:
    """One delta on the way."""

    blob: str
    """Digest of the blob that holds it."""
    backward: bool
    """Whether it is undone: it leads from its after to its before."""


@dataclass(frozen=True, slots=True)
class Path:
    """A way to a state."""

    source: Source
    """Where the bytes come from."""
    steps: tuple[Step, ...]
    """What is done to them, in order."""
    cost: float
    """What having the bytes is expected to cost, in copied bytes; without verifying them and putting them in."""


_KINDS: dict[Kind, int] = {"live": 0, "keyframe": 1, "checkpoint": 2}

_Reach: TypeAlias = tuple[float, int]
"""What getting from a state to the target costs, and in how many steps: of equal costs, fewer steps are better."""

_Leg: TypeAlias = tuple[str, str, bool]
"""The last known way on towards the target: the state that comes next, the blob that leads there, and which way."""


def cheapest_path(
    target: str,
    sources: Iterable[Source],
    edges: Iterable[DeltaEdge],
    *,
    raw_bytes: int,
    costs: Costs = MEASURED,
) -> Path | None:
    """Find the cheapest way to the bytes of a state.

    The answer depends on what is given, not on its order: of ways that cost the same, the one with fewer steps is
    taken, then live bytes before a keyframe before a checkpoint, then the first by name.

    Args:
        target: Fingerprint of the state wanted.
        sources: What gives bytes outright; several may give the same state.
        edges: The deltas of the storage.
        raw_bytes: Size of the storage.
        costs: What its parts cost.

    Returns:
        The way, or None if no source leads to the state.

    Source: Dijkstra (1959), from the target outwards, which ends at the nearest sources however long the history is.
    """
    starts = _cheapest_by_state(sources, raw_bytes, costs)
    links = _links(edges)
    reached: dict[str, _Reach] = {target: (0.0, 0)}
    legs: dict[str, _Leg] = {}
    settled: set[str] = set()
    queue: list[tuple[float, int, str]] = [(0.0, 0, target)]
    best: tuple[float, int, int, str, str] | None = None
    while queue:
        distance, steps, state = heappop(queue)
        if best is not None and distance > best[0]:
            break
        if state in settled:
            continue
        settled.add(state)
        if start := starts.get(state):
            cost, kind, reference, _ = start
            found = (cost + distance, steps, kind, reference, state)
            best = found if best is None else min(best, found)
        for edge in links.get(state, ()):
            # Seen from the target: a delta that ends here is applied, one that begins here is undone.
            backward = edge.after != state
            other = edge.after if backward else edge.before
            if other in settled:
                continue
            reach = (distance + costs.of_deltas(1, edge.size, edge.changed_bytes), steps + 1)
            leg = (state, edge.blob, backward)
            known = reached.get(other)
            if known is None or reach < known:
                heappush(queue, (*reach, other))
            elif reach > known or leg >= legs[other]:
                continue
            reached[other], legs[other] = reach, leg
    if best is None:
        return None
    state = best[4]
    return Path(source=starts[state][3], steps=tuple(_walk(state, target, legs)), cost=best[0])


def _cheapest_by_state(
    sources: Iterable[Source], raw_bytes: int, costs: Costs
) -> dict[str, tuple[float, int, str, Source]]:
    cheapest: dict[str, tuple[float, int, str, Source]] = {}
    for source in sources:
        offered = (_cost(source, raw_bytes, costs), _KINDS[source.kind], source.reference, source)
        known = cheapest.get(source.fingerprint)
        if known is None or offered[:3] < known[:3]:
            cheapest[source.fingerprint] = offered
    return cheapest


def _cost(source: Source, raw_bytes: int, costs: Costs) -> float:
    match source.kind:
        case "live":
            return costs.of_live(source.size)
        case "keyframe":
            return costs.of_keyframe(source.size, raw_bytes)
        case "checkpoint":
            return costs.of_checkpoint(source.size)


def _links(edges: Iterable[DeltaEdge]) -> dict[str, list[DeltaEdge]]:
    links: dict[str, list[DeltaEdge]] = {}
    for edge in edges:
        links.setdefault(edge.before, []).append(edge)
        links.setdefault(edge.after, []).append(edge)
    return links


def _walk(state: str, target: str, legs: dict[str, _Leg]) -> Iterable[Step]:
    while state != target:
        state, blob, backward = legs[state]
        yield Step(blob=blob, backward=backward)
