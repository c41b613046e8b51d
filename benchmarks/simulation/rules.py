"""Association rules and rules of thumb: what logs are usually mined with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from benchmarks.simulation.columns import Columns, ahead

SUPPORT, CONFIDENCE, LIFT = 0.001, 0.3, 1.5
TIMES, OFTEN = 3, 0.7
"""Rules of thumb: seen this many times, and in this share of cases."""
MOVED = 1.0
"""A metric moved when its outcome is this many standard deviations from 0."""

Key = tuple[str, str, str, int]
"""Kind, subject, object, direction."""


def claims_at_peeks(columns: Columns, peeks: int, method: str) -> list[Mapping[str, Any]]:
    """Give every claim ever made, in rows like those of `patterns`, active if made at the last peek.

    Args:
        columns: The run.
        peeks: How often it is looked at, the last time at its end.
        method: `rules` (mlxtend, pairs of items) or `counts` (rules of thumb).
    """
    find = {"rules": _rules, "counts": _counts}[method]
    claims: dict[Key, dict[str, Any]] = {}
    for peek in range(1, peeks + 1):
        acts = len(columns.positions) * peek // peeks
        for claim in claims.values():
            claim["status"] = "weakened"
        for key in find(columns, acts):
            row = dict(zip(("kind", "subject", "object", "direction"), key, strict=True))
            claim = claims.setdefault(key, row | {"first_position": columns.positions[acts - 1]})
            claim["status"] = "active"
    return list(claims.values())


def _moves(columns: Columns, acts: int) -> tuple[Any, Any]:
    outcomes = columns.outcomes[:acts]
    bar = MOVED * outcomes.std(axis=0)
    return outcomes > bar, outcomes < -bar


def _rules(columns: Columns, acts: int) -> Iterator[Key]:
    """Mine pairs of items: signed writes, metrics up or down, and observations of the next three acts."""
    import pandas as pd
    from mlxtend.frequent_patterns import apriori, association_rules

    names = [columns.label(c, acts - 1) for c in range(columns.written.shape[1])]
    doses, written = columns.doses[:acts], columns.written[:acts]
    up, down = _moves(columns, acts)
    blocks = [(doses > 0, "+"), (doses < 0, "-"), ((written > 0) & (doses == 0), "0")]
    items = [(("write", name, side), block[:, c]) for block, side in blocks for c, name in enumerate(names) if name]
    for each, side in ((up, "+"), (down, "-")):
        items += [(("metric", metric, side), each[:, c]) for c, metric in enumerate(columns.metrics)]
    soon = ahead(columns.observed[:acts]) > 0
    items += [(("next", f"kind:note-{c}", ""), soon[:, c]) for c in range(soon.shape[1])]
    frame = pd.DataFrame(np.column_stack([values for _, values in items]))
    frequent = apriori(frame, min_support=max(SUPPORT, 2.5 / acts), max_len=2, low_memory=True)
    if frequent.empty:
        return
    found = association_rules(frequent, metric="confidence", min_threshold=CONFIDENCE)
    for first, then, lift in zip(found["antecedents"], found["consequents"], found["lift"], strict=True):
        if lift >= LIFT:
            key = _as_claim(items[next(iter(first))][0], items[next(iter(then))][0])
            if key is not None:
                yield key


def _as_claim(first: tuple[str, str, str], then: tuple[str, str, str]) -> Key | None:
    """Give what a rule between two items says, in the words of `patterns`; None for what has no word there."""
    match first[0], then[0]:
        case "write", "metric":
            side = {"+": 1, "-": -1, "0": 1}
            return "impact" if first[2] == "0" else "effect", first[1], then[1], side[first[2]] * side[then[2]]
        case "write", "write" if first[1] != then[1]:
            return "comodification", *_ordered(first[1], then[1]), 0
        case "write", "next":
            return "sequence", f"write:{first[1]}", then[1], 0
        case "metric", "metric" if first[1] != then[1]:
            return "metric_pair", *_ordered(first[1], then[1]), 1 if first[2] == then[2] else -1
        case "metric", "next":
            return "threshold", first[1], then[1], 0
    return None


def _ordered(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one <= other else (other, one)


def _counts(columns: Columns, acts: int) -> Iterator[Key]:
    """Rules of thumb: it happened three times, and mostly."""
    names = [columns.label(c, acts - 1) for c in range(columns.written.shape[1])]
    doses, written = columns.doses[:acts], columns.written[:acts]
    each = written.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        for kind, sides in (("effect", doses), ("impact", written)):
            n = np.abs(sides).sum(axis=0)[:, None]
            rises = (np.maximum(sides, 0).T @ (columns.outcomes[:acts] > 0)) + (
                np.maximum(-sides, 0).T @ (columns.outcomes[:acts] < 0)
            )
            share = rises / n
            for c, m in np.argwhere((n >= TIMES) & (np.maximum(share, 1.0 - share) >= OFTEN)):
                yield kind, names[c], columns.metrics[m], 1 if share[c, m] > 0.5 else -1
        joint = written.T @ written
        together = joint / np.minimum(each[:, None], each[None, :])
        for a, b in np.argwhere((joint >= TIMES) & (together >= 0.5)):
            if a < b:
                yield "comodification", names[a], names[b], 0
        following = written.T @ (ahead(columns.observed[:acts]) > 0)
        for a, b in np.argwhere((following >= TIMES) & (following / each[:, None] >= 0.5)):
            yield "sequence", f"write:{names[a]}", f"kind:note-{b}", 0
        moved = (columns.outcomes[:acts] > 0).astype(np.float64)
        agree = (moved.T @ moved + (1 - moved).T @ (1 - moved)) / acts
        for a, b in np.argwhere((np.maximum(agree, 1.0 - agree) >= OFTEN) & (acts >= TIMES)):
            if a < b:
                yield "metric_pair", columns.metrics[a], columns.metrics[b], 1 if agree[a, b] > 0.5 else -1
