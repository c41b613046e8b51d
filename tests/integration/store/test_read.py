from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from memory.errors import CorruptionError
from memory.events import NewEvent
from memory.store import EventStore, reading

Note = Callable[..., NewEvent]


@pytest.fixture
def filled(store: EventStore, note: Note, monkeypatch: pytest.MonkeyPatch) -> EventStore:
    """Ten events of three streams, read in chunks of three."""
    monkeypatch.setattr(reading, "CHUNK", 3)
    store.append([note(n, model="q" if n % 2 else None, stream="memory") for n in range(1, 9)])
    store.append([note(9, stream="other"), note(10, model="q")])
    return store


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ({"after": 7}, [8, 9, 10]),
        ({"until": 4}, [1, 2, 3, 4]),
        ({"after": 2, "until": 4}, [3, 4]),
        ({"after": 10}, []),
        ({"limit": 4}, [1, 2, 3, 4]),
        ({"limit": 0}, []),
        ({"stream": "other"}, [9]),
        ({"stream": "memory"}, [2, 4, 6, 8]),
        ({"model": "q"}, [1, 3, 5, 7, 10]),
        ({"model": "q", "after": 3, "limit": 2}, [5, 7]),
        ({"model": "q", "stream": "memory"}, []),
        ({"stream": "nobody"}, []),
        ({"types": ["observation"]}, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ({"types": ["metrics_recorded"]}, []),
        ({"types": []}, []),
        ({"newest_first": True}, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
        ({"newest_first": True, "limit": 4, "until": 8}, [8, 7, 6, 5]),
        ({"newest_first": True, "model": "q", "after": 3}, [10, 7, 5]),
    ],
)
def test_every_filter_gives_exactly_its_events_in_order(
    filled: EventStore, filters: dict[str, Any], expected: list[int]
) -> None:
    assert [event.position for event in filled.read(**filters)] == expected


def test_a_reader_holds_nothing_while_it_is_idle(filled: EventStore, note: Note) -> None:
    reader = filled.read()
    next(reader)
    filled.append([note(11)])
    assert [event.position for event in reader] == list(range(2, 12))


def test_a_gap_is_met_with_an_error_not_passed_over(filled: EventStore, behind_our_back: Callable[..., None]) -> None:
    behind_our_back(filled, "DELETE FROM ledger WHERE position = 4")
    seen = []
    with pytest.raises(CorruptionError) as caught:
        seen.extend(event.position for event in filled.read())
    assert caught.value.position == 4
    with pytest.raises(CorruptionError):
        list(filled.read(newest_first=True))
    with pytest.raises(CorruptionError):
        list(filled.read(after=3))
    assert [event.position for event in filled.read(after=4)] == [5, 6, 7, 8, 9, 10]


def test_a_missing_first_event_is_a_gap_too(filled: EventStore, behind_our_back: Callable[..., None]) -> None:
    behind_our_back(filled, "DELETE FROM ledger WHERE position = 1")
    with pytest.raises(CorruptionError):
        list(filled.read())


def test_an_event_whose_stream_is_gone_is_met_with_an_error(
    filled: EventStore, behind_our_back: Callable[..., None]
) -> None:
    behind_our_back(filled, "DELETE FROM streams WHERE name = 'other'")
    with pytest.raises(CorruptionError) as caught:
        list(filled.read())
    assert caught.value.position == 9
