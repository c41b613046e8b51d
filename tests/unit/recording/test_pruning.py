"""Pruning: what only earlier states need is let go as an event, and nothing from the boundary on is lost with it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from memory import MemorySystem
from memory.errors import BatchError, ConcurrencyError, DatabaseUnavailable, InvalidArgument, RestoreError
from memory.events.envelope import StoredEvent
from memory.recording.pruning import Pruner
from memory.safety.settings import SafetySettings
from memory.weights.keeping import INLINE_LIMIT, BlobKeeper

QUIET = SafetySettings(ignore=("norm_ratio", "share_of_model"))

Bits = Callable[[nn.Module], dict[str, Any]]
Events = Callable[..., list[StoredEvent]]


class Wide(nn.Module):
    """A tied model whose rows are a small part of it, so that what an edit keeps is a small part too."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(64, 16)
        self.middle = nn.Linear(16, 16)
        self.head = nn.Linear(16, 64, bias=False)
        self.head.weight = self.embed.weight


@pytest.fixture
def model() -> Wide:
    torch.manual_seed(0)
    return Wide()


def edit(memory: MemorySystem, name: str = "head.weight", by: float | None = None, model: str | None = None) -> int:
    """Add to the first row of a tensor, at random where it is not said how much; give the event's position."""
    with memory.edit(name, model=model) as weight:
        weight[0] += torch.randn_like(weight[0]) if by is None else by
    return memory.store.head().position


def history(memory: MemorySystem, model: nn.Module, bits: Bits, writes: int) -> dict[int, dict[str, Any]]:
    """Edit all three storages in turn; give what the model held at each position."""
    held = {memory.store.head().position: bits(model)}
    for number in range(writes):
        position = edit(memory, ("head.weight", "middle.weight", "middle.bias")[number % 3])
        held[position] = bits(model)
    return held


def pointed_at(memory: MemorySystem) -> set[str]:
    rows = memory.query_sql(
        "SELECT blob FROM weight_deltas WHERE pruned_position IS NULL UNION "
        "SELECT blob FROM keyframes WHERE pruned_position IS NULL AND blob IS NOT NULL"
    )
    return {row["blob"] for row in rows}


def test_every_state_from_the_boundary_on_stays_and_those_before_are_let_go(
    memory: MemorySystem, attached: nn.Module, bits: Bits, events: Events
) -> None:
    held = history(memory, attached, bits, 9)
    pruned = memory.prune(6, reason="a year old")
    for position, expected in held.items():
        if position >= 6:
            memory.restore(position)
            assert bits(attached) == expected
        else:
            with pytest.raises(RestoreError, match=f"let go at position {pruned.position} \\(a year old"):
                memory.restore(position)
    (event,) = events("blobs_pruned")
    assert (event.position, event.fields["before"], event.fields["reason"]) == (pruned.position, 6, "a year old")
    assert event.fields["bytes_freed"] > 0
    report = memory.verify()
    assert report.ok, report.problems


def test_the_bytes_that_were_let_go_are_gone(memory: MemorySystem, attached: nn.Module, bits: Bits) -> None:
    history(memory, attached, bits, 9)
    before = memory._keeper.digests()
    memory.prune(6, reason="room")
    there = memory._keeper.digests()
    assert there == pointed_at(memory)
    assert before - there


def test_what_was_let_go_is_said_in_the_event_and_counted(
    memory: MemorySystem, attached: nn.Module, bits: Bits, events: Events
) -> None:
    history(memory, attached, bits, 9)
    memory.consolidate()
    sizes = {
        row["blob"]: row["size"]
        for row in memory.query_sql("SELECT blob, size FROM weight_deltas UNION SELECT blob, size FROM keyframes")
    }
    before = memory._keeper.digests()
    memory.prune(6, reason="room")
    (event,) = events("blobs_pruned")
    gone = set(event.fields["blobs"])
    assert gone == before - memory._keeper.digests()
    assert event.fields["bytes_freed"] == sum(sizes[blob] for blob in gone)


def test_the_boundary_is_kept_whole_where_only_older_bytes_lead_to_it(
    memory: MemorySystem, attached: nn.Module, events: Events
) -> None:
    for _ in range(4):
        last = edit(memory)
    memory.prune(last - 1, reason="room")
    (event,) = events("blobs_pruned")
    (keyframe,) = event.fields["keyframes"]
    then = events("coupled_modification")[2]
    assert (keyframe["storage_key"], keyframe["fingerprint"]) == (
        "embed.weight",
        then.fields["change"]["fingerprint_after"],
    )


def test_what_was_never_written_is_not_kept_whole(memory: MemorySystem, attached: nn.Module, events: Events) -> None:
    edit(memory)
    memory.prune(edit(memory), reason="room")
    (event,) = events("blobs_pruned")
    assert [each["storage_key"] for each in event.fields["keyframes"]] == ["embed.weight"]


