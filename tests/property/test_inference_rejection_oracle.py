from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.inference import reject

values = st.one_of(st.integers(0, 4_000), st.sampled_from([0, 20, 40, 80, 100, 200, 400]))
hypotheses = st.lists(st.tuples(values, st.sampled_from([1, 1, 2, 5])), min_size=1, max_size=9)


def rejected_by_definition(e_values: list[int], gammas: list[Fraction], alpha: Fraction) -> list[bool]:
    """Try every k, largest first, in exact arithmetic; a hair below each bar stands for rounding."""
    for k in range(len(e_values), 0, -1):
        mask = [g > 0 and e * k * alpha * g >= 1 for e, g in zip(e_values, gammas, strict=True)]
        if sum(mask) >= k:
            return mask
    return [False] * len(e_values)


@given(drawn=hypotheses, alpha=st.sampled_from([Fraction(1, 20), Fraction(1, 5)]))
@settings(max_examples=300, deadline=None)
def test_rejections_are_those_of_the_definition(drawn: list[tuple[int, int]], alpha: Fraction) -> None:
    total = sum(part for _, part in drawn)
    gammas = [Fraction(part, total) for _, part in drawn]
    # A bar met exactly may fall either way in floating point: move every value off all bars.
    e_values = [e for e, _ in drawn]
    nudged = [e * (1.0 + 1e-9) for e in e_values]
    with np.errstate(divide="ignore"):
        mask = reject(np.log(nudged), [float(g) for g in gammas], float(alpha))
    assert mask.tolist() == rejected_by_definition(e_values, gammas, alpha)


@given(drawn=hypotheses, more=st.integers(0, 8), seed=st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_more_evidence_for_one_never_costs_another_its_claim(
    drawn: list[tuple[int, int]], more: int, seed: int
) -> None:
    logs = [math.log(e + 1.0) for e, _ in drawn]
    weights = [1.0 / len(drawn)] * len(drawn)
    before = reject(logs, weights)
    logs[more % len(logs)] += 3.0
    after = reject(logs, weights)
    assert (after | ~before).all()
    order = np.random.default_rng(seed).permutation(len(logs))
    assert reject(np.array(logs)[order], weights).tolist() == after[order].tolist()
