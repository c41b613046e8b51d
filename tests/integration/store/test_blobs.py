"""Blobs that are rows: with the events that point at them or not at all, in pieces, removed where nobody points."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from blake3 import blake3

from memory.errors import ConcurrencyError, InvalidPayload, KeyConflict
from memory.events import NewEvent
from memory.store import EventStore
from memory.store.blobs import PART

Note = Callable[..., NewEvent]
SMALL = b"what changed"


def named(*contents: bytes) -> dict[str, bytes]:
    return {blake3(content).hexdigest(): content for content in contents}


def test_a_blob_comes_with_its_event_and_is_read_back(store: EventStore, note: Note) -> None:
    blobs = named(SMALL, b"", bytes(range(256)))
    store.append([note()], blobs=blobs)
    assert store.blob_digests() == blobs.keys()
    for digest, content in blobs.items():
        assert store.blob(digest) == content
        assert store.holds_blob(digest)
    assert store.blob("0" * 64) is None
    assert not store.holds_blob("0" * 64)
    assert store.verify().ok


def test_a_large_blob_is_cut_into_pieces_and_put_together_again(store: EventStore, note: Note) -> None:
    content = random.Random(1).randbytes(2 * PART + 17)
    (digest,) = named(content)
    store.append([note()], blobs={digest: memoryview(bytearray(content)), **named(SMALL)})
    assert store.blob(digest) == content
    pieces = [(part, len(piece)) for found, part, piece in store.blob_parts() if found == digest]
    assert pieces == [(0, PART), (1, PART), (2, 17)]
    assert len(list(store.blob_parts())) == 4


def test_every_piece_is_streamed_once_and_in_order(store: EventStore, note: Note) -> None:
    blobs = named(*(str(number).encode() for number in range(700)))
    store.append([note()], blobs=blobs)
    found = list(store.blob_parts())
    assert found == [(digest, 0, content) for digest, content in sorted(blobs.items())]


def test_the_same_blob_again_is_no_conflict(store: EventStore, note: Note) -> None:
    blobs = named(SMALL)
    for number in range(2):
        store.append([note(number)], blobs=blobs)
    assert store.head().position == 2
    assert [store.blob(digest) for digest in blobs] == [SMALL]


def test_a_refused_batch_keeps_none(store: EventStore, note: Note) -> None:
    store.append([note(1, key="k")])
    with pytest.raises(KeyConflict):
        store.append([note(2, key="k")], blobs=named(SMALL))
    with pytest.raises(ConcurrencyError):
        store.append([note(2)], blobs=named(SMALL), expected_version={"memory": 7})
    assert not store.blob_digests()


def test_a_replay_keeps_none_and_a_batch_without_events_neither(store: EventStore, note: Note) -> None:
    store.append([note(1, key="k")])
    assert store.append([note(1, key="k")], blobs=named(SMALL))[0].replayed
    assert store.append([], blobs=named(SMALL)) == ()
    assert not store.blob_digests()
    store.append([note(1, key="k"), note(2)], blobs=named(SMALL))
    assert store.blob_digests() == named(SMALL).keys()


def test_appends_that_share_a_commit_keep_their_own(store: EventStore, note: Note) -> None:
    def append(number: int) -> bool:
        try:
            expected = {"memory": 10**6} if number % 3 == 0 else None
            store.append(
                [note(number)],
                blobs=named(str(number // 2).encode() if number % 3 else b"refused" + bytes([number])),
                expected_version=expected,
            )
        except ConcurrencyError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(append, range(60)))
    assert done == [number % 3 != 0 for number in range(60)]
    kept = named(*(str(number // 2).encode() for number in range(60) if number % 3))
    assert store.blob_digests() == kept.keys()


@pytest.mark.parametrize(
    "blobs", [{"abc": b""}, {"../../etc": b""}, {"AB" * 32: b""}, {"0" * 64: "text"}, {7: b""}], ids=repr
)
def test_what_is_no_blob_is_refused_before_anything_is_written(
    store: EventStore, note: Note, blobs: dict[str, bytes]
) -> None:
    with pytest.raises(InvalidPayload):
        store.append([note()], blobs=blobs)
    assert store.head().position == 0


def test_blobs_are_removed_with_all_their_pieces_and_the_log_does_not_mind(store: EventStore, note: Note) -> None:
    content = random.Random(2).randbytes(PART + 1)
    gone, kept = named(content), named(SMALL)
    store.append([note()], blobs=gone | kept)
    assert store.remove_blobs([*gone, "0" * 64]) == PART + 1
    assert store.blob_digests() == kept.keys()
    assert len(list(store.blob_parts())) == 1
    assert store.verify().ok


def test_nothing_is_removed_where_the_log_went_on_since(store: EventStore, note: Note) -> None:
    store.append([note()], blobs=named(SMALL))
    at = store.head().position
    store.append([note()])
    assert store.remove_blobs(named(SMALL), at=at) is None
    assert store.blob_digests() == named(SMALL).keys()
    assert store.remove_blobs(named(SMALL), at=at + 1) == len(SMALL)


def test_blobs_can_be_kept_before_their_events(store: EventStore, note: Note) -> None:
    store.keep_blobs(named(SMALL))
    assert store.blob_digests() == named(SMALL).keys()
    assert store.head().position == 0
