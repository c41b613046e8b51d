from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import hypergeom

from memory.inference.block_bets import Settled
from memory.inference.comodification import BLOCK, TILTS
from memory.inference.comodification_grid import ComodificationGrid

TWENTY = math.log(20.0)


def grid_of(count: int) -> ComodificationGrid:
    grid = ComodificationGrid()
    grid.grow(count)
    return grid


def habit(rng: np.random.Generator, acts: int) -> list[list[int]]:
    """Ten storages written one act in five each, except that 0 mostly brings 1 along."""
    written = rng.random((acts, 10)) < 0.2
    written[:, 1] = np.where(written[:, 0], rng.random(acts) < 0.8, rng.random(acts) < 0.1)
    return [np.flatnonzero(row).tolist() for row in written]


def wealth_of(grid: ComodificationGrid, first: int, second: int) -> float:
    (slot,) = np.flatnonzero((grid.first == first) & (grid.second == second))
    return float(grid.log_e[slot])


def test_a_pair_written_together_by_habit_is_found_among_forty_five_within_four_blocks() -> None:
    grid = grid_of(10)
    for written in habit(np.random.default_rng(5), 4 * BLOCK):
        grid.act(written)
    claimed = grid.log_e >= TWENTY + math.log(45.0)
    assert grid.slots == 45
    assert grid.keys[:, claimed].T.tolist() == [[0, 1]]
    assert grid.direction[claimed].tolist() == [1]


def share_ever_claimed(rates: NDArray[np.float64], seed: int) -> float:
    """Of pairs of storages written independently at these rates, act by act, the share that ever reaches 20."""
    rng, claimed, pairs = np.random.default_rng(seed), 0, 0
    for _ in range(40):
        grid = grid_of(20)
        for rate in rates:
            grid.act(np.flatnonzero(rng.random(20) < rate).tolist())
        claimed += int((grid.peak_log_e >= TWENTY).sum())
        pairs += grid.slots
    return claimed / pairs


def test_chance_is_rarely_claimed_though_activity_drifts_from_block_to_block() -> None:
    rates = np.repeat(np.random.default_rng(1).choice([0.1, 0.9], size=30), BLOCK)
    assert 0.0 < share_ever_claimed(rates, 2) <= 0.05


