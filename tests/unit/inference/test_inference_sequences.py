from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from memory.inference.sequences import BLOCK, SequenceGrid

TWENTY = math.log(20.0)
Presence = NDArray[np.bool_]


def told(presence: Presence) -> SequenceGrid:
    grid = SequenceGrid()
    grid.grow(presence.shape[1])
    for row in presence:
        grid.cycle(np.flatnonzero(row).tolist())
    return grid


def focus(rng: np.random.Generator, stay: float, blocks: int = 40) -> Presence:
    """Nine entities in three projects: the agent stays with one for a while, then moves to any."""
    cycles = BLOCK * blocks
    moves, where = rng.random(cycles) > stay, rng.integers(3, size=cycles)
    moves[0] = True
    project = where[np.maximum.accumulate(np.where(moves, np.arange(cycles), 0))]
    rate = np.where(project[:, None] == np.arange(9) % 3, 0.5, 0.02)
    presence: Presence = rng.random((cycles, 9)) < rate
    return presence


def followed(rng: np.random.Generator, blocks: int) -> Presence:
    """Six entities present one cycle in eight; half the occurrences of 0 bring 1 two cycles later."""
    presence = rng.random((BLOCK * blocks, 6)) < 0.12
    presence[2:, 1] |= presence[:-2, 0] & (rng.random(BLOCK * blocks - 2) < 0.5)
    return presence


def share_ever_claimed(make: Callable[[np.random.Generator], Presence], runs: int, seed: int = 3) -> float:
    rng, claimed, pairs = np.random.default_rng(seed), 0, 0
    for _ in range(runs):
        grid = told(make(rng))
        claimed += int((grid.peak_log_e >= TWENTY).sum())
        pairs += grid.slots
    return claimed / pairs


def test_a_sequence_is_found_among_thirty_within_thirty_blocks_in_its_order_only() -> None:
    grid = told(followed(np.random.default_rng(1), 30))
    assert grid.slots == 30
    assert grid.keys[:, grid.log_e >= TWENTY + math.log(30.0)].T.tolist() == [[0, 1]]
    slot = int(np.argmax(grid.log_e))
    assert grid.direction[slot] == 1
    assert grid.total[slot] / grid.n[slot] > 0.5


@pytest.mark.parametrize("stay", [0.0, 0.8, 0.95, 0.99])
def test_a_focus_that_drifts_is_rarely_taken_for_a_sequence(stay: float) -> None:
    assert 0.0 < share_ever_claimed(lambda rng: focus(rng, stay), runs=25) <= 0.05


def test_blocks_turned_round_by_a_coin_are_rarely_claimed_whatever_is_in_them() -> None:
    def turned(rng: np.random.Generator) -> Presence:
        blocks = followed(rng, 40)[:, :2].reshape(40, BLOCK, 2)
        coins = rng.random(40) < 0.5
        presence: Presence = np.where(coins[:, None, None], blocks[:, ::-1], blocks).reshape(-1, 2)
        return presence

    assert 0.0 < share_ever_claimed(turned, runs=200) <= 0.05


def test_the_same_blocks_not_turned_are_claimed_in_their_order() -> None:
    assert share_ever_claimed(lambda rng: followed(rng, 40)[:, :2], runs=20) == 0.5


def test_a_round_of_projects_is_no_drift_and_is_claimed() -> None:
    def rounds(rng: np.random.Generator) -> Presence:
        project = np.cumsum(rng.random(BLOCK * 40) < 0.2) % 3
        presence: Presence = rng.random((BLOCK * 40, 3)) < np.where(project[:, None] == np.arange(3), 0.8, 0.02)
        return presence

    assert share_ever_claimed(rounds, runs=5) == 0.5


def test_presence_in_the_same_cycle_says_nothing_about_order() -> None:
    presence = np.zeros((BLOCK, 2), dtype=np.bool_)
    presence[::9] = True
    assert told(presence).slots == 0


def test_coincidences_are_counted_in_the_interior_only() -> None:
    presence = np.zeros((BLOCK, 2), dtype=np.bool_)
    presence[2, 0] = presence[3, 1] = True
    assert told(presence).keys.T.tolist() == [[1, 0]]
    presence = np.zeros((BLOCK, 2), dtype=np.bool_)
    presence[60, 0] = presence[63, 1] = True
    assert told(presence).keys.T.tolist() == [[0, 1]]


def test_the_statistic_is_the_difference_over_the_root_of_the_coincidences() -> None:
    presence = np.zeros((BLOCK, 2), dtype=np.bool_)
    presence[[10, 30], 0] = True
    presence[[8, 11, 12, 13, 33, 40], 1] = True
    grid = told(presence)
    assert grid.keys.T.tolist() == [[0, 1], [1, 0]]
    assert grid.total.tolist() == [3 / math.sqrt(5), -3 / math.sqrt(5)]


def test_an_entity_that_came_or_went_within_a_block_takes_no_part_in_it() -> None:
    grid = SequenceGrid()
    grid.grow(2)
    grid.cycle([0])
    grid.grow(1)
    for cycle in range(1, 3 * BLOCK):
        if cycle == 2 * BLOCK + 9:
            grid.end(1)
        grid.cycle([cycle % 3])
    assert grid.keys.T.tolist() == [[0, 1], [1, 0], [0, 2], [1, 2], [2, 0], [2, 1]]
    assert grid.n.tolist() == [2, 2, 2, 1, 2, 1]


def test_an_excluded_pair_gets_no_slot() -> None:
    grid = SequenceGrid()
    grid.grow(3)
    for cycle in range(BLOCK):
        grid.cycle([cycle % 3], lambda first, second: first + second == 1)
    assert grid.keys.T.tolist() == [[0, 2], [1, 2], [2, 0], [2, 1]]
