from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from memory.inference import PairedProcess
from memory.inference.kernel import LAMBDAS
from memory.inference.packed import pack, unpack
from memory.inference.paired import Bets, PairedBlock


def block_of(*smallest_effects: float) -> PairedBlock:
    block = PairedBlock()
    block.add(np.array(smallest_effects))
    return block


def take(block: PairedBlock, outcomes: dict[int, float], propensity: float = 0.5, position: int = 1) -> Any:
    rows = len(outcomes)
    return block.update(
        Bets(
            np.array(list(outcomes)),
            np.array(list(outcomes.values())),
            np.full(rows, propensity),
            np.zeros((rows, 2)),
            np.full(rows, position - 1),
            np.ones(rows),
            position,
            position - 2,
        )
    )


def fed(outcomes: list[float], smallest_effect: float = 0.0) -> PairedProcess:
    process = PairedProcess(smallest_effect=smallest_effect)
    for outcome in outcomes:
        process.update(outcome)
    return process


def state(block: PairedBlock) -> dict[str, Any]:
    return {name: (array.shape, array.tobytes()) for name, array in block.to_arrays().items()}


def test_a_placebo_is_exactly_no_evidence() -> None:
    process = fed([0.0, -0.0] * 50)
    assert (process.e_value, process.log_e, process.direction, process.estimate) == (1.0, 0.0, 0, 0.0)


def test_nothing_is_bet_on_the_first_outcome() -> None:
    assert fed([1e9]).e_value == 1.0


def test_the_second_outcome_is_scaled_by_the_first() -> None:
    up = sum(1 + math.tanh(s * 0.5) for s in LAMBDAS) + sum(1 - math.tanh(s * 0.5) for s in LAMBDAS)
    assert fed([2.0, 1.0]).e_value == pytest.approx(up / 10)
    third = [(1 + math.tanh(s * 0.5)) * (1 + math.tanh(s * 2.0)) for s in LAMBDAS]
    third += [(1 - math.tanh(s * 0.5)) * (1 - math.tanh(s * 2.0)) for s in LAMBDAS]
    assert fed([2.0, 1.0, 3.0]).e_value == pytest.approx(sum(third) / 10)


def test_after_nothing_but_zeros_any_movement_counts_fully() -> None:
    expected = [(1 + math.tanh(3 * s)) for s in LAMBDAS] + [(1 - math.tanh(3 * s)) for s in LAMBDAS]
    assert fed([0.0, 0.0, 1e-9]).e_value == pytest.approx(sum(expected) / 10)
    assert fed([0.0, 0.0, 1e-9]).bet.up[4] == pytest.approx(math.log(1 + math.tanh(4.8)))


def test_outcomes_within_the_smallest_effect_are_evidence_against_one() -> None:
    process = fed([0.9, 0.8, 0.95] * 20, smallest_effect=1.0)
    assert process.log_e < 0.0
    assert fed([0.9, 0.8, 0.95] * 20).log_e > 9.0
    assert fed([3.9, 3.8, 3.95] * 20, smallest_effect=1.0).log_e > 9.0


def test_with_a_smallest_effect_both_sides_lose_it() -> None:
    process = fed([2.0, 3.0], smallest_effect=1.0)
    expected = [(1 + math.tanh(s * 1.0)) for s in LAMBDAS] + [(1 + math.tanh(s * -2.0)) for s in LAMBDAS]
    assert process.e_value == pytest.approx(sum(expected) / 10)
    assert process.direction == 1


def test_what_is_not_finite_is_counted_and_changes_nothing_else() -> None:
    clean, dirty = block_of(0.0, 0.0), block_of(0.0, 0.0)
    for outcome in (1.0, -0.5, 2.0, 0.3):
        for bad in (math.nan, math.inf, -math.inf, 1e300):
            assert take(dirty, {0: bad}).tolist() == [0.0]
        # The same in company: a bad number in one row is no other row's business.
        take(clean, {1: 0.25})
        assert take(dirty, {0: math.nan, 1: 0.25})[0] == 0.0
        for each in (clean, dirty):
            take(each, {0: outcome, 1: -outcome})
    assert (PairedProcess.of(dirty, 0).skipped, PairedProcess.of(dirty, 1).skipped) == (20, 0)
    dirty.sums[0, 2] = 0.0
    assert state(dirty) == state(clean)


