from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from memory.inference import Prior, credences, estimate_prior

Floats = NDArray[np.float64]


def family(
    rng: np.random.Generator, size: int, share: float, n: int, unit: float = 1.0
) -> tuple[Floats, Floats, Floats, Floats]:
    truth = np.where(rng.random(size) < share, rng.normal(size=size), 0.0)
    outcomes = unit * (truth[:, None] + rng.normal(size=(size, n)))
    return truth, outcomes.mean(axis=1), outcomes.std(axis=1, ddof=1) / math.sqrt(n), np.full(size, float(n))


def test_the_prior_is_learned_from_the_family() -> None:
    rng = np.random.default_rng(0)
    for share in (0.1, 0.5):
        _, estimates, errors, counts = family(rng, 600, share, 60)
        prior = estimate_prior(estimates, errors, counts)
        assert prior.real == pytest.approx(share, abs=0.1)
        assert prior.slab == pytest.approx(1.0, abs=0.25)


def test_what_two_outcomes_leave_open_does_not_narrow_the_slab() -> None:
    # Estimates of 0 from two outcomes each hardly say that real effects are small: their own variance counts too.
    assert estimate_prior(np.zeros(200), np.ones(200), np.full(200, 2)).slab > 0.8


def test_a_belief_at_ninety_five_percent_is_wrong_at_most_about_one_time_in_twenty() -> None:
    rng = np.random.default_rng(1)
    sure, wrong, expected = 0, 0, 0.0
    for _ in range(40):
        truth, estimates, errors, counts = family(rng, 100, 0.2, 25)
        positive, negative = credences(estimates, errors, counts, estimate_prior(estimates, errors, counts))
        for said, right in ((positive, truth > 0), (negative, truth < 0)):
            believed = said >= 0.95
            sure += int(believed.sum())
            wrong += int((believed & ~right).sum())
            expected += float((1.0 - said[believed]).sum())
    assert sure > 200
    assert wrong / sure <= 0.05
    assert wrong <= 3.0 * expected + 5


def test_small_samples_are_not_believed_for_a_lucky_spread() -> None:
    prior = Prior(real=0.1, slab=1.0)
    # t = 5 from three outcomes is common by chance; from forty it is not
    few, many = credences([5.0, 5.0], [1.0, 1.0], [3, 40], prior)[0]
    assert few < 0.5
    assert many > 0.95


def test_units_play_no_part_and_the_sides_mirror() -> None:
    _, estimates, errors, counts = family(np.random.default_rng(2), 50, 0.3, 20)
    prior = estimate_prior(estimates, errors, counts)
    assert estimate_prior(1024.0 * estimates, 1024.0 * errors, counts) == prior
    positive, negative = credences(estimates, errors, counts, prior)
    mirrored = credences(-estimates, errors, counts, prior)
    assert np.array_equal(mirrored[0], negative)
    assert np.array_equal(mirrored[1], positive)
    assert ((positive + negative) <= 1.0).all()


def test_the_same_family_gives_the_same_bits() -> None:
    _, estimates, errors, counts = family(np.random.default_rng(3), 77, 0.3, 20)
    first, second = (estimate_prior(estimates, errors, counts) for _ in range(2))
    assert (first.real.hex(), first.slab.hex()) == (second.real.hex(), second.slab.hex())


def test_no_data_is_the_prior_and_repeats_without_spread_are_finite() -> None:
    prior = Prior(real=0.2, slab=1.0)
    positive, negative = credences([math.nan, 3.0], [math.inf, math.inf], [0, 1], prior)
    assert positive == pytest.approx([0.1, 0.1])
    assert negative == pytest.approx([0.1, 0.1])
    sure, never = (side[0] for side in credences([2.0], [0.0], [30], prior))
    assert sure > 0.99
    assert never < 1e-6
    assert credences([0.0], [0.0], [30], prior)[0][0] < 0.1
    assert estimate_prior([], [], []).real == pytest.approx(0.1)


def test_the_prior_stays_away_from_none_and_all() -> None:
    assert estimate_prior(np.full(5_000, 9.0), np.ones(5_000), np.full(5_000, 30)).real == 0.95
    assert estimate_prior(np.zeros(5_000), np.ones(5_000), np.full(5_000, 1e6)).real == 0.01


def test_misuse_is_refused() -> None:
    with pytest.raises(ValueError, match="must match"):
        credences([1.0], [1.0, 2.0], [3], Prior())
    with pytest.raises(ValueError, match="at least 0"):
        estimate_prior([1.0], [-1.0], [3])
    with pytest.raises(ValueError, match="share of real"):
        Prior(real=1.0)
    with pytest.raises(ValueError, match="slab"):
        Prior(slab=0.0)
