"""What attention weights say: entropy row by row in nats, patterns as measured scores, heads, tokens."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from introspection.attention import head_patterns, head_specialisation, row_entropy, token_attention
from introspection.errors import InvalidArgument

torch.set_num_threads(1)

N = 8


def causal(scores: torch.Tensor) -> torch.Tensor:
    return scores.masked_fill(torch.ones(N, N, dtype=torch.bool).triu(1), -torch.inf).softmax(-1)


def head(kind: str) -> torch.Tensor:
    """One causal head that does one thing, shape (1, 1, N, N)."""
    own = torch.arange(N)
    scores = torch.zeros(N, N)
    if kind == "previous_token":
        scores[own[1:], own[:-1]] = 50
    elif kind == "first_token":
        scores[:, 0] = 50
    elif kind == "diagonal":
        scores[own, own] = 50
    elif kind == "local":
        scores[(own.unsqueeze(1) - own).abs() <= 2] = 50
    elif kind == "mixed":
        scores = torch.randn(N, N, generator=torch.Generator().manual_seed(0)) * 2
    return causal(scores)[None, None]


def test_entropy_is_of_each_row_and_not_of_the_matrix() -> None:
    weights = head("uniform")
    expected = torch.tensor([math.log(row + 1) for row in range(N)], dtype=torch.float64)
    torch.testing.assert_close(row_entropy(weights)[0, 0], expected, atol=1e-6, rtol=0)
    assert row_entropy(weights)[0, 0, 0] == 0
    assert head_patterns(weights)[0]["entropy"] == pytest.approx(float(expected.mean()))


def test_zero_weights_contribute_nothing_and_empty_or_nan_rows_say_nothing() -> None:
    weights = torch.tensor([[[[0.0, 1.0, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 0.0]]]])
    entropies = row_entropy(weights)[0, 0]
    assert entropies[0] == 0
    assert math.copysign(1, float(entropies[0])) == 1
    assert math.isclose(float(entropies[1]), math.log(2))
    assert entropies[2].isnan()
    weights[0, 0, 1] = torch.nan
    found = head_patterns(weights)[0]
    assert found["entropy"] == 0.0
    assert found["rows"] == 0
    assert found["scores"] == dict.fromkeys(("previous_token", "first_token", "diagonal", "local", "uniform"))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=20).filter(lambda row: sum(row) > 1e-3))
def test_entropy_lies_between_zero_and_that_of_the_visible_keys(row: list[float]) -> None:
    total = math.fsum(row)
    expected = -math.fsum(value / total * math.log(value / total) for value in row if value / total > 0)
    found = float(row_entropy(torch.tensor([row], dtype=torch.float64))[0])
    assert found == pytest.approx(expected, abs=1e-9)
    assert 0 <= found <= math.log(max(1, sum(value > 0 for value in row))) + 1e-9


@pytest.mark.parametrize("kind", ["previous_token", "first_token", "diagonal", "local", "uniform", "mixed"])
def test_a_head_that_does_one_thing_is_named_for_it(kind: str) -> None:
    assert head_patterns(head(kind))[0]["pattern"] == kind


def test_scores_are_mean_weights_over_rows_with_a_choice() -> None:
    weights = head("mixed")
    rows = weights[0, 0].double()
    scores = head_patterns(weights, window=1)[0]["scores"]
    choice = range(1, N)
    assert scores["previous_token"] == pytest.approx(sum(float(rows[i, i - 1]) for i in choice) / (N - 1))
    assert scores["first_token"] == pytest.approx(sum(float(rows[i, 0]) for i in choice) / (N - 1))
    assert scores["diagonal"] == pytest.approx(sum(float(rows[i, i]) for i in choice) / (N - 1))
    assert scores["local"] == pytest.approx(sum(float(rows[i, i - 1 : i + 2].sum()) for i in choice) / (N - 1))
    shares = [float(-(rows[i, : i + 1] * rows[i, : i + 1].log()).sum()) / math.log(i + 1) for i in choice]
    assert scores["uniform"] == pytest.approx(sum(shares) / (N - 1))


def test_even_attention_scores_exactly_what_is_expected_of_it() -> None:
    found = head_patterns(head("uniform"))[0]
    for name, score in found["scores"].items():
        assert score == pytest.approx(found["expected_if_even"][name])
    assert found["expected_if_even"]["first_token"] == pytest.approx(sum(1 / (i + 1) for i in range(1, N)) / (N - 1))


def test_padding_on_either_side_does_not_move_the_scores() -> None:
    weights, mask = torch.zeros(2, 1, N + 3, N + 3), torch.zeros(2, N + 3, dtype=torch.bool)
    weights[0, 0, :N, :N], weights[1, 0, 3:, 3:] = head("mixed")[0, 0], head("mixed")[0, 0]
    weights[0, 0, N:, :N] = 1 / N
    weights[1, 0, :3] = 1 / (N + 3)
    mask[0, :N], mask[1, 3:] = True, True
    padded, alone = head_patterns(weights, mask)[0], head_patterns(head("mixed"))[0]
    assert padded["rows"] == 2 * alone["rows"]
    assert padded["scores"] == pytest.approx(alone["scores"])
    assert padded["entropy"] == pytest.approx(alone["entropy"])


def test_with_a_cache_the_last_query_is_the_last_key() -> None:
    whole = head("previous_token")
    assert head_patterns(whole[:, :, -2:], kind="self")[0]["scores"]["previous_token"] == pytest.approx(1)


def test_across_sequences_positions_are_not_compared() -> None:
    found = head_patterns(head("previous_token")[:, :, :4])[0]
    assert found["scores"]["previous_token"] is None
    assert found["scores"]["first_token"] is not None
    assert head_patterns(head("previous_token"), kind="cross")[0]["scores"]["diagonal"] is None


def test_sinks_outside_the_sequence_do_not_change_what_the_rest_says() -> None:
    weights = head("mixed")
    assert head_patterns(weights * 0.25)[0]["scores"] == pytest.approx(head_patterns(weights)[0]["scores"])


def test_equal_heads_have_no_diversity_and_different_ones_at_most_its_logarithm() -> None:
    same = head("mixed").expand(1, 3, N, N)
    found = head_specialisation(same)
    assert found["diversity"] == pytest.approx(0, abs=1e-12)
    assert all(each["distinctness"] == pytest.approx(0, abs=1e-12) for each in found["heads"])
    apart = torch.zeros(1, 3, 4, 4)
    for index in range(3):
        apart[0, index, :, index] = 1
    found = head_specialisation(apart)
    assert found["diversity"] == pytest.approx(math.log(3))
    assert [each["distinctness"] for each in found["heads"]] == pytest.approx([math.log(2)] * 3)


def test_the_head_that_does_something_else_is_the_most_distinct() -> None:
    weights = torch.cat([head("diagonal"), head("diagonal"), head("first_token"), head("diagonal")], 1)
    found = head_specialisation(weights)
    assert found["most_distinct"] == 2
    # Against all others at once: rows without overlap, except the first, where all see one key.
    assert found["heads"][2]["distinctness"] == pytest.approx(math.log(2) * (N - 1) / N, rel=1e-6)


def test_one_head_has_none_to_differ_from() -> None:
    found = head_specialisation(head("mixed"))
    assert (found["diversity"], found["most_distinct"], found["heads"][0]["distinctness"]) == (None, None, None)


def test_each_token_gives_and_receives() -> None:
    weights = torch.tensor([[[[1.0, 0.0, 0.0], [0.25, 0.75, 0.0], [0.5, 0.1, 0.4]]]], dtype=torch.float64)
    tokens = token_attention(weights, tokens=["a", "b", "c"], strongest=2)
    assert [each["received"] for each in tokens] == pytest.approx([1.75 / 3, 0.85 / 2, 0.4])
    assert [each["received_from_others"] for each in tokens] == [pytest.approx(0.375), pytest.approx(0.1), None]
    assert [each["queries"] for each in tokens] == [3, 2, 1]
    assert tokens[2]["attends_to"] == [
        {"position": 0, "token": "a", "weight": 0.5}, {"position": 2, "token": "c", "weight": 0.4}
    ]  # fmt: skip
    assert tokens[0]["attends_to"] == [{"position": 0, "token": "a", "weight": 1.0}]
    assert tokens[1]["entropy"] == pytest.approx(-(0.25 * math.log(0.25) + 0.75 * math.log(0.75)))


def test_tokens_are_averaged_over_heads_or_told_for_one() -> None:
    weights = torch.cat([head("first_token"), head("diagonal")], 1)
    both = token_attention(weights, strongest=2)[5]
    assert [(each["position"], each["weight"]) for each in both["attends_to"]] == [
        (0, pytest.approx(0.5)), (5, pytest.approx(0.5))
    ]  # fmt: skip
    assert token_attention(weights, head=1)[5]["attends_to"][0]["position"] == 5


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: row_entropy(torch.tensor([1.0])), "weights"),
        (lambda: row_entropy(torch.tensor([[1.5, -0.5]])), "weights"),
        (lambda: head_patterns(torch.ones(3, 3)), "weights"),
        (lambda: head_patterns(head("mixed"), torch.ones(1, 3)), "mask"),
        (lambda: head_patterns(head("mixed"), kind="other"), "kind"),
        (lambda: head_patterns(head("mixed"), window=-1), "window"),
        (lambda: token_attention(head("mixed"), head=1), "head"),
        (lambda: token_attention(head("mixed"), sequence=-1), "sequence"),
        (lambda: token_attention(head("mixed")[..., :4]), "weights"),
    ],
)
def test_what_is_no_attention_is_refused(call: Any, argument: str) -> None:
    with pytest.raises(InvalidArgument) as error:
        call()
    assert error.value.name == argument