def test_the_direction_and_estimate_follow_the_sign() -> None:
    down = fed([-1.0, -1.2, -0.8] * 10)
    assert down.direction == -1
    assert down.estimate == pytest.approx(-1.0, abs=0.05)
    assert down.interval()[1] < 0.0
    assert (down.positives, down.negatives, down.n) == (0, 30, 30)


def test_flipping_every_sign_mirrors_everything() -> None:
    outcomes = [0.3, -1.0, 2.0, 0.7, 0.1, 1.4, -0.2, 0.9, 1.1, 0.4] * 3
    plus, minus = fed(outcomes), fed([-u for u in outcomes])
    # Not bit for bit: a log of a mean adds its terms in one order.
    assert plus.log_e == pytest.approx(minus.log_e, rel=1e-13)
    assert plus.estimate == pytest.approx(-minus.estimate, rel=1e-13)
    assert plus.bet.up == minus.bet.down


def test_a_strong_effect_is_evident_within_nine_acts() -> None:
    assert fed([1.0] * 8).e_value < 20.0 < fed([1.0] * 9).e_value
    assert fed([0.01] + [1.0] * 8).e_value > 20.0


def test_the_peak_remembers_what_the_present_forgot() -> None:
    process = fed([1.0] * 12 + [-1.0] * 12)
    assert process.peak_log_e == fed([1.0] * 12).log_e
    assert process.log_e < process.peak_log_e


def test_a_lopsided_coin_is_unbiased_and_makes_no_interval() -> None:
    process = PairedProcess()
    # effect 1, even part 10: u = 1 + 10z, z = +1 three times in four
    for _ in range(100):
        for z, propensity in ((1, 0.75), (1, 0.75), (1, 0.75), (-1, 0.25)):
            process.update(1.0 + 10.0 * z, propensity)
    assert process.estimate == pytest.approx(1.0)
    assert process.interval() == (-math.inf, math.inf)


def test_a_scale_never_sees_the_outcome_it_divides() -> None:
    small, large = fed([1.0, -1.0, 1.0, 3.0]), fed([1.0, -1.0, 1.0, 3e6])
    assert small.bet == large.bet
    assert small.scale != large.scale


@pytest.mark.parametrize("delta", [-1.0, math.nan, math.inf])
def test_a_smallest_effect_must_be_a_size(delta: float) -> None:
    with pytest.raises(ValueError, match="smallest effect"):
        PairedProcess(smallest_effect=delta)


@pytest.mark.parametrize("propensity", [0.0, 1.0, -0.5, math.nan])
def test_a_propensity_must_be_one(propensity: float) -> None:
    block = block_of(0.0)
    take(block, {0: 1.0})
    before = state(block)
    with pytest.raises(ValueError, match="propensity"):
        take(block, {0: 1.0}, propensity)
    assert state(block) == before


def test_a_margin_is_part_of_the_null_for_that_outcome_alone() -> None:
    plain, doubted = block_of(0.0), block_of(0.0)
    take(plain, {0: 1.0})
    take(doubted, {0: 1.0})
    one, two, half = np.array([1]), np.array([2.0]), np.array([0.5])
    doubted.update(Bets(np.array([0]), two, half, np.array([[1.5, 1.5]]), one, np.ones(1)))
    expected = [1 + math.tanh(s * 0.5) for s in LAMBDAS] + [1 + math.tanh(s * -3.0) for s in LAMBDAS]
    assert PairedProcess.of(doubted, 0).e_value == pytest.approx(sum(expected) / 10)
    take(plain, {0: 2.0})
    # What comes of it is learned as it was: estimate and scale know nothing of margins.
    assert PairedProcess.of(doubted, 0).sequence == PairedProcess.of(plain, 0).sequence
    assert PairedProcess.of(doubted, 0).scale == PairedProcess.of(plain, 0).scale


