"""Measures of likeness: closed forms, and definitions computed the long way."""

from __future__ import annotations

import math

import pytest
import torch

from introspection.alignment import alignments, debiased_cka, linear_cka
from introspection.errors import InvalidArgument
from introspection.similarity_measures import (
    effective_rank,
    entropy,
    kl_divergence,
    mean_cosine,
    median_and_spread,
    relative_change,
    robust_scores,
)

torch.set_num_threads(1)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def rotation(size: int) -> torch.Tensor:
    return torch.linalg.qr(random(size, size, seed=9)).Q


def hsic(x: torch.Tensor, y: torch.Tensor) -> float:
    """The biased estimate by its definition: tr(KHLH) / (n − 1)²."""
    n = len(x)
    h = torch.eye(n, dtype=torch.float64) - 1 / n
    return float(torch.trace(x @ x.T @ h @ y @ y.T @ h)) / (n - 1) ** 2


def unbiased_hsic(x: torch.Tensor, y: torch.Tensor) -> float:
    """The unbiased estimate by its definition, with kernel matrices whose diagonals are zero."""
    n = len(x)
    k, m = x @ x.T, y @ y.T
    k.fill_diagonal_(0)
    m.fill_diagonal_(0)
    one = torch.ones(n, dtype=torch.float64)
    whole = (
        torch.trace(k @ m) + (one @ k @ one) * (one @ m @ one) / ((n - 1) * (n - 2)) - 2 / (n - 2) * one @ k @ m @ one
    )
    return float(whole) / (n * (n - 3))


@pytest.mark.parametrize("shapes", [((50, 7), (50, 11)), ((9, 30), (9, 40)), ((9, 30), (9, 4))])
def test_alignment_is_its_definition(shapes: tuple[tuple[int, int], tuple[int, int]]) -> None:
    x, y = random(*shapes[0]) + 3, random(*shapes[1], seed=1)
    y[:, :2] += x[:, :2]
    assert linear_cka(x, y) == pytest.approx(hsic(x, y) / math.sqrt(hsic(x, x) * hsic(y, y)), rel=1e-9)
    expected = unbiased_hsic(x, y) / math.sqrt(unbiased_hsic(x, x) * unbiased_hsic(y, y))
    assert debiased_cka(x, y) == pytest.approx(expected, rel=1e-9)


def test_alignment_sees_through_rotation_scale_and_shift() -> None:
    x = random(40, 6)
    moved = 1e-3 * x @ rotation(6) + 100
    assert linear_cka(x, moved) == pytest.approx(1, abs=1e-9)
    assert debiased_cka(x, moved) == pytest.approx(1, abs=1e-9)
    assert linear_cka(x, x @ torch.diag(torch.tensor([100.0, 1, 1, 1, 1, 1]).double())) < 0.9


def test_representations_that_vary_in_unrelated_ways_are_not_aligned() -> None:
    x = torch.tensor([[1.0], [1], [-1], [-1]]).double()
    y = torch.tensor([[1.0], [-1], [1], [-1]]).double()
    assert linear_cka(x, y) == pytest.approx(0, abs=1e-15)


def test_few_rows_of_many_columns_look_alike_only_to_the_biased_estimate() -> None:
    pairs = [(random(10, 300, seed=seed), random(10, 300, seed=100 + seed)) for seed in range(20)]
    assert min(linear_cka(x, y) or 0 for x, y in pairs) > 0.9
    assert abs(sum(debiased_cka(x, y) or 0 for x, y in pairs) / 20) < 0.02


def test_many_are_aligned_as_each_two_are() -> None:
    matrices = [random(9, 30), None, random(9, 4, seed=1), random(9, 12, seed=2), random(8, 4)]
    linear, debiased = alignments(matrices)
    for row, x in enumerate(matrices):
        for column, y in enumerate(matrices):
            fits = x is not None and y is not None and len(x) == len(y)
            assert linear[row][column] == (pytest.approx(linear_cka(x, y)) if fits else None)
            assert debiased[row][column] == (pytest.approx(debiased_cka(x, y)) if fits else None)


def test_alignment_survives_extreme_magnitudes() -> None:
    x = random(30, 5)
    for scale in (1e-160, 1e160):
        assert linear_cka(x * scale, x) == pytest.approx(1)


def test_what_does_not_vary_has_no_alignment() -> None:
    x = random(8, 3)
    for constant in (torch.zeros(8, 3), torch.full((8, 3), 0.1), torch.full((8, 3), 1e9 / 3)):
        assert linear_cka(x, constant) is None
        assert debiased_cka(constant, x) is None
        assert effective_rank(constant) is None
    assert debiased_cka(x[:3], x[:3]) is None
    assert linear_cka(x[:0], x[:0]) is None