def test_an_old_keyframe_that_is_still_of_use_stays(memory: MemorySystem, model: nn.Module, events: Events) -> None:
    memory.attach(model, name="wide", baseline="full")
    boundary = edit(memory, "middle.weight")
    edit(memory)
    memory.prune(boundary, reason="room")
    (event,) = events("blobs_pruned")
    # The embedding and the bias were whole at the boundary already.
    assert [each["storage_key"] for each in event.fields["keyframes"]] == ["middle.weight"]
    assert len(event.fields["blobs"]) == 2


def test_a_state_that_was_come_back_to_after_the_boundary_stays(
    memory: MemorySystem, attached: nn.Module, bits: Bits
) -> None:
    first = edit(memory)
    held = bits(attached)
    boundary = edit(memory)
    back = memory.restore(first).position
    edit(memory)
    memory.prune(boundary, reason="room")
    memory.restore(back)
    assert bits(attached) == held


def test_bytes_that_a_later_event_points_at_too_stay(memory: MemorySystem, attached: nn.Module, bits: Bits) -> None:
    attached.embed.weight.data[0] = 0.0
    memory.verify_weights()
    first = edit(memory, by=1.0)
    blob = delta_of(memory)
    with memory.edit("head.weight") as weight:
        weight[0] = 0.0
    boundary = memory.store.head().position
    last = edit(memory, by=1.0)
    held = bits(attached)
    assert last > boundary > first
    memory.prune(boundary, reason="room")
    assert blob in memory._keeper.digests()
    memory.restore(boundary)
    memory.restore(last)
    assert bits(attached) == held
    assert memory.verify().ok


def delta_of(memory: MemorySystem) -> str:
    """The blob of the first delta on record."""
    memory.consolidate()
    return str(memory.query_sql("SELECT blob FROM weight_deltas ORDER BY position")[0]["blob"])


def pointed_at_now(memory: MemorySystem) -> set[str]:
    memory.consolidate()
    return pointed_at(memory)


def test_bytes_that_another_model_points_at_stay(memory: MemorySystem, bits: Bits, events: Events) -> None:
    models = {}
    for name in ("one", "other"):
        torch.manual_seed(3)
        models[name] = nn.Linear(4, 4)
        memory.attach(models[name], name=name)
    held = bits(models["other"])
    start = memory.store.head().position
    for name in models:
        for _ in range(3):
            edit(memory, "weight", by=1.5, model=name)
    blobs = pointed_at_now(memory)
    memory.prune(memory.store.head().position, model="one", reason="room")
    assert memory._keeper.digests() >= blobs
    (event,) = events("blobs_pruned")
    assert event.fields["blobs"]
    assert event.fields["bytes_freed"] == 0
    memory.restore(start, model="other")
    assert bits(models["other"]) == held
    with pytest.raises(RestoreError, match="let go"):
        memory.restore(start, model="one")
    memory.prune(memory.store.head().position, model="other", reason="room")
    assert memory._keeper.digests() == pointed_at_now(memory)
    assert blobs - memory._keeper.digests()
    assert memory.verify().ok


def test_bytes_that_another_storage_points_at_stay(memory: MemorySystem, bits: Bits, tmp_path: Path) -> None:
    model = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])
    for weights in model.parameters():
        weights.data.zero_()
    memory.attach(model, name="zeros", baseline="full")
    held = bits(model)
    boundary = edit(memory, "0.weight")
    memory.prune(boundary, reason="room")
    with MemorySystem(tmp_path / "research.db") as alone:
        assert alone.at(boundary, model="zeros")["1.weight"].numpy().tobytes() == held["1.weight"]
    assert memory.verify().ok


def test_what_an_unannounced_write_keeps_whole_is_on_record(memory: MemorySystem, attached: nn.Module) -> None:
    edit(memory)
    for _ in range(8):
        attached.embed.weight.data[0] += torch.randn(16)
        memory.verify_weights()
    assert memory._keeper.digests() == pointed_at_now(memory)


def test_checkpoints_stay_with_their_states_unless_told_otherwise(
    memory: MemorySystem, attached: nn.Module, bits: Bits
) -> None:
    edit(memory)
    held, kept = bits(attached), memory.checkpoint()
    edit(memory)
    boundary = edit(memory)
    latest = memory.checkpoint()
    memory.prune(boundary, reason="room")
    assert memory.at(kept.checkpoint_id)["head.weight"].numpy().tobytes() == held["head.weight"]
    memory.prune(boundary, reason="room", keep_checkpoints=False)
    assert [each.checkpoint_id for each in memory.checkpoints.list_checkpoints()] == [latest.checkpoint_id]
    assert not memory.checkpoints.path_of(kept.checkpoint_id).exists()
    with pytest.raises(RestoreError, match="let go"):
        memory.restore(kept.position)
    for position in (boundary, latest.position):
        memory.restore(position)


