"""From the byte regions of every name to who shares with whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from introspection.overlap import Region, byte_count, shared_byte_count
from introspection.sharing import Relation

Regions = tuple[Region, ...]
"""The bytes of one tensor; several regions where several tensors hold them (sparse, quantised wrappers)."""


@dataclass(frozen=True, slots=True)
class Related:
    """Who shares bytes with whom, in the form `SharingMap.build` takes."""

    same: tuple[tuple[int | None, tuple[str, ...]], ...]
    """(bytes, names) of every set of two names or more that view identical bytes."""
    overlaps: tuple[tuple[str, str, Relation], ...]
    """(name, name, relation), one name for each set of identical bytes."""


def relate(regions: Mapping[str, Regions]) -> Related:
    """Finds all names with identical bytes and all pairs that share some, comparing only what can meet.

    Args:
        regions: The byte regions of each name; names without bytes (an empty tuple) share nothing.
    """
    members: dict[Regions, list[str]] = {}
    for name, held in regions.items():
        if held:
            members.setdefault(held, []).append(name)
    classes = list(members)
    merged = list(range(len(classes)))
    overlapping: dict[tuple[int, int], Relation] = {}
    for one, other in _meeting(classes):
        relation = _compare(classes[one], classes[other])
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
        same=tuple((_total(classes[root]), tuple(group)) for root, group in names.items() if len(group) > 1),
        overlaps=_between(overlapping, merged, names),
    )


def _meeting(classes: list[Regions]) -> list[tuple[int, int]]:
    """Pairs of classes with regions whose hulls meet, by one sweep over each address space."""
    spans = sorted(
        (region.space, region.start, region.end, index) for index, held in enumerate(classes) for region in held
    )
    pairs: set[tuple[int, int]] = set()
    open_spans: list[tuple[int, int]] = []
    current: tuple[str, int] | None = None
    for space, start, end, index in spans:
        if space != current:
            current, open_spans = space, []
        open_spans = [span for span in open_spans if span[0] > start]
        pairs.update((min(index, other), max(index, other)) for _, other in open_spans if other != index)
        open_spans.append((end, index))
    return sorted(pairs)


def _compare(first: Regions, second: Regions) -> Relation | None:
    """How two different lists of regions share bytes; None if they share none."""
    counts = [shared_byte_count(one, other) for one in first for other in second]
    if not any(count is None or count > 0 for count in counts):
        return None
    size, other_size = _total(first), _total(second)
    if size is None or other_size is None:
        return Relation("unknown")
    known = [count for count in counts if count is not None]
    if len(known) < len(counts):
        return Relation("partial") if any(known) and size != other_size else Relation("unknown")
    shared = sum(known)
    return Relation("same" if shared == size == other_size else "partial", shared)


def _total(held: Regions) -> int | None:
    """How many distinct bytes the regions of one tensor hold, if they are apart from each other and it is known."""
    if len(held) == 1:
        return byte_count(held[0])
    sizes = [byte_count(region) for region in held]
    apart = all(shared_byte_count(one, other) == 0 for index, one in enumerate(held) for other in held[index + 1 :])
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
        if pair[0] != pair[1] and (pair not in found or found[pair].kind == "unknown"):
            found[pair] = relation
    return tuple((names[one][0], names[other][0], relation) for (one, other), relation in found.items())


def _root(merged: list[int], index: int) -> int:
    while merged[index] != index:
        index = merged[index]
    return index


def _join(merged: list[int], one: int, other: int) -> None:
    merged[_root(merged, other)] = _root(merged, one)
