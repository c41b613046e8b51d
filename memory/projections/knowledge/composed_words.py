"""What theories made of several claims say, in words and numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from memory.projections.knowledge.claim import Claim
from memory.projections.knowledge.panel import Measure
from memory.projections.knowledge.words import deed, doing, in_words, size

MOST_SAID = 12
"""Claims, groups, or names of a group, that are told one by one; of the others how many there are."""
_SIDES = {1: "higher", -1: "lower"}


def what_writes_do(claims: Sequence[Claim]) -> str:
    """Say what one way of writing does to each metric."""
    return f"{deed(claims[0])}: {_listed(doing(each, _measure(each)) for each in _first(claims))}{_more(claims)}"


def what_improves(claims: Sequence[Claim], better: int) -> str:
    """Say which writes improve a metric, and which make it worse whatever their side.

    Args:
        claims: All about the metric.
        better: The side of it that is better, +1 or -1.
    """
    helping = [each for each in claims if _improving(each, better)]
    harming = [each for each in claims if not _improving(each, better)]
    parts = []
    if helping:
        parts.append(f"improved by {_listed(_improved(each, better) for each in _first(helping))}{_more(helping)}")
    if harming:
        parts.append(f"made worse by {_listed(_improved(each, better) for each in _first(harming))}{_more(harming)}")
    return f"{claims[0].object} is better {_SIDES[better]}: {'; '.join(parts)}; what one act writes adds up"


def what_moves_together(claims: Sequence[Claim], statistic: str | None) -> str:
    """Say which ends are connected by claims that they move together.

    Args:
        claims: All of pairs.
        statistic: What was read of them; None where they are numbers themselves.
    """
    groups = connected([(each.subject, each.object) for each in claims])
    told = [_group(names, [claims[at] for at in links]) for names, links in groups[:MOST_SAID]]
    what = "metrics" if statistic is None else f"the {statistic} of layers"
    return f"{what} that move together beyond what their own pasts foretell: {_listed(told)}{_more(groups)}"


def what_is_said(claims: Sequence[Claim]) -> str:
    """Say every claim, one after the other."""
    return f"{_listed(in_words(each, _measure(each)) for each in _first(claims))}{_more(claims)}"


def connected(pairs: Sequence[tuple[str, str]]) -> list[tuple[list[str], list[int]]]:
    """Give the groups that pairs connect, each with its names and the places of its pairs, in order of appearance."""
    group_of: dict[str, int] = {}
    groups: dict[int, tuple[list[str], list[int]]] = {}
    for at, pair in enumerate(pairs):
        met = sorted({group_of[name] for name in pair if name in group_of})
        into = met[0] if met else at
        names, links = groups.setdefault(into, ([], []))
        for other in met[1:]:
            more_names, more_links = groups.pop(other)
            names.extend(more_names)
            links.extend(more_links)
            group_of.update(dict.fromkeys(more_names, into))
        fresh = [name for name in dict.fromkeys(pair) if name not in group_of]
        names.extend(fresh)
        links.append(at)
        group_of.update(dict.fromkeys(fresh, into))
    return list(groups.values())


def _group(names: Sequence[str], claims: Sequence[Claim]) -> str:
    sizes = [each.panel.moments(each.slot)[1] for each in claims]
    told = f"{min(sizes):+.2g}" if len(sizes) == 1 else f"{min(sizes):+.2g} to {max(sizes):+.2g}"
    pairs = "1 pair" if len(sizes) == 1 else f"{len(sizes)} pairs"
    return f"{', '.join(names[:MOST_SAID])}{_more(names)} ({pairs}, correlation about {told})"


def _improving(claim: Claim, better: int) -> bool:
    """Say whether some side of the writes improves the metric: of an effect one does, of an impact both or neither."""
    return claim.panel.family(claim.slot).key.kind == "effect" or claim.direction == better


def _improved(claim: Claim, better: int) -> str:
    measure = _measure(claim)
    if claim.panel.family(claim.slot).key.kind == "impact":
        return f"{deed(claim)}, whichever way it goes, {size(measure, 'outcomes')}"
    side = "positive" if claim.direction == better else "negative"
    if claim.direction != better:
        measure = Measure(-measure.estimate, -measure.high, -measure.low, measure.support)
    return f"{deed(claim)}, {side} side, {size(measure, 'outcomes')}"


def _measure(claim: Claim) -> Measure:
    return claim.panel.measure(claim.slot)


def _first(claims: Sequence[Claim]) -> Sequence[Claim]:
    return claims[:MOST_SAID]


def _listed(told: Iterable[str]) -> str:
    return "; ".join(told)


def _more(of: Sequence[object]) -> str:
    return f" and {len(of) - MOST_SAID} more" if len(of) > MOST_SAID else ""