def test_what_only_a_pruned_checkpoint_held_of_the_boundary_is_kept_whole(
    memory: MemorySystem, attached: nn.Module, bits: Bits
) -> None:
    memory.checkpoint()
    boundary = edit(memory, "middle.weight")
    held = bits(attached)
    memory.prune(boundary, reason="room", keep_checkpoints=False)
    edit(memory)
    edit(memory, "middle.bias")
    memory.restore(boundary)
    assert bits(attached) == held


def test_the_boundary_may_be_named_by_a_checkpoint_or_a_record(
    memory: MemorySystem, attached: nn.Module, events: Events
) -> None:
    edit(memory)
    saved = memory.checkpoint("here")
    memory.prune(saved.checkpoint_id, reason="room")
    memory.prune(saved, reason="room")
    assert [event.fields["before"] for event in events("blobs_pruned")] == [saved.position] * 2


def test_pruning_again_lets_go_of_nothing_more(memory: MemorySystem, attached: nn.Module, events: Events) -> None:
    edit(memory)
    boundary = edit(memory)
    memory.prune(boundary, reason="room")
    memory.prune(boundary, reason="room")
    again = events("blobs_pruned")[1]
    assert (again.fields["blobs"], again.fields["keyframes"], again.fields["bytes_freed"]) == ([], [], 0)


def test_edits_after_a_prune_can_be_taken_back(memory: MemorySystem, attached: nn.Module, bits: Bits) -> None:
    edit(memory)
    boundary = edit(memory)
    memory.prune(boundary, reason="room")
    held = bits(attached)
    for _ in range(3):
        edit(memory)
    memory.restore(boundary)
    assert bits(attached) == held


def test_states_are_kept_from_the_record_alone(tmp_path: Path, bits: Bits) -> None:
    torch.manual_seed(0)
    model = nn.Linear(4, 4)
    with MemorySystem(tmp_path / "research.db", durability="normal", safety=QUIET) as memory:
        memory.attach(model, name="m")
        edit(memory, "weight")
        boundary = edit(memory, "weight")
        held = bits(model)
        edit(memory, "weight")
    with MemorySystem(tmp_path / "research.db", durability="normal", safety=QUIET) as memory:
        memory.prune(boundary, model="m", reason="room")
        assert memory.at(boundary, model="m")["weight"].numpy().tobytes() == held["weight"]
        with pytest.raises(RestoreError, match="let go"):
            memory.at(boundary - 1, model="m")["weight"]


def test_a_tie_that_was_cut_since_does_not_hide_the_state_before(
    memory: MemorySystem, attached: nn.Module, bits: Bits
) -> None:
    edit(memory)
    boundary = edit(memory)
    held = bits(attached)
    attached.head.weight = nn.Parameter(attached.head.weight.detach().clone())
    edit(memory, "head.weight")
    edit(memory, "embed.weight")
    memory.prune(boundary, reason="room")
    memory.restore(boundary)
    assert bits(attached) == held


def test_a_storage_that_ended_is_kept_whole_under_what_has_its_names_now(
    memory: MemorySystem, model: nn.Module, bits: Bits, caplog: pytest.LogCaptureFixture, events: Events
) -> None:
    model.head.weight = nn.Parameter(torch.randn(64, 16))
    memory.attach(model, name="wide")
    edit(memory)
    boundary = edit(memory)
    held = bits(model)
    model.head.weight = model.embed.weight
    memory.record_metrics({"loss": 1.0})
    with caplog.at_level(logging.WARNING, "memory.recording.pruning"):
        memory.prune(boundary, reason="room")
    assert "stays" not in caplog.text
    assert [each["storage_key"] for each in events("blobs_pruned")[0].fields["keyframes"]] == ["embed.weight"]
    assert memory.at(boundary)["head.weight"].numpy().tobytes() == held["head.weight"]
    with pytest.raises(RestoreError, match="let go"):
        memory.at(boundary - 1)["head.weight"]


def test_what_cannot_be_kept_whole_keeps_what_leads_to_it(
    memory: MemorySystem, attached: nn.Module, bits: Bits, caplog: pytest.LogCaptureFixture, events: Events
) -> None:
    edit(memory)
    boundary = edit(memory)
    held = bits(attached)
    del attached.embed, attached.head
    memory.record_metrics({"loss": 1.0})
    before = pointed_at_now(memory)
    with caplog.at_level(logging.WARNING):
        memory.prune(boundary, reason="room")
    assert "stays" in caplog.text
    assert memory.at(boundary)["embed.weight"].numpy().tobytes() == held["embed.weight"]
    assert events("blobs_pruned")[0].fields["blobs"] == []
    assert pointed_at_now(memory) == before


