from __future__ import annotations

import datetime
from collections.abc import Callable
from itertools import pairwise

import pytest

from memory.errors import ConcurrencyError, InvalidPayload, KeyConflict
from memory.events import NewEvent, build
from memory.events.observations import MetricsRecorded, Observation
from memory.store import EventStore

Note = Callable[..., NewEvent]


def test_what_is_appended_is_read_back_whole(store: EventStore) -> None:
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, 6, datetime.timezone(datetime.timedelta(hours=2)))
    payload = build(MetricsRecorded, metrics={"loss": float("nan"), "accuracy": 0.1}, sample="ünïcode ✓")
    event = NewEvent(payload, stream="model-q", act_id="act", causation_id="cause", occurred_at=moment)
    before = datetime.datetime.now(datetime.UTC)
    (appended,) = store.append([event], actor="me", correlation_id="thread")
    (stored,) = store.read()
    assert (stored.position, stored.event_id, stored.stream, stored.version) == (1, appended.event_id, "model-q", 1)
    assert (stored.event_type, stored.schema_version, stored.model) == ("metrics_recorded", 1, "q")
    assert (stored.act_id, stored.causation_id, stored.actor, stored.correlation_id) == (
        "act",
        "cause",
        "me",
        "thread",
    )
    assert stored.occurred_at == moment
    assert stored.occurred_at.utcoffset() == datetime.timedelta(0)
    assert before - datetime.timedelta(seconds=1) < stored.recorded_at <= datetime.datetime.now(datetime.UTC)
    assert stored.text.startswith('{"metrics":{"accuracy":0.1,"loss":{"$float":"NaN"}}')
    assert stored.payload.sample == "ünïcode ✓"


def test_without_a_time_an_event_occurred_when_it_was_recorded(store: EventStore, note: Note) -> None:
    store.append([note()])
    (stored,) = store.read()
    assert stored.occurred_at == stored.recorded_at


def test_positions_are_contiguous_and_versions_count_per_stream(store: EventStore, note: Note) -> None:
    first = store.append([note(stream="a"), note(stream="b"), note(stream="a")])
    second = store.append([note(stream="b"), note(model="a")])
    results = [*first, *second]
    assert [result.position for result in results] == [1, 2, 3, 4, 5]
    assert [(result.stream, result.version) for result in results] == [
        ("a", 1),
        ("b", 1),
        ("a", 2),
        ("b", 2),
        ("model-a", 1),
    ]
    assert len({result.event_id for result in results}) == 5


def test_the_head_moves_with_each_append(store: EventStore, note: Note) -> None:
    heads = [store.head()]
    for size in (1, 3):
        store.append([note(n) for n in range(size)])
        heads.append(store.head())
    assert [(head.append_id, head.position) for head in heads] == [(0, 0), (1, 1), (2, 4)]
    assert len({head.digest for head in heads}) == 3


def test_an_empty_batch_appends_nothing(store: EventStore) -> None:
    assert store.append([]) == ()
    assert store.head().append_id == 0


def test_a_batch_larger_than_any_limit_of_parameters_is_one_append(store: EventStore, note: Note) -> None:
    results = store.append([note(n, stream=f"s{n % 700}", key=f"k{n}") for n in range(1500)])
    assert [result.position for result in results] == list(range(1, 1501))
    assert store.head().append_id == 1
    again = store.append([note(n, stream=f"s{n % 700}", key=f"k{n}") for n in range(1500)])
    assert all(result.replayed for result in again)
    assert [result.position for result in again] == list(range(1, 1501))
    assert store.head().append_id == 1


def test_the_same_key_and_content_is_recorded_once(store: EventStore, note: Note) -> None:
    moment = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    (first,) = store.append([note(1, key="k")], actor="me")
    (again,) = store.append([note(1, key="k", occurred_at=moment, act_id="x")], actor="you", correlation_id="c")
    assert again.replayed
    assert not first.replayed
    assert (again.position, again.event_id, again.version) == (first.position, first.event_id, first.version)
    assert len(list(store.read())) == 1