def test_matrices_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InvalidArgument):
        linear_cka(random(4, 3), random(5, 3))
    with pytest.raises(InvalidArgument):
        linear_cka(random(4), random(4))
    with pytest.raises(InvalidArgument):
        mean_cosine(random(4, 3), random(4, 2))
    with pytest.raises(InvalidArgument):
        relative_change(random(4, 3), random(3, 4))
    with pytest.raises(InvalidArgument):
        kl_divergence(random(4, 3), random(3, 4))


def test_cosines_are_taken_row_by_row_and_zero_rows_have_none() -> None:
    x = torch.tensor([[1.0, 0], [0, 2], [3, 4], [0, 0]])
    y = torch.tensor([[5.0, 0], [0, -1], [4, 3], [1, 1]])
    assert mean_cosine(x, y) == pytest.approx((1 - 1 + 24 / 25) / 3)
    assert mean_cosine(x * 1e-30, y.double() * 1e200) == pytest.approx((1 - 1 + 24 / 25) / 3)
    assert mean_cosine(torch.zeros(2, 2), x[:2]) is None


def test_a_change_is_relative_to_what_was_there() -> None:
    x = torch.tensor([[3.0, 4.0]])
    assert relative_change(x, x + torch.tensor([[0.0, 5.0]])) == 1
    assert relative_change(x, x) == 0
    assert relative_change(torch.zeros(2), torch.zeros(2)) == 0
    assert relative_change(torch.zeros(2), torch.ones(2)) is None


def test_the_effective_rank_counts_directions_of_equal_weight() -> None:
    for rank in (1, 2, 5):
        directions = torch.eye(8, dtype=torch.float64)[:rank]
        rows = torch.cat([directions, -directions]) @ rotation(8) + 7
        assert effective_rank(rows) == pytest.approx(rank)
    weighted = torch.diag(torch.tensor([3.0, 1.0])).double()
    shares = (0.75, 0.25)
    expected = math.exp(-sum(share * math.log(share) for share in shares))
    assert effective_rank(torch.cat([weighted, -weighted])) == pytest.approx(expected)


def test_divergence_is_in_nats() -> None:
    p, q = torch.tensor([0.5, 0.5]), torch.tensor([0.9, 0.1])
    found = kl_divergence(p.log()[None] + 3, q.log()[None] - 8)
    assert float(found) == pytest.approx(0.5 * math.log(0.5 / 0.9) + 0.5 * math.log(0.5 / 0.1), rel=1e-6)


def test_divergence_of_gaussian_logits_is_never_negative_and_zero_to_itself() -> None:
    p, q = random(100, 50).float(), random(100, 50, seed=1).float()
    assert float(kl_divergence(p, p).max()) == 0
    assert float(kl_divergence(p, q).min()) > 0
    assert float(kl_divergence(p, p + 1e-9 * q).min()) >= 0


def test_what_a_distribution_excludes_diverges_without_bound() -> None:
    some, every = torch.tensor([[0.0, -math.inf]]), torch.tensor([[0.0, 0.0]])
    assert float(kl_divergence(some, every)) == pytest.approx(math.log(2))
    assert float(kl_divergence(every, some)) == math.inf
    assert math.isnan(float(kl_divergence(torch.tensor([[math.nan, 0.0]]), every)))


def test_entropy_is_in_nats() -> None:
    assert float(entropy(torch.zeros(1, 7))) == pytest.approx(math.log(7))
    assert float(entropy(torch.tensor([[0.0, -math.inf]]))) == 0


def test_scores_count_robust_standard_deviations() -> None:
    reference = torch.cat([random(100001), torch.full((20000,), 1e6, dtype=torch.float64)])
    middle, spread = median_and_spread(random(100001))
    assert float(spread) == pytest.approx(1, abs=0.02)
    assert float(robust_scores(torch.tensor([3.0]), middle, spread)) == pytest.approx(3, abs=0.08)
    _, contaminated = median_and_spread(reference)
    assert float(contaminated) < 2


def test_the_median_of_an_even_number_lies_between() -> None:
    middle, spread = median_and_spread(torch.tensor([1.0, 2.0, 4.0, 9.0]))
    assert float(middle) == 3
    assert float(spread) == pytest.approx(1.4826022 * 1.5)


def test_a_unit_that_is_mostly_off_still_has_a_spread() -> None:
    values = torch.zeros(10, 1)
    values[:2] = 5.0
    middle, spread = median_and_spread(values)
    assert float(middle) == 0
    assert float(spread) == pytest.approx(1.2533141 * 1.0)


def test_without_any_spread_every_difference_is_infinite_unless_a_least_one_is_given() -> None:
    middle, spread = median_and_spread(torch.full((5,), 2.0))
    values = torch.tensor([2.0, 2.5, 1.0])
    assert robust_scores(values, middle, spread).tolist() == [0, math.inf, -math.inf]
    assert robust_scores(values, middle, spread, least_spread=0.5).tolist() == [0, 1, -2]