def test_large_blobs_are_files_and_go_too(memory: MemorySystem) -> None:
    torch.manual_seed(0)
    memory.attach(nn.Linear(200, 200), name="large")
    edit(memory, "weight")
    boundary = edit(memory, "weight")
    folder = memory._keeper.folder
    assert folder is not None
    files = {path.name for path in folder.glob("??/*")}
    assert files
    assert all(path.stat().st_size > INLINE_LIMIT for path in folder.glob("??/*"))
    memory.prune(boundary, reason="room")
    assert files.isdisjoint(path.name for path in folder.glob("??/*"))
    assert memory.verify().ok


def test_nothing_is_removed_that_the_event_could_not_say(
    memory: MemorySystem, attached: nn.Module, bits: Bits, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = history(memory, attached, bits, 3)
    there = pointed_at_now(memory)

    def refuse(*_: Any, **__: Any) -> Any:
        raise DatabaseUnavailable("gone")

    with monkeypatch.context() as patched:
        patched.setattr(memory._recorder.journal, "record", refuse)
        with pytest.raises(DatabaseUnavailable):
            memory.prune(4, reason="room")
    assert pointed_at_now(memory) == there
    for position, expected in held.items():
        memory.restore(position)
        assert bits(attached) == expected


def test_what_is_not_removed_after_the_event_is_said_to_be_swept(
    memory: MemorySystem, attached: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    from memory.query.weight_blobs import sweep

    edit(memory)
    boundary = edit(memory)

    def refuse(*_: Any) -> Any:
        raise DatabaseUnavailable("a disk that went away")

    with monkeypatch.context() as patched:
        patched.setattr(BlobKeeper, "remove", refuse)
        with pytest.raises(DatabaseUnavailable) as raised:
            memory.prune(boundary, reason="room")
    assert "palimpsest gc" in raised.value.__notes__[0]
    assert memory.verify().ok
    assert memory._keeper.digests() > pointed_at_now(memory)
    sweep(memory._keeper, memory.store.database, memory._runner.catch_up, grace=0)
    assert memory._keeper.digests() == pointed_at_now(memory)


def test_what_is_recorded_meanwhile_is_looked_at_too(
    memory: MemorySystem, attached: nn.Module, bits: Bits, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = edit(memory)
    held = bits(attached)
    boundary = edit(memory)
    decided = Pruner._freed
    back: list[int] = []

    def come_back_first(*arguments: Any) -> Any:
        freed = decided(*arguments)
        if not back:
            back.append(memory.restore(first).position)
            edit(memory)
        return freed

    monkeypatch.setattr(Pruner, "_freed", come_back_first)
    memory.prune(boundary, reason="room")
    memory.restore(back[0])
    assert bits(attached) == held


def test_one_that_never_comes_first_gives_up(
    memory: MemorySystem, attached: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    boundary = edit(memory)
    decided = Pruner._freed

    def write_first(*arguments: Any) -> Any:
        memory.record_metrics({"loss": 1.0})
        return decided(*arguments)

    monkeypatch.setattr(Pruner, "_freed", write_first)
    with pytest.raises(ConcurrencyError):
        memory.prune(boundary, reason="room")
    assert memory.verify().ok


def test_what_makes_no_sense_is_refused(memory: MemorySystem, attached: nn.Module, events: Events) -> None:
    edit(memory)
    for position in (0, -1, 3, True):
        with pytest.raises(InvalidArgument):
            memory.prune(position, reason="room")
    with pytest.raises(InvalidArgument, match="reason"):
        memory.prune(2, reason="")
    with pytest.raises(RestoreError, match="no checkpoint"):
        memory.prune("nothing", reason="room")
    with memory.batch(), pytest.raises(BatchError):
        memory.prune(2, reason="room")
    assert events("blobs_pruned") == []


def test_rows_say_which_event_let_them_go_live_as_rebuilt(
    memory: MemorySystem, attached: nn.Module, bits: Bits
) -> None:
    history(memory, attached, bits, 6)
    name = memory.checkpoints.save_checkpoint()
    memory.prune(4, reason="room")
    edit(memory)
    memory.checkpoints.delete_checkpoint(name, "room")
    memory.consolidate()
    tables = ("weight_deltas", "keyframes", "checkpoints")
    live = [memory.query_sql(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in tables]
    assert {row["pruned_position"] for row in live[0]} == {None, 9}
    memory.rebuild()
    assert [memory.query_sql(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in tables] == live
