from __future__ import annotations

from typing import Any

import pytest

from memory.events.envelope import event_id
from memory.store.chain import ORIGIN_DIGEST, append_digest, event_bytes, events_bytes

EVENT: dict[str, Any] = {
    "stream": b"s",
    "version": 1,
    "event_type": b"t",
    "schema_version": 1,
    "occurred_at": 5,
    "act_id": b"a",
    "causation_id": None,
    "key": None,
    "payload": b"{}",
}
LINK: dict[str, Any] = {
    "append_id": 1,
    "first_position": 1,
    "last_position": 1,
    "recorded_at": 7,
    "actor": "me",
    "correlation_id": None,
}


def digest(previous: bytes = ORIGIN_DIGEST, link: dict[str, Any] | None = None, **changes: Any) -> bytes:
    return append_digest(previous, events=[event_bytes(**{**EVENT, **changes})], **{**LINK, **(link or {})})


def test_the_digest_of_a_known_append_never_changes() -> None:
    assert ORIGIN_DIGEST.hex() == "9d638423a37b90c5d60ff6bc6ce6f1595da4e187cadebf3aae79c0180a674d3f"
    assert digest().hex() == "33fa718e6a13f458d06d87a731781c2461cab30c17bebdbb483968df1cdebb5b"


@pytest.mark.parametrize(
    "changes",
    [
        {"stream": b"st"},
        {"version": 2},
        {"event_type": b"u"},
        {"schema_version": 2},
        {"occurred_at": 6},
        {"act_id": None},
        {"act_id": None, "causation_id": b"a"},
        {"act_id": None, "key": b"a"},
        {"act_id": b""},
        {"causation_id": b""},
        {"key": b""},
        {"payload": b"{} "},
        {"stream": b"st", "event_type": b""},
        {"act_id": b"a{", "payload": b"}"},
    ],
)
def test_every_part_of_an_event_counts_and_none_can_flow_into_another(changes: dict[str, Any]) -> None:
    assert digest(**changes) != digest()


@pytest.mark.parametrize(
    "changes",
    [
        {"append_id": 2},
        {"first_position": 0},
        {"last_position": 2},
        {"recorded_at": 8},
        {"actor": None},
        {"actor": None, "correlation_id": "me"},
        {"actor": "m", "correlation_id": "e"},
        {"correlation_id": ""},
    ],
)
def test_every_column_of_an_append_counts(changes: dict[str, Any]) -> None:
    assert digest(link=changes) != digest()


def test_the_previous_digest_and_the_order_of_events_count() -> None:
    one, two = event_bytes(**EVENT), event_bytes(**{**EVENT, "payload": b"[]"})
    assert digest(previous=bytes(32)) != digest()
    assert append_digest(ORIGIN_DIGEST, events=[one, two], **LINK) != append_digest(
        ORIGIN_DIGEST, events=[two, one], **LINK
    )


def test_an_event_is_named_by_its_append_and_its_place() -> None:
    assert event_id(bytes(range(32)), 3) == "000102030405060708090a0b0c0d0e0f-3"


def test_events_by_column_are_the_same_bytes_as_one_by_one() -> None:
    events = [
        EVENT,
        {**EVENT, "stream": b"other", "version": 9, "act_id": None, "key": b"k"},
        {**EVENT, "event_type": b"longer", "causation_id": b"", "payload": b"[1,2]"},
    ]
    for chosen in (events, events[:1], [{**EVENT, "act_id": None}] * 3):
        columns = ([event[name] for event in chosen] for name in EVENT)
        assert events_bytes(*columns) == b"".join(event_bytes(**event) for event in chosen)