def test_the_same_key_with_other_content_is_a_conflict_and_nothing_is_written(store: EventStore, note: Note) -> None:
    store.append([note(1, key="k")])
    for other in (note(2, key="k"), note(1, key="k", model="q")):
        with pytest.raises(KeyConflict) as caught:
            store.append([note(5), other])
        assert (caught.value.key, caught.value.position) == ("k", 1)
    assert store.head().position == 1


def test_a_key_repeated_inside_one_batch_is_recorded_once(store: EventStore, note: Note) -> None:
    results = store.append([note(1, key="k"), note(2), note(1, key="k")])
    assert [(result.position, result.replayed) for result in results] == [(1, False), (2, False), (1, True)]
    with pytest.raises(KeyConflict):
        store.append([note(1, key="new"), note(2, key="new")])
    assert store.head().position == 2


def test_a_batch_of_old_and_new_appends_only_the_new(store: EventStore, note: Note) -> None:
    store.append([note(1, key="a"), note(2, key="b")])
    results = store.append([note(3, key="c"), note(1, key="a"), note(4)])
    assert [(result.position, result.replayed) for result in results] == [(3, False), (1, True), (4, False)]


def test_the_expected_version_must_be_the_streams(store: EventStore, note: Note) -> None:
    store.append([note(stream="s")], expected_version={"s": 0})
    store.append([note(stream="s")], expected_version={"s": 1, "other": 0})
    with pytest.raises(ConcurrencyError) as caught:
        store.append([note(stream="s")], expected_version={"s": 1})
    assert (caught.value.stream, caught.value.expected, caught.value.actual) == ("s", 1, 2)
    with pytest.raises(ConcurrencyError):
        store.append([note(stream="s")], expected_version={"nobody": 3})
    assert store.head().position == 2


def test_a_retry_after_a_lost_acknowledgement_succeeds_whatever_version_it_expects(
    store: EventStore, note: Note
) -> None:
    store.append([note(1, stream="s", key="k")], expected_version={"s": 0})
    store.append([note(2, stream="s")])
    (again,) = store.append([note(1, stream="s", key="k")], expected_version={"s": 0})
    assert again.replayed


@pytest.mark.parametrize("version", [-1, 1.5, True, "1", None])
def test_an_expected_version_that_is_none_is_refused(store: EventStore, note: Note, version: object) -> None:
    with pytest.raises(InvalidPayload):
        store.append([note(stream="s")], expected_version={"s": version})  # type: ignore[dict-item]


def test_one_bad_event_keeps_the_whole_batch_out(store: EventStore, note: Note) -> None:
    bad = NewEvent(build(Observation, obs_type="discovery", category="c", description="a\0b"))
    with pytest.raises(InvalidPayload, match="NUL"):
        store.append([note(1), bad])
    with pytest.raises(InvalidPayload, match="actor"):
        store.append([note(1)], actor="")
    assert store.head().position == 0
    assert list(store.read()) == []


def test_an_error_inside_the_transaction_keeps_the_whole_batch_out(
    store: EventStore, note: Note, behind_our_back: Callable[..., None]
) -> None:
    behind_our_back(
        store,
        "INSERT INTO ledger SELECT 3, 9, 9, 9, 9, NULL, NULL, 0, '{}'",
    )
    with pytest.raises(Exception, match="does not fit the ledger"):
        store.append([note(n) for n in range(3)])
    assert store.head().append_id == 0


def test_equal_histories_have_equal_digests_only_with_equal_times(store: EventStore, note: Note) -> None:
    store.append([note(1)])
    store.append([note(1)])
    digests = [event.event_id.partition("-")[0] for event in store.read()]
    assert all(left != right for left, right in pairwise(digests))


def test_a_write_inside_a_write_is_refused_at_once_instead_of_waiting_for_itself(store: EventStore, note: Note) -> None:
    with (
        store.database.writing(lock="ledger"),
        pytest.raises(Exception, match="already has a write transaction"),
    ):
        store.append([note()])
    assert store.append([note()])[0].position == 1
