"""From the byte regions of every name to who shares with whom."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from introspection.overlap import Region, Work, byte_count, share_any, shared_byte_count
from introspection.sharing import Relation

Regions = tuple[Region, ...]
"""The bytes of one tensor; several regions where several tensors hold them (sparse, quantised wrappers)."""

_MANY = 48
"""Regions in one stretch of memory from which on candidates are found for many at a time."""


@dataclass(frozen=True, slots=True)
class Related:
    """Who shares bytes with whom, in the form `SharingMap.build` takes."""

    same: tuple[tuple[int | None, tuple[str, ...]], ...]
    """(bytes, names) of every set of two names or more that view identical bytes."""
    overlaps: tuple[tuple[str, str, Relation], ...]
    """(name, name, relation), one name for each set of identical bytes."""


def relate(regions: Mapping[str, Regions], work: Work | None = None) -> Related:
    """Finds all names with identical bytes and all pairs that share some, comparing only what can meet.

    Args:
        regions: The byte regions of each name; names without bytes (an empty tuple) share nothing.
        work: What all comparisons may take together. Pairs that are left when it is used up are told apart if that is
            easy, and else are `unknown`; which they are depends on the order of the names alone.
    """
    work = work or Work()
    members: dict[Regions, list[str]] = {}
    for name, held in regions.items():
        if held:
            members.setdefault(held, []).append(name)
    classes = list(members)
    merged = list(range(len(classes)))
    overlapping: dict[tuple[int, int], Relation] = {}
    for one, other in _candidates(classes):
        relation = _compare(classes[one], classes[other], work)
        if relation is None:
            continue
        if relation.kind == "same":
            _join(merged, one, other)
        else:
            overlapping[one, other] = relation
    names: dict[int, list[str]] = {}
    for index, held in enumerate(classes):
        names.setdefault(_root(merged, index), []).extend(members[held])
    return Related(
        same=tuple((_total(classes[root], work), tuple(group)) for root, group in names.items() if len(group) > 1),
        overlaps=_between(overlapping, merged, names),
    )


def _candidates(classes: list[Regions]) -> list[tuple[int, int]]:
    """Pairs of classes that may share bytes, in the order of the classes."""
    pairs: set[tuple[int, int]] = set()
    for stretch in _stretches(classes):
        for one, other in _meeting_many(stretch) if len(stretch) > _MANY else _meeting(stretch):
            if one != other:
                pairs.add((one, other) if one < other else (other, one))
    return sorted(pairs)


_Span = tuple[tuple[str, int], int, int, int, Region]
"""(space, first byte, one past the last, class, region)"""


def _stretches(classes: list[Regions]) -> Iterator[list[_Span]]:
    """Regions whose hulls hang together, two or more, by one sweep over each address space."""
    spans = sorted(
        (region.space, region.start, region.end if region.dims else region.start + region.run, index, region)
        for index, held in enumerate(classes)
        for region in held
    )
    stretch: list[_Span] = []
    space, reach = None, 0
    for span in spans:
        if span[0] == space and span[1] < reach:
            stretch.append(span)
            reach = max(reach, span[2])
            continue
        if len(stretch) > 1:
            yield stretch
        stretch, space, reach = [span], span[0], span[2]
    if len(stretch) > 1:
        yield stretch


def _meeting(stretch: list[_Span]) -> Iterator[tuple[int, int]]:
    """Classes of every two regions whose hulls meet."""
    for position, (_, _, end, index, _) in enumerate(stretch):
        for _, start, _, other, _ in stretch[position + 1 :]:
            if start >= end:
                break
            yield index, other


def _meeting_many(stretch: list[_Span]) -> Iterator[tuple[int, int]]:
    """As `_meeting`, but for pairs that are out of phase: a thousand column blocks make half a million of those."""
    regions = [span[4] for span in stretch]
    starts = np.array([region.start - stretch[0][1] for region in regions], dtype=np.int64)
    ends = np.array([span[2] - stretch[0][1] for span in stretch], dtype=np.int64)
    runs = np.array([region.run for region in regions], dtype=np.int64)
    steps = np.array([math.gcd(*(stride for stride, _ in region.dims)) for region in regions], dtype=np.int64)
    indices = np.array([span[3] for span in stretch])
    for position in range(len(stretch)):
        after = slice(position + 1, int(np.searchsorted(starts, ends[position])))
        # A period of 0 means two runs without steps: they meet where their hulls do.
        period = np.gcd(steps[position], steps[after])
        distance = (starts[after] - starts[position]) % np.maximum(period, 1)
        meet = (period == 0) | (distance < runs[position]) | (period - distance < runs[after])
        for other in indices[after][meet].tolist():
            yield int(indices[position]), other


def _compare(first: Regions, second: Regions, work: Work) -> Relation | None:
    """How two different lists of regions share bytes; None if they share none."""
    pairs = [(one, other) for one in first for other in second]
    counts = [shared_byte_count(one, other, work) for one, other in pairs]
    if not any(count is None or count > 0 for count in counts):
        return None
    known = [count for count in counts if count is not None]
    if len(known) < len(counts):
        found = _search((pair for pair, count in zip(pairs, counts, strict=True) if count is None), work)
        if any(known) or found:
            return Relation("partial" if _hulls(first) != _hulls(second) else "unknown")
        return None if found is False else Relation("unknown")
    size, other_size = _total(first, work), _total(second, work)
    if size is None or other_size is None:
        return Relation("partial" if _hulls(first) != _hulls(second) else "unknown")
    shared = sum(known)
    return Relation("same" if shared == size == other_size else "partial", shared)


def _search(pairs: Iterable[tuple[Region, Region]], work: Work) -> bool | None:
    """Whether any of these pairs has a byte in common; None where that cannot be said."""
    answers = [share_any(one, other, work) for one, other in pairs]
    return True if True in answers else None if None in answers else False


def _hulls(held: Regions) -> dict[tuple[str, int], tuple[int, int]]:
    """First and last byte in each address space: where these differ, the bytes do."""
    hulls: dict[tuple[str, int], tuple[int, int]] = {}
    for region in held:
        begin, end = hulls.get(region.space, (region.start, region.end))
        hulls[region.space] = min(begin, region.start), max(end, region.end)
    return hulls


def _total(held: Regions, work: Work) -> int | None:
    """How many distinct bytes the regions of one tensor hold, if they are apart from each other and it is known."""
    if len(held) == 1:
        return byte_count(held[0], work)
    sizes = [byte_count(region, work) for region in held]
    apart = all(
        shared_byte_count(one, other, work) == 0 for index, one in enumerate(held) for other in held[index + 1 :]
    )
    known = [size for size in sizes if size is not None]
    return sum(known) if apart and len(known) == len(sizes) else None


def _between(
    overlapping: dict[tuple[int, int], Relation], merged: list[int], names: dict[int, list[str]]
) -> tuple[tuple[str, str, Relation], ...]:
    """The overlaps as they hold between sets of identical bytes."""
    found: dict[tuple[int, int], Relation] = {}
    for (one, other), relation in overlapping.items():
        pair = (min(_root(merged, one), _root(merged, other)), max(_root(merged, one), _root(merged, other)))
        # Two forms of the same bytes may be compared with a third at different cost: what was decided stands.
        if pair[0] != pair[1] and _tells_more(relation, found.get(pair)):
            found[pair] = relation
    return tuple((names[one][0], names[other][0], relation) for (one, other), relation in found.items())


def _tells_more(relation: Relation, known: Relation | None) -> bool:
    return known is None or (known.kind == "unknown" or (known.shared_bytes is None and relation.kind == "partial"))


def _root(merged: list[int], index: int) -> int:
    while merged[index] != index:
        index = merged[index]
    return index


def _join(merged: list[int], one: int, other: int) -> None:
    merged[_root(merged, other)] = _root(merged, one)
