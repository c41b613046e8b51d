from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from memory.errors import InvalidArgument
from memory.events import NewEvent
from memory.store import EventStore, stored_bytes, verify
from memory.store.anchor import Anchor

Note = Callable[..., NewEvent]


@pytest.fixture
def filled(store: EventStore, note: Note, monkeypatch: pytest.MonkeyPatch) -> EventStore:
    """Five appends of three events each: append n has the positions 3n-2 to 3n."""
    for module in (verify, stored_bytes):
        monkeypatch.setattr(module, "CHUNK", 4)
    for number in range(5):
        store.append(
            [note([number, part], stream=f"s{part}", key=f"k{number}" if part == 1 else None) for part in range(3)],
            actor="me",
        )
    return store


def test_an_untouched_log_verifies(filled: EventStore) -> None:
    report = filled.verify()
    assert report.ok
    assert (report.appends, report.events, report.problems) == (5, 15, ())
    assert report.digest == filled.head().digest


def test_a_new_log_verifies(store: EventStore) -> None:
    report = store.verify()
    assert report.ok
    assert (report.appends, report.events) == (0, 0)


SWAP = (
    "UPDATE ledger SET position = -1 WHERE position = 7",
    "UPDATE ledger SET position = 7 WHERE position = 8",
    "UPDATE ledger SET position = 8 WHERE position = -1",
)


LAST_APPEND_GONE = (
    "DELETE FROM ledger WHERE position > 12",
    "DELETE FROM appends WHERE append_id = 5",
    "DELETE FROM record_keys WHERE position > 12",
)
THIRD_APPEND_GONE = ("DELETE FROM ledger WHERE position BETWEEN 7 AND 9", "DELETE FROM appends WHERE append_id = 3")
OTHER_ORIGIN = "UPDATE appends SET digest = (SELECT digest FROM appends WHERE append_id = 1) WHERE append_id = 0"


@pytest.mark.parametrize(
    ("statements", "append_id", "words"),
    [
        (["UPDATE ledger SET payload = replace(payload, '[2,2]', '[2,9]') WHERE position = 9"], 3, "digest"),
        (["UPDATE ledger SET payload = payload || ' ' WHERE position = 9"], 3, "digest"),
        (["UPDATE ledger SET occurred_at = occurred_at + 1 WHERE position = 8"], 3, "digest"),
        (["UPDATE ledger SET act_id = 'x' WHERE position = 8"], 3, "digest"),
        (["UPDATE appends SET recorded_at = recorded_at - 1 WHERE append_id = 3"], 3, "digest"),
        (["UPDATE appends SET actor = 'you' WHERE append_id = 3"], 3, "digest"),
        (["UPDATE appends SET actor = NULL, correlation_id = actor WHERE append_id = 3"], 3, "digest"),
        (["UPDATE record_keys SET \"key\" = 'other' WHERE position = 8"], 3, "digest"),
        (["DELETE FROM record_keys WHERE position = 8"], 3, "digest"),
        (["UPDATE event_types SET name = 'correction'"], 1, "key"),
        (["UPDATE streams SET name = 'renamed' WHERE name = 's2'"], 1, "digest"),
        (["DELETE FROM ledger WHERE position = 8"], 3, "missing"),
        (["DELETE FROM ledger WHERE position = 9"], 3, "missing"),
        (THIRD_APPEND_GONE, 4, "missing"),
        (["DELETE FROM appends WHERE append_id = 3"], 4, "missing"),
        (SWAP, 3, "other content"),
        (["UPDATE ledger SET append_id = 2 WHERE position = 8"], 3, "belongs to append 2"),
        (["DELETE FROM streams WHERE name = 's2'"], 1, "missing"),
        ([OTHER_ORIGIN], 0, "origin"),
        (["DELETE FROM appends WHERE append_id = 0"], 1, "removed"),
        (
            [
                "INSERT INTO ledger SELECT 16, append_id, stream_id, 6, type_id, act_id, causation_id, occurred_at, "
                "payload FROM ledger WHERE position = 15"
            ],
            0,
            "beyond the last append",
        ),
        (["INSERT INTO record_keys SELECT 'stray', 99, content_digest FROM record_keys WHERE position = 8"], 0, "keys"),
        (LAST_APPEND_GONE, 0, "noted at version 5"),
    ],
)  # fmt: skip
def test_every_change_behind_our_back_is_found_and_its_append_named(
    filled: EventStore,
    behind_our_back: Callable[..., None],
    statements: list[str],
    append_id: int,
    words: str,
) -> None:
    behind_our_back(filled, *statements)
    report = filled.verify()
    assert not report.ok
    first = report.problems[0]
    assert first.append_id == append_id
    assert words in first.message
    if append_id == 3:
        assert (first.first_position, first.last_position) == (7, 9)


def test_one_wrong_append_does_not_accuse_those_after_it(
    filled: EventStore, behind_our_back: Callable[..., None]
) -> None:
    behind_our_back(filled, "UPDATE ledger SET payload = '{}' WHERE position = 9")
    report = filled.verify()
    assert [problem.append_id for problem in report.problems] == [3]


def test_verification_changes_nothing(filled: EventStore, behind_our_back: Callable[..., None]) -> None:
    behind_our_back(filled, "UPDATE streams SET version = 1 WHERE name = 's1'")
    assert filled.verify() == filled.verify()
    assert not filled.verify().ok


def test_an_anchor_holds_as_long_as_what_it_names_is_there_unchanged(store: EventStore, note: Note) -> None:
    anchors = [store.anchor()]
    for number in range(3):
        store.append([note(number), note(number)])
        anchors.append(Anchor.from_json(store.anchor().to_json()))
    assert [(anchor.append_id, anchor.position) for anchor in anchors] == [(0, 0), (1, 2), (2, 4), (3, 6)]
    assert store.verify(anchors).ok


def test_an_end_that_was_cut_off_is_only_seen_with_an_anchor(
    store: EventStore, note: Note, behind_our_back: Callable[..., None]
) -> None:
    for number in range(3):
        store.append([note(number)])
    anchor = store.anchor()
    behind_our_back(
        store,
        "DELETE FROM ledger WHERE position = 3",
        "DELETE FROM appends WHERE append_id = 3",
        "UPDATE streams SET version = 2",
    )
    assert store.verify().ok
    report = store.verify([anchor])
    assert not report.ok
    assert (report.problems[0].append_id, report.problems[0].last_position) == (3, 3)
    assert "its end was cut off" in report.problems[0].message


def test_a_log_made_anew_as_a_whole_is_only_seen_with_an_anchor(database_url: str, tmp_path: Path, note: Note) -> None:
    with EventStore.open(database_url) as truth, EventStore.open(tmp_path / "other.db") as forged:
        truth.append([note("truth")])
        forged.append([note("forged")])
        assert forged.verify().ok
        problem = forged.verify([truth.anchor()]).problems[0]
        assert "another history" in problem.message
        assert problem.append_id == 1


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"anchor": 2}', '{"anchor": 1, "append_id": "1"}', "not json"])
def test_what_is_no_anchor_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="anchor"):
        Anchor.from_json(text)
