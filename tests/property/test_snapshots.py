"""An amendment far back is learned from a snapshot: with the same rows, to the bit, as from the very first event."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from memory.events.amendments import Amendment
from memory.projections.knowledge import KnowledgeProjection, snapshots
from memory.projections.knowledge.snapshots import Snapshots, packed, unpacked

RELAXED = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    # A history is one number: there is nothing to shrink.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


def folded(histories: ModuleType, told: Any, every: int) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Fold a history with a snapshot so often; give its rows and its parts."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(snapshots, "EVERY", every)
        projection: Any = histories.fold(KnowledgeProjection(), told)
        rows = histories.flushed(projection)
    return {table: each for table, each in rows.items() if table != "inference_snapshots"}, projection.parts()


@settings(RELAXED, max_examples=3)
@given(seed=st.integers(0, 2**32 - 1), every=st.integers(8, 300))
def test_how_often_snapshots_are_taken_changes_no_bit(histories: ModuleType, seed: int, every: int) -> None:
    told = histories.Wander(seed, 120, amended=0.05).tell().stored()
    assert folded(histories, told, every) == folded(histories, told, 10**9)


@settings(RELAXED, max_examples=4)
@given(seed=st.integers(0, 2**32 - 1), back=st.floats(0.0, 1.0), data=st.data())
def test_a_retraction_far_back_teaches_what_the_record_without_it_does(
    histories: ModuleType, seed: int, back: float, data: st.DataObject
) -> None:
    history = histories.Wander(seed, 120, amended=0.0).tell()
    kinds = ("metrics_recorded", "layer_statistics_recorded", "observation", "modification")
    able = [at for at, event in enumerate(history.events, start=1) if event.payload.event_type in kinds]
    position = able[int(back * (len(able) - 1))]
    history.retract(position)
    told = history.stored()
    _, parts = folded(histories, told, 32)
    without = [each for each in told if each[0].position not in (position, history.last)]
    assert not any(isinstance(payload, Amendment) for _, payload in without)
    _, never = folded(histories, without, 32)
    # Beside what was learned there is what was told before, and which questions an amendment has touched.
    of_learning = {name: part for name, part in parts.items() if name in ("entities", "metrics", "families", "repeats")}
    assert of_learning == {name: never[name] for name in of_learning}
    assert _statistics(parts) == _statistics(never)


def _statistics(parts: dict[str, bytes]) -> dict[str, bytes]:
    learned = KnowledgeProjection()
    learned.load_parts(dict(parts))
    return {panel.name: panel.unflagged() for panel in learned.learning.panels()}


@given(positions=st.lists(st.integers(1, 50), min_size=1, max_size=80), data=st.data())
def test_few_snapshots_are_kept_and_always_some_of_every_age(positions: list[int], data: st.DataObject) -> None:
    kept, last, taken = Snapshots(), 0, []
    for step in positions:
        position = last + step * snapshots.EVERY // 10
        if kept.due(position, last):
            kept.take(position - 1, {"at": str(position).encode()})
            taken.append(position - 1)
        last = position
    now = last // snapshots.EVERY
    target = data.draw(st.integers(1, last + 1))
    found = kept.before(target)
    earlier = [each for each in taken if each < target]
    if not earlier:
        assert found is None
        return
    newest = max(earlier)
    age = now - newest // snapshots.EVERY
    if found is None:
        # Of what is older than everything that is kept, learning begins at the first event.
        assert age >= 4
        return
    assert found[0] in earlier
    assert found[1] == {"at": str(found[0] + 1).encode()}
    # What is learned anew beyond what came since is at most about half of it, and the time between snapshots.
    behind = (newest - found[0]) / snapshots.EVERY
    assert behind <= max(age, 4) / 2 + 6
    kept.forget_from(target)
    assert kept.before(10**9) == found


@given(parts=st.dictionaries(st.text(max_size=8), st.binary(max_size=40), max_size=6))
def test_parts_come_back_from_bytes_as_they_were(parts: dict[str, bytes]) -> None:
    assert unpacked(packed(parts)) == parts
    assert list(unpacked(packed(parts))) == list(parts)


def test_snapshots_go_on_from_their_rows() -> None:
    kept = Snapshots()
    for number in range(1, 12):
        kept.take(number * snapshots.EVERY - 1, {"number": bytes([number])})
    gone, rows = kept.take_changes()
    resumed = Snapshots()
    resumed.load([row for row in rows if row[0] not in gone])
    for target in range(0, 12 * snapshots.EVERY, snapshots.EVERY // 2):
        assert resumed.before(target) == kept.before(target)
    assert resumed.take_changes() == ([], [])
    resumed.forget_from(5 * snapshots.EVERY)
    gone, rows = resumed.take_changes()
    assert rows == []
    assert min(gone) >= 5 * snapshots.EVERY - 1
