from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import hypergeom

from memory.inference import ComodificationProcess
from memory.inference.comodification import BLOCK, TILTS, log_block_factor


@pytest.mark.parametrize(("first", "second"), [(16, 16), (3, 20), (31, 5), (1, 1), (30, 30)])
def test_a_block_factor_is_the_hypergeometric_tilt_and_has_mean_one(first: int, second: int) -> None:
    law = hypergeom(BLOCK, first, second)
    support = np.arange(max(0, first + second - BLOCK), min(first, second) + 1)
    for tilt in TILTS:
        normaliser = float(np.sum(law.pmf(support) * float(tilt) ** support))
        factors = [math.exp(log_block_factor(tilt, BLOCK, first, second, int(k))) for k in support]
        assert factors == pytest.approx(list(float(tilt) ** support / normaliser), rel=1e-8)
        assert float(np.dot(law.pmf(support), factors)) == pytest.approx(1.0, rel=1e-8)


def test_counts_that_leave_no_choice_are_exactly_no_evidence() -> None:
    for first, second, joint in ((0, 7, 0), (32, 7, 7), (5, 32, 5), (0, 0, 0), (32, 32, 32)):
        assert [log_block_factor(t, BLOCK, first, second, joint) for t in TILTS] == [0.0] * 5


def test_tied_names_counted_apart_look_certain_after_sixty_four_acts() -> None:
    process = ComodificationProcess()
    for k in range(4 * BLOCK):
        process.update(k % 2 == 0, k % 2 == 0)
    assert process.blocks == 4
    assert process.joint_total == 64
    assert process.log_e > math.log(1e28)


def test_evidence_moves_only_when_a_block_ends() -> None:
    process = ComodificationProcess()
    ended = [process.update(k % 3 == 0, k % 3 == 0) for k in range(BLOCK)]
    assert ended == [False] * 31 + [True]
    assert process.log_e > 0.0
    level = process.log_e
    for _ in range(BLOCK - 1):
        process.update(True, False)
    assert process.log_e == level


def test_a_dropped_block_leaves_no_trace() -> None:
    process = ComodificationProcess()
    for _ in range(20):
        process.update(True, True)
    process.drop_block()
    assert process == ComodificationProcess()


def test_chance_alone_rarely_claims() -> None:
    rng = np.random.default_rng(11)
    runs, reached = 1_000, 0
    for _ in range(runs):
        process = ComodificationProcess()
        # activity drifts from block to block and is shared by both: only within a block must acts be exchangeable
        rates = np.repeat(rng.choice([0.1, 0.9], size=4), BLOCK)
        for first, second in rng.random((4 * BLOCK, 2)) < rates[:, None]:
            process.update(bool(first), bool(second))
        reached += process.peak_log_e >= math.log(20.0)
    assert reached / runs <= 0.05


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="no block"):
        log_block_factor(2, BLOCK, 4, 4, 5)
