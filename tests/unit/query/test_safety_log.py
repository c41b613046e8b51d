"""What the log says of emergencies and of edits, followed event by event on both engines."""

from __future__ import annotations

import pytest

from introspection import SharingMap
from memory import MemorySystem
from memory.events.envelope import NewEvent, model_stream
from memory.events.safety import SafetyAlert
from memory.events.weights import CheckpointSaved
from memory.query.safety_log import SafetyLog


def save_checkpoint(memory: MemorySystem, model: str, name: str) -> None:
    event = CheckpointSaved(model=model, checkpoint_id=name, storages=(), tensors=(), files=())
    memory.store.append([NewEvent(event, stream=model_stream(model))])


@pytest.mark.parametrize("folded", [False, True], ids=["not folded", "folded"])
def test_it_knows_what_stands_and_counts_edits_wherever_it_begins(database_url: str, folded: bool) -> None:
    with MemorySystem(database_url, durability="normal") as memory:
        for name in ("one", "other"):
            memory.attach(SharingMap.from_relations(names=["a", "b"], same=[["a", "b"]]), name=name)
        follower = SafetyLog(memory.store)
        assert (follower.standing(), follower.edits_since_checkpoint("one")) == ({}, 0)
        for _ in range(3):
            memory.record_modification("a", model="one")
        memory.record_modification("a", model="other")
        first = memory.safety.emergency_stop("first", model="one").position
        second = memory.safety.emergency_stop("second").position
        save_checkpoint(memory, "other", "c")
        if folded:
            memory.consolidate()
        memory.record_modification("b", model="one")
        memory.safety.clear_emergency("one is well", model="one")
        for log in (follower, SafetyLog(memory.store)):
            assert {position: each.message for position, each in log.standing().items()} == {second: "second"}
            assert first not in log.standing()
            assert [log.edits_since_checkpoint(name) for name in ("one", "other", "nobody")] == [4, 0, 0]
        memory.record_modification("a", model="one")
        save_checkpoint(memory, "one", "d")
        memory.record_modification("a", model="one")
        memory.record_modification("a", model="other")
        for log in (follower, SafetyLog(memory.store)):
            assert [log.edits_since_checkpoint(name) for name in ("one", "other")] == [1, 1]


def test_alerts_that_are_no_emergencies_stand_nowhere(sqlite_url: str) -> None:
    with MemorySystem(sqlite_url, durability="normal") as memory:
        alert = SafetyAlert(level="critical", category="nan", message="a NaN")
        memory.store.append([NewEvent(alert, stream="memory")])
        assert SafetyLog(memory.store).standing() == {}