def test_activity_that_drifts_within_blocks_is_taken_for_a_habit() -> None:
    rates = np.tile(np.repeat([0.1, 0.9], BLOCK // 2), 30)
    assert share_ever_claimed(rates, 2) > 0.9


def test_nothing_is_settled_within_a_block_and_an_idle_block_settles_nothing() -> None:
    grid = grid_of(3)
    answers = [grid.act([]) for _ in range(BLOCK)]
    assert answers[:-1] == [None] * (BLOCK - 1)
    assert isinstance(answers[-1], Settled)
    assert len(answers[-1].slots) == len(answers[-1].d) == len(answers[-1].log_factor) == grid.slots == 0


def test_a_settlement_tells_the_standardised_joint_count_and_the_gain() -> None:
    grid = grid_of(2)
    for k in range(BLOCK - 1):
        grid.act([0, 1] if k < 5 else [0] if k < 9 else [])
    settled = grid.act([1])
    assert settled is not None
    law = hypergeom(BLOCK, 9, 6)
    assert settled.slots.tolist() == [0]
    assert settled.d[0] == pytest.approx((5 - law.mean()) / law.std())
    support = np.arange(7)
    factors = [theta**5 / float(np.sum(law.pmf(support) * float(theta) ** support)) for theta in TILTS]
    assert settled.log_factor[0] == pytest.approx(math.log(sum(factors) / 5))
    assert (grid.n[0], grid.total[0], grid.squares[0]) == (1, settled.d[0], settled.d[0] ** 2)


def test_a_block_that_leaves_no_choice_gives_no_slot_and_no_evidence() -> None:
    grid = grid_of(3)
    for k in range(2 * BLOCK):
        grid.act([0, 1] if k % 3 else [0])
    assert grid.slots == 0


def test_a_storage_that_came_within_a_block_takes_part_from_the_next_on() -> None:
    grid = grid_of(2)
    grid.act([0, 1])
    grid.grow(1)
    for k in range(BLOCK - 1):
        grid.act([0, 1, 2] if k % 4 == 0 else [])
    assert grid.keys.T.tolist() == [[0, 1]]
    for k in range(BLOCK):
        grid.act([0, 1, 2] if k % 4 == 0 else [])
    assert grid.keys.T.tolist() == [[0, 1], [0, 2], [1, 2]]
    assert grid.n.tolist() == [2, 1, 1]
    assert grid.first_count.tolist() == grid.joint.tolist() == [9 + 8, 8, 8]


def test_storages_allocated_because_they_were_written_sit_out_a_block_not_begun() -> None:
    grid = ComodificationGrid()
    grid.grow(2, wait=True)
    for k in range(BLOCK):
        grid.act([0, 1] if k % 4 == 0 else [])
    assert grid.slots == 0


def test_a_storage_that_ended_takes_no_part_in_the_block_under_way_nor_later() -> None:
    grid = grid_of(3)
    for _ in range(2):
        for k in range(BLOCK):
            grid.act([0, 1, 2] if k % 4 == 0 else [])
    before = grid.to_arrays()
    grid.act([0, 1, 2])
    grid.end(2)
    for k in range(2 * BLOCK - 1):
        grid.act([0, 1, 2] if k % 4 == 0 else [1] if k % 4 == 1 else [])
    assert grid.keys.T.tolist() == [[0, 1], [0, 2], [1, 2]]
    assert grid.n.tolist() == [4, 2, 2]
    assert grid.log_e[1:].tolist() == before["log_e"][1:].tolist()
    assert (grid.joint.tolist()[1:], grid.first_count.tolist()[1:], grid.second_count.tolist()[1:]) == ([16, 16],) * 3


def test_an_excluded_pair_gets_no_slot_no_evidence_and_no_counts() -> None:
    def tied(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.bool_]:
        return (first == 0) & (second == 1)

    grid = grid_of(3)
    for k in range(BLOCK):
        grid.act([0, 1, 2] if k % 4 == 0 else [], tied)
    assert grid.keys.T.tolist() == [[0, 2], [1, 2]]
    for k in range(BLOCK):
        grid.act([0, 1, 2] if k % 4 == 0 else [])
    assert grid.keys.T.tolist() == [[0, 2], [1, 2], [0, 1]]
    level = wealth_of(grid, 0, 1)
    for k in range(BLOCK):
        grid.act([0, 1, 2] if k % 4 == 0 else [0], tied)
    assert wealth_of(grid, 0, 1) == level
    assert (grid.n[2], grid.joint[2], grid.first_count[2], grid.second_count[2]) == (1, 8, 8, 8)


def test_pairs_never_written_apart_are_told_and_one_act_apart_ends_it() -> None:
    def together(grid: ComodificationGrid, minimum: int = 8) -> list[tuple[int, ...]]:
        return [tuple(pair) for pair in grid.keys[:, grid.always_together(minimum)].T.tolist()]

    grid = grid_of(4)
    for k in range(BLOCK):
        grid.act({0: [0, 1], 1: [2, 3], 2: [2]}.get(k % 4, []))
    assert together(grid) == [(0, 1)]
    assert together(grid, 9) == []
    # blocks without a choice count too: both in every act, then one of them alone while the other rests
    for _ in range(BLOCK):
        grid.act([0, 1])
    assert together(grid, 40) == [(0, 1)]
    for k in range(BLOCK):
        grid.act([0] if k == 7 else [])
    assert together(grid) == []


def test_a_renewed_pair_begins_again_from_nothing() -> None:
    grid, fresh = grid_of(2), grid_of(2)
    for k in range(3 * BLOCK):
        grid.act([0, 1] if k % 4 == 0 else [0] if k % 7 == 0 else [])
    grid.renew(0)
    assert (grid.log_e[0], grid.peak_log_e[0], grid.n[0], grid.total[0], grid.direction[0]) == (0.0, 0.0, 0, 0.0, 0)
    for k in range(BLOCK):
        for one in (grid, fresh):
            one.act([0, 1] if k % 4 == 0 else [0] if k % 7 == 0 else [])
    for name in ("log_e", "peak_log_e", "n", "total", "squares", "joint", "first_count", "second_count"):
        assert getattr(grid, name).tolist() == getattr(fresh, name).tolist()


def test_storages_never_allocated_are_refused_and_leave_no_trace() -> None:
    grid = grid_of(2)
    for wrong in ([2], [-1], [0, 5]):
        with pytest.raises(ValueError, match="call grow first"):
            grid.act(wrong)
    with pytest.raises(ValueError, match="slots are numbered"):
        grid.renew(0)
    with pytest.raises(ValueError, match="call grow first"):
        grid.end(2)
    assert grid.to_arrays()["written.sizes"].tolist() == []


def test_state_that_is_not_its_own_is_refused() -> None:
    grid = grid_of(3)
    for k in range(BLOCK + 3):
        grid.act([0, 1] if k % 2 else [])
    arrays = grid.to_arrays()
    with pytest.raises(ValueError, match="no 'wealth'"):
        ComodificationGrid.from_arrays({name: array for name, array in arrays.items() if name != "wealth"})
    with pytest.raises(ValueError, match="'n' must be int64"):
        ComodificationGrid.from_arrays({**arrays, "n": arrays["n"].astype(np.float64)})
    with pytest.raises(ValueError, match="never allocated"):
        ComodificationGrid.from_arrays({**arrays, "keys": arrays["keys"] + 7})
