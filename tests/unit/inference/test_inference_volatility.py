"""How restless series are just now, against how they usually are."""

from __future__ import annotations

import numpy as np

from memory.inference.volatility import RESTLESS, Volatility

FIRST = np.array([0])


def followed(moves: np.ndarray) -> tuple[Volatility, list[float]]:
    volatility, ratios = Volatility(), []
    volatility.grow(1)
    for move in moves:
        ratios.append(float(volatility.ratio(FIRST)[0]))
        volatility.update(FIRST, np.array([move]))
    return volatility, ratios


def test_a_quiet_series_is_as_restless_as_usual() -> None:
    _, ratios = followed(np.random.default_rng(1).normal(size=3000))
    assert np.mean(np.array(ratios) == 1.0) > 0.9


def test_a_spell_of_fourfold_noise_is_noticed_within_a_dozen_moves_and_forgotten_after_it() -> None:
    rng = np.random.default_rng(2)
    moves = np.concatenate([rng.normal(size=500), 4.0 * rng.normal(size=40), rng.normal(size=200)])
    _, ratios = followed(moves)
    spell = np.array(ratios[512:540])
    assert np.median(spell) > RESTLESS
    assert np.mean(np.array(ratios[570:]) == 1.0) > 0.85


def test_it_is_judged_from_the_past_alone() -> None:
    rng = np.random.default_rng(3)
    moves = rng.normal(size=100)
    changed = moves.copy()
    changed[60] = 1e6
    assert followed(moves)[1][:61] == followed(changed)[1][:61]


def test_what_is_nothing_or_no_number_says_nothing() -> None:
    volatility, _ = followed(np.array([1.0, 2.0, 0.5]))
    before = {name: array.tobytes() for name, array in volatility.to_arrays().items()}
    for move in (0.0, np.nan, np.inf):
        volatility.update(FIRST, np.array([move]))
    assert {name: array.tobytes() for name, array in volatility.to_arrays().items()} == before


def test_it_goes_on_bit_for_bit_from_its_arrays() -> None:
    moves = np.random.default_rng(4).normal(size=200)
    whole, ratios = followed(moves)
    half, _ = followed(moves[:100])
    again = Volatility.from_arrays({name: array.copy() for name, array in half.to_arrays().items()})
    assert [float(again.ratio(FIRST)[0]) == ratios[100]] == [True]
    for move in moves[100:]:
        again.update(FIRST, np.array([move]))
    assert all((again.to_arrays()[name] == array).all() for name, array in whole.to_arrays().items())
