"""What somebody types to look for something: understood by us, and never a mistake of syntax."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.errors import InvalidArgument
from memory.projections.search import KIND_MARK
from memory.projections.words import LONGEST_WORD, joined, words_of
from memory.query.search_ranking import Field, has_all, score, snippet
from memory.query.search_terms import Term, Terms


def wanted(text: str) -> list[tuple[str, ...]]:
    return [term.words for term in Terms.of(text).wanted]


def test_words_apart_by_spaces_are_terms_of_their_own() -> None:
    assert wanted("norm  grew") == [("norm",), ("grew",)]


def test_words_in_quotes_are_one_term() -> None:
    assert wanted('"the norm" grew') == [("the", "norm"), ("grew",)]


def test_a_quote_that_is_never_closed_ends_with_the_text() -> None:
    assert wanted('grew "the norm') == [("grew",), ("the", "norm")]


@pytest.mark.parametrize(
    ("spelled", "words"),
    [
        ("model.layers.3.mlp", ("model", "layers", "3", "mlp")),
        ("down_proj", ("down", "proj")),
        ("well-known", ("well", "known")),
        ("ÉCOLE", ("école",)),
    ],
)
def test_what_is_written_as_one_is_looked_for_in_its_order(spelled: str, words: tuple[str, ...]) -> None:
    assert wanted(spelled) == [words]


def test_a_minus_before_a_word_or_phrase_keeps_what_has_it_out() -> None:
    terms = Terms.of('norm -grew -"at night"')
    assert terms.wanted == (Term(("norm",)),)
    assert terms.unwanted == (Term(("grew",)), Term(("at", "night")))


def test_a_star_after_a_word_or_phrase_leaves_its_end_open() -> None:
    assert Terms.of('grad* "down pr"*').wanted == (Term(("grad",), True), Term(("down", "pr"), True))


@pytest.mark.parametrize("text", ["", "   ", '"', "()*", "-", "-only", '""', "___"])
def test_without_a_word_to_look_for_it_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        Terms.of(text)


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        Terms.of(7)  # type: ignore[arg-type]


@settings(max_examples=40)
@given(st.text(max_size=60))
def test_whatever_is_typed_is_an_expression_that_fts5_takes(text: str) -> None:
    try:
        terms = Terms.of(text)
    except InvalidArgument:
        return
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE VIRTUAL TABLE found USING fts5(words, tokenize=\"ascii tokenchars ':'\")")
        connection.execute("INSERT INTO found VALUES (?)", (f"{KIND_MARK}observation {joined([text])}",))
        query = connection.execute("SELECT 1 FROM found WHERE found MATCH ?", (terms.for_sqlite("observation"),))
        # What has just these words has what is wanted of them, unless it was also not to be there.
        assert (query.fetchone() is not None) == has_all(terms, [Field(1.0, text)]) or terms.unwanted


def test_a_word_without_end_is_cut_the_same_way_everywhere() -> None:
    assert [len(word) for word in words_of("x" * 250)] == [LONGEST_WORD, LONGEST_WORD, 50]


def test_what_says_it_more_often_ranks_higher_and_a_longer_text_lower() -> None:
    terms = Terms.of("norm")
    once, twice = [Field(1.0, "the norm grew today")], [Field(1.0, "the norm of norm")]
    long = [Field(1.0, "the norm grew today " + "and much else was seen " * 10)]
    assert score(terms, twice) > score(terms, once) > score(terms, long) > 0


def test_the_field_that_tells_most_counts() -> None:
    terms = Terms.of("norm")
    assert score(terms, [Field(3.0, "norm"), Field(1.0, "norm")]) == score(terms, [Field(3.0, "norm")])


def test_words_that_only_look_alike_are_not_found() -> None:
    assert not has_all(Terms.of("act"), [Field(1.0, "activation")])
    assert has_all(Terms.of("act*"), [Field(1.0, "activation")])
    assert not has_all(Terms.of("norm -grew"), [Field(1.0, "the norm"), Field(1.0, "grew")])


def test_a_snippet_shows_what_was_found_where_it_is() -> None:
    text = "at first nothing " * 20 + "then the norm of model.layers.3.mlp.down_proj grew " + "and stayed so " * 20
    told = snippet(Terms.of("layers.3 grew"), [Field(1.0, "elsewhere"), Field(1.0, text)])
    assert "model.[layers].[3].mlp.down_proj [grew]" in told
    assert told.startswith("…")
    assert told.endswith("…")
    assert len(told) < 220
