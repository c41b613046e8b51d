"""The grids are what they are defined to be, pair by pair, and survive any interruption bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.inference import ComodificationProcess
from memory.inference.comodification import BLOCK
from memory.inference.comodification_grid import ComodificationGrid
from memory.inference.sequences import BLOCK as CYCLES
from memory.inference.sequences import SequenceGrid
from memory.inference.thresholds import ThresholdGrid
from memory.inference.trends import TrendGrid

seeds = st.integers(0, 2**32 - 1)
shares = st.sampled_from([0.03, 0.2, 0.5, 0.97, 1.0])


@given(seed=seeds, share=shares, cut=st.integers(0, 3 * BLOCK))
@settings(max_examples=40, deadline=None)
def test_every_pair_of_the_grid_is_a_process_of_its_own(seed: int, share: float, cut: int) -> None:
    """A storage that comes at `cut` is one whose processes have dropped the block under way."""
    written = np.random.default_rng(seed).random((4 * BLOCK, 5)) < share
    written[:cut, 4] = False
    grid = ComodificationGrid()
    grid.grow(4)
    pairs = {pair: ComodificationProcess() for pair in combinations(range(5), 2)}
    for act, row in enumerate(written):
        if act == cut:
            grid.grow(1)
        grid.act(np.flatnonzero(row).tolist())
        for (first, second), process in pairs.items():
            if second < 4 or act >= -(-cut // BLOCK) * BLOCK:
                process.update(bool(row[first]), bool(row[second]))
    found = set()
    for slot, pair in enumerate(map(tuple, grid.keys.T.tolist())):
        found.add(pair)
        assert abs(grid.log_e[slot] - pairs[pair].log_e) <= 1e-12
        assert abs(grid.peak_log_e[slot] - pairs[pair].peak_log_e) <= 1e-12
    assert all(process.log_e == 0.0 for pair, process in pairs.items() if pair not in found)


@given(seed=seeds, share=shares)
@settings(max_examples=40, deadline=None)
def test_what_was_ever_written_together_or_apart_is_counted(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    blocks = rng.random((4, BLOCK, 4)) < np.where(rng.random((4, 1, 4)) < 0.3, 1.0, share)
    grid = ComodificationGrid()
    grid.grow(4)
    born: dict[tuple[int, ...], int] = {}
    for number, block in enumerate(blocks):
        for row in block:
            grid.act(np.flatnonzero(row).tolist())
        for pair in map(tuple, grid.keys.T.tolist()):
            born.setdefault(pair, number)
    for slot, (first, second) in enumerate(map(tuple, grid.keys.T.tolist())):
        a, b = (blocks[born[first, second] :, :, end].ravel() for end in (first, second))
        assert (grid.first_count[slot], grid.second_count[slot]) == (a.sum(), b.sum())
        assert grid.joint[slot] == (a & b).sum()
        assert grid.always_together(1)[slot] == bool((a == b).all())


@given(seed=seeds, share=shares)
@settings(max_examples=40, deadline=None)
def test_a_block_read_backwards_is_the_same_evidence_the_other_way_round(seed: int, share: float) -> None:
    block = np.random.default_rng(seed).random((CYCLES, 4)) < share
    told = []
    for rows in (block, block[::-1]):
        grid = SequenceGrid()
        grid.grow(4)
        for row in rows:
            grid.cycle(np.flatnonzero(row).tolist())
        told.append(grid)
    forwards, backwards = told
    assert backwards.keys.tolist() == forwards.keys.tolist()
    assert backwards.total.tolist() == (-forwards.total).tolist()


@given(seed=seeds, share=shares)
@settings(max_examples=30, deadline=None)
def test_a_sequence_statistic_is_its_definition(seed: int, share: float) -> None:
    block = np.random.default_rng(seed).random((CYCLES, 3)) < share
    grid = SequenceGrid()
    grid.grow(3)
    for row in block:
        grid.cycle(np.flatnonzero(row).tolist())
    expected: dict[tuple[int, ...], float] = {}
    for a in range(3):
        for b in range(3):
            after = sum(int(block[t, a] & block[t + s, b]) for t in range(3, 61) for s in (1, 2, 3))
            before = sum(int(block[t, a] & block[t - s, b]) for t in range(3, 61) for s in (1, 2, 3))
            if a != b and after + before:
                expected[a, b] = max(-3.0, min(3.0, (after - before) / (after + before) ** 0.5))
    assert dict(zip(map(tuple, grid.keys.T.tolist()), grid.total.tolist(), strict=True)) == pytest.approx(expected)


def comodification_step(grid: ComodificationGrid, rng: np.random.Generator) -> None:
    count = grid.to_arrays()["ever"].size
    if count < 3 or rng.random() < 0.02:
        grid.grow(1, wait=bool(rng.random() < 0.5))
    elif rng.random() < 0.01:
        grid.end(int(rng.integers(count)))
    elif rng.random() < 0.02 and grid.slots:
        grid.renew(int(rng.integers(grid.slots)))
    grid.act(np.flatnonzero(rng.random(count) < 0.3).tolist(), lambda first, second: first + second == 3)


def sequence_step(grid: SequenceGrid, rng: np.random.Generator) -> None:
    count = grid.to_arrays()["present.part"].size
    if count < 3 or rng.random() < 0.02:
        grid.grow(1)
    elif rng.random() < 0.01:
        grid.end(int(rng.integers(count)))
    elif rng.random() < 0.02 and grid.slots:
        grid.renew(int(rng.integers(grid.slots)))
    grid.cycle(np.flatnonzero(rng.random(count) < 0.3).tolist())


def threshold_step(grid: ThresholdGrid, rng: np.random.Generator) -> None:
    metrics, categories = grid.to_arrays()["seen"].size, grid.to_arrays()["present.part"].size
    if metrics < 2 or rng.random() < 0.02:
        grid.grow(metrics=1, categories=1)
    elif rng.random() < 0.005:
        grid.end_metric(int(rng.integers(metrics)))
    values = np.where(rng.random(metrics) < 0.9, rng.standard_cauchy(metrics), np.nan)
    grid.cycle(values, np.flatnonzero(rng.random(categories) < 0.3).tolist())


def trend_step(grid: TrendGrid, rng: np.random.Generator) -> None:
    count = grid.skipped.size
    if count < 2 or rng.random() < 0.005:
        grid.grow(1)
    elif rng.random() < 0.002:
        grid.end(int(rng.integers(count)))
    elif rng.random() < 0.01 and grid.slots:
        grid.renew(int(rng.integers(grid.slots)))
    for value in rng.standard_cauchy(8).tolist():
        grid.update(int(rng.integers(grid.skipped.size)), value if abs(value) < 50.0 else float("nan"))


Grid = Any
MACHINES: list[tuple[type[Grid], Callable[[Any, np.random.Generator], None]]] = [
    (ComodificationGrid, comodification_step),
    (SequenceGrid, sequence_step),
    (ThresholdGrid, threshold_step),
    (TrendGrid, trend_step),
]


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine[0].__name__)
@given(seed=seeds, cuts=st.sets(st.integers(0, 299), max_size=8))
@settings(max_examples=25, deadline=None)
def test_a_grid_put_down_and_taken_up_anywhere_has_the_same_bits(
    machine: tuple[type[Grid], Callable[[Any, np.random.Generator], None]], seed: int, cuts: set[int]
) -> None:
    kind, step = machine
    live, replayed = kind(), kind()
    one, other = np.random.default_rng(seed), np.random.default_rng(seed)
    for moment in range(300):
        step(live, one)
        if moment in cuts:
            replayed = kind.from_arrays(replayed.to_arrays())
        step(replayed, other)
    kept, again = live.to_arrays(), replayed.to_arrays()
    assert list(kept) == list(again)
    for name, array in kept.items():
        assert (array.dtype, array.shape, array.tobytes()) == (
            again[name].dtype,
            again[name].shape,
            again[name].tobytes(),
        )
    assert np.isfinite(live.log_e).all()
    assert (live.peak_log_e >= np.maximum(live.log_e, 0.0)).all()