def test_a_margin_of_one_side_leaves_the_other_side_its_bet() -> None:
    block = block_of(0.0)
    take(block, {0: 1.0})
    one, half = np.array([1]), np.array([0.5])
    block.update(Bets(np.array([0]), np.array([2.0]), half, np.array([[1.5, 0.0]]), one, np.ones(1)))
    expected = [1 + math.tanh(s * 0.5) for s in LAMBDAS] + [1 + math.tanh(s * -2.0) for s in LAMBDAS]
    assert PairedProcess.of(block, 0).e_value == pytest.approx(sum(expected) / 10)


def test_an_outcome_of_a_restless_spell_is_divided_by_the_scale_of_its_spell() -> None:
    calm, restless = block_of(0.0), block_of(0.0)
    for outcome in (1.0, -1.0, 1.0, 1.0):
        take(calm, {0: outcome})
        size, one, half = np.array([4.0]), np.array([1]), np.array([0.5])
        restless.update(Bets(np.array([0]), outcome * size, half, np.zeros((1, 2)), one, size))
    assert PairedProcess.of(restless, 0).log_e == PairedProcess.of(calm, 0).log_e


def test_a_row_is_read_and_written_through() -> None:
    block = block_of(0.0, 0.5)
    second = PairedProcess.of(block, 1)
    for outcome in (1.0, 2.0, 1.5):
        second.update(outcome)
    assert (PairedProcess.of(block, 0).n, second.n) == (0, 3)
    alone = fed([1.0, 2.0, 1.5], smallest_effect=0.5)
    assert (second.smallest_effect, second.log_e, second.bet) == (0.5, alone.log_e, alone.bet)
    assert (second.scale, second.sequence) == (alone.scale, alone.sequence)


def test_where_only_one_side_is_bet_on_the_other_is_no_evidence() -> None:
    block = PairedBlock()
    block.add(np.zeros(1), one_sided=True)
    block.add(np.zeros(1))
    for _ in range(12):
        take(block, {0: -1.0, 1: -1.0})
    one, both = PairedProcess.of(block, 0), PairedProcess.of(block, 1)
    assert one.log_e < 0.0 < math.log(20.0) < both.log_e


@pytest.mark.parametrize("outcomes", [[], [1.0], [0.5, -2.0, math.nan, 3.0] * 30])
def test_a_block_goes_on_bit_for_bit_from_its_arrays(outcomes: list[float]) -> None:
    block = block_of(0.0, 0.25)
    block.add(np.zeros(1), one_sided=True)
    for at, outcome in enumerate(outcomes):
        take(block, {0: outcome, 1: -outcome, 2: outcome}, position=at + 3)
    again = PairedBlock.from_arrays(unpack(pack(block.to_arrays())))
    portions = PairedBlock()
    for first in range(3):
        portions.append(unpack(pack(block.to_arrays(first, first + 1))))
    for each in (block, again, portions):
        take(each, {1: 7.0, 0: 0.125, 2: -1.0}, 0.25, position=900)
    assert state(again) == state(portions) == state(block)


@pytest.mark.parametrize("name", ["wealth", "sums", "window", "telling", "told"])
def test_arrays_that_are_no_block_are_refused_with_their_name(name: str) -> None:
    block = block_of(0.0)
    take(block, {0: 1.0})
    arrays = block.to_arrays()
    with pytest.raises(ValueError, match=f"'{name}'"):
        PairedBlock.from_arrays({**arrays, name: np.concatenate([arrays[name], arrays[name]])})
    with pytest.raises(ValueError, match=f"'{name}'"):
        PairedBlock.from_arrays({key: array for key, array in arrays.items() if key != name})
