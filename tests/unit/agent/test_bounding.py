"""An answer costs no more than it may, and says what was left out and how to get it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.agent.bounding import LEFT_OUT, Page, bounded, text_of
from memory.agent.plain import plain_answer
from memory.agent.tokens import counting, estimated_tokens
from memory.errors import InvalidArgument

ROWS = [{"name": f"layers.{number}.weight", "shape": [4, 4]} for number in range(200)]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats() | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(st.text(max_size=12), inner, max_size=12),
    max_leaves=25,
)


def cut(answer: dict[str, Any], budget: int) -> dict[str, Any]:
    return bounded(answer, budget, estimated_tokens)


def test_what_fits_is_given_whole() -> None:
    assert cut({"a": 1, "rows": Page([1, 2])}, 100) == {"a": 1, "rows": [1, 2]}


def test_as_many_entries_as_fit_are_given_and_where_to_go_on_is_said() -> None:
    found = cut({"rows": Page(ROWS)}, 300)
    kept = len(found["rows"])
    assert 0 < kept < len(ROWS)
    assert found[LEFT_OUT] == f"{200 - kept} of rows: ask again with offset={kept}"
    assert estimated_tokens(text_of(cut({"rows": Page(ROWS[: kept + 1])}, 10_000))) + 10 > 300 - 40


def test_asking_again_where_it_says_to_gives_every_entry_once() -> None:
    seen: list[Any] = []
    offset = 0
    while True:
        found = cut({"rows": Page.of(ROWS, offset)}, 300)
        seen += found["rows"]
        if LEFT_OUT not in found:
            break
        offset = int(found[LEFT_OUT].rpartition("offset=")[2])
    assert seen == ROWS


def test_one_entry_that_is_too_long_is_shortened_and_named() -> None:
    found = cut({"rows": Page([{"text": "word " * 500}, {"text": "b"}])}, 200)
    assert estimated_tokens(text_of(found)) <= 200
    assert len(found["rows"]) == 1
    assert "rows[0].text" in found[LEFT_OUT]
    assert "offset=1" in found[LEFT_OUT]


@settings(max_examples=25)
@given(VALUES, st.integers(100, 400))
def test_no_answer_costs_more_than_it_may(value: Any, budget: int) -> None:
    plain = plain_answer({"answer": value, "rows": value}, str)
    found = cut({**plain, "page": Page(ROWS)}, budget)
    assert estimated_tokens(text_of(found)) <= budget


@settings(max_examples=25)
@given(VALUES)
def test_every_answer_is_json_that_any_reader_takes(value: Any) -> None:
    def refuse(constant: str) -> Any:
        raise AssertionError(constant)

    json.loads(text_of(plain_answer(value, str)), parse_constant=refuse)


def test_numbers_that_json_has_no_word_for_are_said_in_words() -> None:
    said = plain_answer([float("nan"), float("inf"), -float("inf"), 0.123456789, 3.0], str)
    assert said == ["NaN", "Infinity", "-Infinity", 0.123457, 3]


@settings(max_examples=25)
@given(st.text(max_size=80))
def test_the_estimate_counts_every_byte_that_is_not_ascii(text: str) -> None:
    outside = [character for character in text if not character.isascii()]
    assert estimated_tokens(text) >= len("".join(outside).encode("utf-8", "surrogatepass"))


def test_what_cannot_count_tokens_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="tokenizer"):
        counting(object())
