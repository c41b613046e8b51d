"""What is cut into words for searching, and how it gets into the index."""

from __future__ import annotations

from sqlalchemy import text

from memory.events import NewEvent, build
from memory.events.observations import Observation
from memory.projections.chunk import Chunk
from memory.projections.runner import CHUNK, ProjectionRunner
from memory.projections.search import SearchProjection
from memory.projections.words import LONGEST_TEXT, LONGEST_WORD, MOST_WORDS, joined, texts_in
from memory.store import EventStore


def test_texts_are_cut_where_no_letter_or_digit_is() -> None:
    assert joined(["Layers.3", None, "", "...", "down_proj ÉTÉ"]) == "layers 3 down proj été"


def test_what_is_said_again_is_cut_the_same() -> None:
    assert joined(["A b", "A b"]) == joined(["a b a b"]) == "a b a b"


def test_no_more_words_are_searched_than_there_may_be() -> None:
    assert joined(["a b"] * MOST_WORDS) == " ".join(["a", "b"] * (MOST_WORDS // 2))


def test_of_a_long_text_the_beginning_is_searched() -> None:
    assert joined(["." * LONGEST_TEXT + "late", "other"]) == "other"


def test_a_longer_word_than_there_may_be_is_several() -> None:
    assert joined(["x" * (LONGEST_WORD + 1)]) == "x" * LONGEST_WORD + " x"


def test_data_says_its_texts_and_what_its_values_go_by() -> None:
    assert texts_in({"a": [1, 2.5, "b", {"c": None}], "d": "e", "f": True}) == ["a", "b", "c", "d", "e", "f"]


def _observations(number: int) -> list[NewEvent]:
    said = (build(Observation, obs_type="behavior", category="c", description=f"word{each}") for each in range(number))
    return [NewEvent(each) for each in said]


def test_what_an_event_says_is_read_once_for_all() -> None:
    with EventStore.open(":memory:") as store:
        store.append(_observations(1))
        events = list(store.read())
        chunk = Chunk(events, store)
        assert chunk.fields(events[0]) is chunk.fields(events[0])


def test_a_chunk_is_written_to_the_index_at_once() -> None:
    with EventStore.open(":memory:") as store:
        store.append(_observations(CHUNK))
        ProjectionRunner(store, (SearchProjection,)).catch_up()
        with store.database.reading() as connection:
            segments = connection.execute(text("SELECT count(DISTINCT segid) FROM search_index_idx")).scalar_one()
            last = text(f"SELECT rowid FROM search_index WHERE search_index MATCH 'word{CHUNK - 1}'")
            found = connection.execute(last).scalars().all()
    assert segments == 1
    assert found == [CHUNK]
