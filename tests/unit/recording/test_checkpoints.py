"""Checkpoints: saved whole or not at all, on record, comparable, put back bit for bit, let go as an event."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from introspection import SharingMap
from memory import MemorySystem
from memory.errors import (
    BatchError,
    CorruptionError,
    DatabaseBusy,
    DatabaseUnavailable,
    DigestMismatch,
    EditError,
    InvalidArgument,
    InvalidPayload,
    NotAttached,
    RestoreError,
    UnknownModel,
    UnsupportedStorage,
)
from memory.events.envelope import StoredEvent
from memory.recording import saving
from memory.recording.checkpoint_schedule import time as schedule_time
from memory.recording.recorder import Recorder
from memory.store import EventStore

Bits = Callable[[nn.Module], dict[str, Any]]
Types = Callable[[], list[str]]


def scale(memory: MemorySystem, name: str = "head.weight", factor: float = 2.0, **named: Any) -> None:
    with memory.edit(name, method="scale", **named) as weight:
        weight.mul_(factor)


def folders(memory: MemorySystem) -> list[str]:
    """Every name in the folder of checkpoints."""
    folder = memory.store.database.location.path
    assert folder is not None
    there = folder.with_name("research.db.blobs") / "checkpoints"
    return sorted(path.name for path in there.iterdir()) if there.is_dir() else []


# Saving


def test_a_checkpoint_is_a_folder_and_an_event(
    memory: MemorySystem, attached: nn.Module, events: Callable[..., list[StoredEvent]]
) -> None:
    saved = memory.checkpoint(
        "before surgery", tags=["good", "good"], benchmarks={"loss": 2.5}, modification_details={"plan": [1, 2]}
    )
    (event,) = events("checkpoint_saved")
    assert (saved.position, saved.event_type) == (event.position, "checkpoint_saved")
    assert event.fields["tags"] == ["good"]
    assert event.fields["benchmarks"] == {"loss": 2.5}
    assert event.fields["modification_details"] == {"plan": [1, 2]}
    assert event.fields["automatic"] is None
    assert [tensor["key"] for tensor in event.fields["tensors"]] == ["embed.weight", "middle.bias", "middle.weight"]
    assert folders(memory) == [saved.checkpoint_id] == ["before-surgery-0001"]
    assert memory.checkpoints.path_of(saved.checkpoint_id).joinpath("model.safetensors").is_file()


def test_what_a_checkpoint_holds_is_what_the_model_holds(memory: MemorySystem, attached: nn.Module, bits: Bits) -> None:
    from safetensors.torch import load_model

    scale(memory)
    path = memory.checkpoints.path_of(memory.checkpoints.save_checkpoint())
    other = type(attached)()
    load_model(other, path / "model.safetensors")
    assert bits(other) == bits(attached)
    assert other.head.weight is other.embed.weight


def test_a_model_is_named_or_given_itself(memory: MemorySystem, attached: nn.Module) -> None:
    memory.attach(nn.Linear(2, 2), name="other")
    by_name = memory.checkpoints.save_checkpoint("tied")
    by_itself = memory.checkpoints.save_checkpoint(attached)
    assert {memory.checkpoints.get_checkpoint_info(each).model for each in (by_name, by_itself)} == {"tied"}
    with pytest.raises(UnknownModel):
        memory.checkpoints.save_checkpoint(nn.Linear(2, 2))


@pytest.mark.parametrize(
    ("description", "name"),
    [
        ("", "checkpoint-0001"),
        ("../../etc/passwd", "etc-passwd-0001"),
        ("Größe & Maß!", "groe-ma-0001"),
        ("日本", "checkpoint-0001"),
        ("a" * 300, "a" * 40 + "-0001"),
    ],
)
def test_a_name_is_safe_whatever_the_description_is(
    memory: MemorySystem, attached: nn.Module, description: str, name: str
) -> None:
    saved = memory.checkpoint(description)
    assert saved.checkpoint_id == name
    assert memory.checkpoints.get_checkpoint_info(saved.checkpoint_id).description == description
    assert folders(memory) == [saved.checkpoint_id]


def test_names_are_never_given_twice(memory: MemorySystem, attached: nn.Module) -> None:
    first = memory.checkpoints.save_checkpoint(description="same")
    memory.checkpoints.delete_checkpoint(first, "room")
    (Path(str(memory.store.database.location.path) + ".blobs") / "checkpoints" / "same-0002").mkdir(parents=True)
    names = [memory.checkpoints.save_checkpoint(description="same") for _ in range(3)]
    assert len({first, "same-0002", *names}) == 5


def test_two_memories_on_one_record_never_give_one_name_twice(tmp_path: Path) -> None:
    taken: list[str] = []

    def save(name: str) -> None:
        with MemorySystem(tmp_path / "research.db", durability="normal") as memory:
            memory.attach(nn.Linear(2, 2), name=name)
            taken.extend(memory.checkpoints.save_checkpoint(description="both") for _ in range(6))

    MemorySystem(tmp_path / "research.db").close()
    threads = [threading.Thread(target=save, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 12
    with MemorySystem(tmp_path / "research.db") as memory:
        assert sorted(each.checkpoint_id for each in memory.checkpoints.list_checkpoints()) == sorted(taken)
        assert memory.verify().ok


def test_a_name_that_another_writer_took_meanwhile_is_not_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'research.db'}"
    with MemorySystem(url, blobs=tmp_path / "one") as one, MemorySystem(url, blobs=tmp_path / "other") as other:
        one.attach(nn.Linear(2, 2), name="one")
        other.attach(nn.Linear(3, 3), name="other")
        assert one.checkpoints.save_checkpoint() == "checkpoint-0001"
        # As if the table had been read before.
        monkeypatch.setattr(saving, "number_of_checkpoints", lambda _: 0)
        assert other.checkpoints.save_checkpoint() == "checkpoint-0002"
        monkeypatch.setattr(saving, "recorded_under", lambda *_: None)
        assert other.checkpoints.save_checkpoint() == "checkpoint-0003"
    assert sorted(path.name for path in (tmp_path / "other" / "checkpoints").iterdir()) == [
        "checkpoint-0002",
        "checkpoint-0003",
    ]


def test_nothing_is_swept_between_the_files_and_the_event(
    memory: MemorySystem, attached: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    from memory.query.weight_blobs import sweep

    monkeypatch.setattr("memory.weights.holding.PATIENCE", 0.05)
    record, found = Recorder.record, []

    def sweep_first(*arguments: Any, **named: Any) -> None:
        def sweep_now() -> None:
            try:
                sweep(memory._keeper, memory.store.database, memory._runner.catch_up, grace=0)
            except DatabaseBusy as error:
                found.append(error)

        other = threading.Thread(target=sweep_now)
        other.start()
        other.join()
        record(*arguments, **named)

    monkeypatch.setattr(Recorder, "record", sweep_first)
    memory.checkpoint()
    assert len(found) == 1
    assert memory.verify().ok


def test_chains_begin_anew_at_a_checkpoint(memory: MemorySystem) -> None:
    torch.manual_seed(0)
    memory.attach(nn.Linear(64, 64), name="wide")

    def write(times: int) -> int:
        for _ in range(times):
            with memory.edit("weight", rows=[0]) as weight:
                weight[0] += torch.randn(64)
        memory.consolidate()
        return int(memory.query_sql("SELECT count(*) AS n FROM keyframes WHERE blob IS NOT NULL")[0]["n"])

    short = next(number for number in range(1, 99) if write(1) == 2)
    assert short > 4
    write(short - 3)
    memory.checkpoint()
    assert write(short - 3) == 2


def test_a_state_some_deltas_from_a_checkpoint_needs_nothing_else(tmp_path: Path, bits: Bits) -> None:
    torch.manual_seed(0)
    model = nn.Linear(64, 64)
    with MemorySystem(tmp_path / "research.db", durability="normal") as memory:
        memory.attach(model, name="m")
        memory.checkpoint()
        for _ in range(2):
            with memory.edit("weight") as weight:
                weight[0] += torch.randn(64)
        position = memory.store.head().position
    with MemorySystem(tmp_path / "research.db", durability="normal") as memory:
        assert memory.at(position, model="m")["weight"].numpy().tobytes() == bits(model)["weight"]


def test_what_nobody_announced_is_recorded_before_it_is_saved(
    memory: MemorySystem, attached: nn.Module, types: Types, bits: Bits
) -> None:
    attached.middle.weight.data[0, 0] = 7.0
    saved = memory.checkpoint()
    assert types() == ["unattributed_write", "checkpoint_saved"]
    held = bits(attached)
    scale(memory, "middle.weight")
    memory.restore(saved.checkpoint_id)
    assert bits(attached) == held


def test_without_a_folder_it_is_said_how_to_name_one() -> None:
    with MemorySystem(":memory:") as memory:
        memory.attach(nn.Linear(2, 2))
        with pytest.raises(InvalidArgument, match="blobs") as raised:
            memory.checkpoint()
        assert 'blobs="folder"' in raised.value.remedy


def test_a_memory_without_a_file_saves_to_the_folder_it_is_given(tmp_path: Path) -> None:
    with MemorySystem(":memory:", blobs=tmp_path / "kept") as memory:
        memory.attach(nn.Linear(2, 2))
        saved = memory.checkpoint()
        assert (tmp_path / "kept" / "checkpoints" / saved.checkpoint_id / "model.safetensors").is_file()


def test_a_map_alone_has_nothing_to_save(memory: MemorySystem) -> None:
    memory.attach(SharingMap.from_relations(names=["a"]), name="map")
    with pytest.raises(NotAttached):
        memory.checkpoint()


def test_a_batch_takes_no_checkpoint(memory: MemorySystem, attached: nn.Module) -> None:
    with memory.batch(), pytest.raises(BatchError):
        memory.checkpoint()
    assert folders(memory) == []


def test_an_edit_under_way_is_not_saved_in_the_middle(memory: MemorySystem, attached: nn.Module) -> None:
    with memory.edit("middle.weight") as weight:
        weight.add_(1)
        with pytest.raises(EditError):
            memory.checkpoint()
    assert folders(memory) == []


def test_what_cannot_be_stored_is_refused_before_a_file_is_written(
    memory: MemorySystem, attached: nn.Module, types: Types
) -> None:
    for named in ({"benchmarks": {"loss": "low"}}, {"modification_details": {"f": object()}}, {"tags": ["a\0"]}):
        with pytest.raises(InvalidPayload):
            memory.checkpoint(**named)
    assert (types(), folders(memory)) == ([], [])


def test_a_model_without_bytes_leaves_nothing_behind(memory: MemorySystem) -> None:
    memory.attach(nn.Linear(2, 2, device="meta"), name="meta")
    with pytest.raises(UnsupportedStorage):
        memory.checkpoint()
    assert folders(memory) == []


def test_an_event_that_is_refused_leaves_no_folder(
    memory: MemorySystem, attached: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        assert folders(memory)[-1] == "checkpoint-0001", "the files come first"
        raise DatabaseUnavailable("gone")

    with monkeypatch.context() as patched:
        patched.setattr(EventStore, "append", refuse)
        with pytest.raises(DatabaseUnavailable):
            memory.checkpoint()
    assert folders(memory) == []
    assert memory.checkpoints.list_checkpoints() == []
    assert memory.checkpoints.save_checkpoint() == "checkpoint-0001"


# Looking


def test_checkpoints_are_listed_by_age_and_by_tags(memory: MemorySystem, attached: nn.Module) -> None:
    first = memory.checkpoints.save_checkpoint(description="first", tags=["a", "b"])
    second = memory.checkpoints.save_checkpoint(description="second", tags=["b"], benchmarks={"loss": float("nan")})
    assert [each.checkpoint_id for each in memory.checkpoints.list_checkpoints()] == [first, second]
    assert [each.checkpoint_id for each in memory.checkpoints.list_checkpoints(["b", "a"])] == [first]
    assert memory.checkpoints.list_checkpoints(model="another") == []
    latest = memory.checkpoints.get_latest_checkpoint()
    assert latest is not None
    assert latest.checkpoint_id == second
    assert latest.benchmarks["loss"] != latest.benchmarks["loss"]
    found = memory.checkpoints.get_checkpoint_info(first)
    assert (found.description, found.tags, found.storages, found.deleted) == ("first", ("a", "b"), 3, False)
    assert found.size == sum(path.stat().st_size for path in memory.checkpoints.path_of(first).iterdir())
    json.dumps(found.to_dict())


def test_there_may_be_no_latest_checkpoint(memory: MemorySystem) -> None:
    assert memory.checkpoints.get_latest_checkpoint() is None


def test_a_checkpoint_that_never_was_is_told_apart(memory: MemorySystem, attached: nn.Module) -> None:
    for ask in (
        memory.checkpoints.get_checkpoint_info,
        memory.checkpoints.restore_checkpoint,
        memory.checkpoints.tag_checkpoint,
        lambda name: memory.checkpoints.delete_checkpoint(name, "room"),
    ):
        with pytest.raises(RestoreError, match="'nothing'"):
            ask("nothing")


def test_tags_come_and_go_as_events(memory: MemorySystem, attached: nn.Module, types: Types) -> None:
    name = memory.checkpoints.save_checkpoint(tags=["old"])
    memory.checkpoints.tag_checkpoint(name, "new", "newer", remove=["old"])
    assert memory.checkpoints.get_checkpoint_info(name).tags == ("new", "newer")
    assert types() == ["checkpoint_saved", "checkpoint_tagged"]


def test_tied_weights_are_one_difference(memory: MemorySystem, attached: nn.Module) -> None:
    first = memory.checkpoints.save_checkpoint()
    with memory.edit("head.weight") as weight:
        weight[2] += 1
    second = memory.checkpoints.save_checkpoint()
    (entry,) = memory.checkpoints.compare_checkpoints(first, second).weights.entries
    assert (entry.names, entry.rows) == (("embed.weight", "head.weight"), (2,))


def test_benchmarks_are_compared_by_what_is_better(memory: MemorySystem, attached: nn.Module) -> None:
    memory.define_metric("loss", better="lower")
    memory.define_metric("score", better="higher")
    memory.define_metric("score", better="lower", model="tied")
    first = memory.checkpoints.save_checkpoint(benchmarks={"loss": 2.0, "score": 1.0, "length": 3.0, "gone": 1.0})
    second = memory.checkpoints.save_checkpoint(benchmarks={"loss": 1.5, "score": 2.0, "length": 4.0, "new": 1.0})
    compared = memory.checkpoints.compare_checkpoints(first, second)
    found = {each.metric: (each.before, each.after, each.difference, each.better) for each in compared.benchmarks}
    assert found == {
        "gone": (1.0, None, None, None),
        "length": (3.0, 4.0, 1.0, None),
        "loss": (2.0, 1.5, -0.5, "second"),
        "new": (None, 1.0, None, None),
        "score": (1.0, 2.0, 1.0, "first"),
    }
    assert "loss: 2 to 1.5 (-0.5), the second is better" in str(compared)
    json.dumps(compared.to_dict())


def test_checkpoints_of_two_models_are_not_compared(memory: MemorySystem, attached: nn.Module) -> None:
    memory.attach(nn.Linear(2, 2), name="other")
    names = [memory.checkpoints.save_checkpoint(model) for model in ("tied", "other")]
    with pytest.raises(InvalidArgument):
        memory.checkpoints.compare_checkpoints(*names)


def test_the_history_says_what_happened_between(memory: MemorySystem, attached: nn.Module, tmp_path: Path) -> None:
    first = memory.checkpoints.save_checkpoint(benchmarks={"loss": float("inf")})
    scale(memory, reason="try")
    second = memory.checkpoints.save_checkpoint()
    memory.record_metrics({"loss": float("nan")})
    memory.checkpoints.delete_checkpoint(first, "room")
    told = json.loads(memory.checkpoints.export_history(tmp_path / "history.json").read_text())
    (model,) = told["models"]
    assert [each["checkpoint_id"] for each in model["checkpoints"]] == [first, second]
    assert [each["event_type"] for each in model["checkpoints"][1]["since_previous"]] == ["coupled_modification"]
    assert model["checkpoints"][1]["since_previous"][0]["reason"] == "try"
    assert [each["event_type"] for each in model["since_last"]] == ["metrics_recorded", "safety_alert", "blobs_pruned"]
    with pytest.raises(InvalidArgument):
        memory.checkpoints.export_history(tmp_path / "history.json")


# Putting back


def test_a_checkpoint_is_put_back_bit_for_bit_in_place(
    memory: MemorySystem, attached: nn.Module, bits: Bits, events: Callable[..., list[StoredEvent]]
) -> None:
    held, tensor = bits(attached), attached.embed.weight
    name = memory.checkpoints.save_checkpoint()
    scale(memory)
    scale(memory, "middle.bias", 3.0)
    memory.checkpoints.restore_checkpoint(name, reason="worse")
    assert bits(attached) == held
    assert attached.head.weight is attached.embed.weight is tensor
    (restored,) = events("restored")
    assert (restored.fields["checkpoint"], restored.fields["reason"]) == (name, "worse")
    assert memory.verify().ok


def test_a_checkpoint_alone_gives_a_state_back(memory: MemorySystem, attached: nn.Module, bits: Bits) -> None:
    scale(memory)
    held = bits(attached)
    saved = memory.checkpoint()
    scale(memory, factor=3.0)
    memory.prune(memory.store.head().position, reason="only the checkpoint is left")
    assert bits(attached) != held
    memory.restore(saved.checkpoint_id)
    assert bits(attached) == held


@pytest.mark.parametrize("place", ["first byte", "header", "every tensor"])
def test_a_flipped_byte_is_refused_and_named(
    memory: MemorySystem, attached: nn.Module, bits: Bits, place: str, events: Callable[..., list[StoredEvent]]
) -> None:
    name = memory.checkpoints.save_checkpoint()
    (saved,) = events("checkpoint_saved")
    (header,) = (file["header_size"] for file in saved.fields["files"])
    places = {"first byte": [(0, "header")], "header": [(header - 1, "header")]}
    offsets = [(each["offset"] + each["size"] - 1, each["name"]) for each in saved.fields["tensors"]]
    scale(memory)
    scale(memory, "middle.weight")
    now = bits(attached)
    file = memory.checkpoints.path_of(name) / "model.safetensors"
    for offset, named in places.get(place, offsets):
        content = bytearray(file.read_bytes())
        content[offset] ^= 1
        file.write_bytes(content)
        with pytest.raises(DigestMismatch, match=named):
            memory.checkpoints.restore_checkpoint(name)
        assert bits(attached) == now
        (problem,) = memory.verify().problems
        assert repr(name) in problem
        assert named in problem
        content[offset] ^= 1
        file.write_bytes(content)
    memory.checkpoints.restore_checkpoint(name)


def test_damage_is_found_also_where_only_a_position_is_named(
    memory: MemorySystem, attached: nn.Module, bits: Bits
) -> None:
    saved = memory.checkpoint()
    scale(memory)
    memory.prune(memory.store.head().position, reason="only the checkpoint is left")
    file = memory.checkpoints.path_of(saved.checkpoint_id) / "model.safetensors"
    content = file.read_bytes()
    tensor = attached.embed.weight.detach() / 2
    at = content.index(tensor.numpy().tobytes())
    file.write_bytes(content[:at] + b"\xff" + content[at + 1 :])
    now = bits(attached)
    with pytest.raises(DigestMismatch, match=r"embed\.weight"):
        memory.restore(saved.position)
    assert bits(attached) == now


def test_a_missing_file_is_refused_and_found(memory: MemorySystem, attached: nn.Module) -> None:
    name = memory.checkpoints.save_checkpoint()
    scale(memory)
    (memory.checkpoints.path_of(name) / "model.safetensors").unlink()
    with pytest.raises(CorruptionError, match="missing"):
        memory.checkpoints.restore_checkpoint(name)
    report = memory.verify()
    assert (report.ok, report.checkpoints) == (False, 1)
    assert repr(name) in report.problems[0]


def test_where_other_ways_lead_there_damage_does_not_matter_unless_strict(
    memory: MemorySystem, attached: nn.Module, bits: Bits
) -> None:
    scale(memory)
    held, name = bits(attached), memory.checkpoints.save_checkpoint()
    scale(memory)
    shutil.rmtree(memory.checkpoints.path_of(name))
    memory.checkpoints.restore_checkpoint(name, strict=False)
    assert bits(attached) == held


def test_strict_refuses_what_nobody_announced(memory: MemorySystem, attached: nn.Module, types: Types) -> None:
    name = memory.checkpoints.save_checkpoint()
    attached.middle.weight.data[0, 0] = 7.0
    with pytest.raises(RestoreError, match=r"middle\.weight"):
        memory.checkpoints.restore_checkpoint(name)
    assert attached.middle.weight[0, 0] == 7.0
    memory.checkpoints.restore_checkpoint(name, strict=False)
    assert attached.middle.weight[0, 0] != 7.0
    assert types() == ["checkpoint_saved", "unattributed_write", "restored"]


def test_strict_refuses_names_that_came_since(memory: MemorySystem, attached: nn.Module, bits: Bits) -> None:
    held, name = bits(attached), memory.checkpoints.save_checkpoint()
    scale(memory)
    attached.adapter = nn.Parameter(torch.ones(3))
    with pytest.raises(RestoreError, match="adapter"):
        memory.checkpoints.restore_checkpoint(name)
    memory.checkpoints.restore_checkpoint(name, strict=False)
    assert bits(attached) == held | {"adapter": bits(attached)["adapter"]}


# Letting go


def test_a_checkpoint_is_deleted_as_an_event(
    memory: MemorySystem, attached: nn.Module, events: Callable[..., list[StoredEvent]]
) -> None:
    name = memory.checkpoints.save_checkpoint()
    deleted = memory.checkpoints.delete_checkpoint(name, "room")
    (event,) = events("blobs_pruned")
    assert (event.position, event.fields["checkpoints"], event.fields["reason"]) == (deleted.position, [name], "room")
    # What nobody ever wrote to is not copied somewhere else.
    assert event.fields["keyframes"] == []
    assert folders(memory) == []
    assert memory.checkpoints.list_checkpoints() == []
    (left,) = memory.checkpoints.list_checkpoints(include_deleted=True)
    assert (left.checkpoint_id, left.deleted_position) == (name, deleted.position)
    with pytest.raises(RestoreError, match=f"let go at position {deleted.position} \\(room\\)"):
        memory.checkpoints.restore_checkpoint(name)
    with pytest.raises(RestoreError):
        memory.checkpoints.delete_checkpoint(name, "again")
    report = memory.verify()
    assert (report.ok, report.checkpoints) == (True, 0)


def test_states_that_deltas_lead_to_from_a_checkpoint_outlive_it(
    memory: MemorySystem, attached: nn.Module, bits: Bits
) -> None:
    name = memory.checkpoints.save_checkpoint()
    held = [bits(attached)]
    positions = [memory.store.head().position]
    for _ in range(3):
        scale(memory)
        held.append(bits(attached))
        positions.append(memory.store.head().position)
    # The first write after a checkpoint keeps nothing whole: the checkpoint has it.
    assert memory.query_sql("SELECT count(*) AS n FROM keyframes WHERE blob IS NOT NULL") == [{"n": 0}]
    memory.checkpoints.delete_checkpoint(name, "room")
    for position, expected in zip(positions, held, strict=True):
        memory.restore(position)
        assert bits(attached) == expected
    assert memory.verify().ok


@pytest.mark.parametrize("by_another", [False, True], ids=["here", "by another process"])
def test_what_a_deleted_checkpoint_held_is_kept_before_the_next_write(
    memory: MemorySystem, bits: Bits, tmp_path: Path, by_another: bool
) -> None:
    model = nn.Linear(64, 64)
    memory.attach(model, name="wide")
    held, saved = bits(model), memory.checkpoint()
    # Now the memory knows that the checkpoint has it all.
    memory.attach(model, name="wide", baseline="full")
    with MemorySystem(tmp_path / "research.db") as another:
        deleting = another if by_another else memory
        deleting.checkpoints.delete_checkpoint(saved.checkpoint_id, "room")
        with memory.edit("weight") as weight:
            weight[0] += 1
        # From the record alone: nothing is taken from the live weights.
        assert another.at(saved.position, model="wide")["weight"].numpy().tobytes() == held["weight"]


def test_states_that_were_let_go_are_not_kept_for_a_checkpoint_that_held_them(
    memory: MemorySystem, attached: nn.Module, bits: Bits, events: Callable[..., list[StoredEvent]]
) -> None:
    scale(memory)
    saved = memory.checkpoint()
    scale(memory, factor=3.0)
    memory.prune(memory.store.head().position, reason="old")
    memory.checkpoints.delete_checkpoint(saved.checkpoint_id, "room")
    assert events("blobs_pruned")[-1].fields["keyframes"] == []
    with pytest.raises(RestoreError, match="let go"):
        memory.restore(saved.position)


def test_without_a_reason_nothing_is_deleted(memory: MemorySystem, attached: nn.Module) -> None:
    name = memory.checkpoints.save_checkpoint()
    with pytest.raises(InvalidArgument, match="reason"):
        memory.checkpoints.delete_checkpoint(name, " ")
    assert folders(memory) == [name]


def test_a_damaged_checkpoint_can_be_deleted(memory: MemorySystem, attached: nn.Module) -> None:
    name = memory.checkpoints.save_checkpoint()
    scale(memory)
    (memory.checkpoints.path_of(name) / "model.safetensors").write_bytes(b"")
    memory.checkpoints.delete_checkpoint(name, "damaged")
    assert folders(memory) == []
    assert memory.verify().ok


def test_cleaning_up_keeps_the_latest_and_the_tagged(memory: MemorySystem, attached: nn.Module) -> None:
    names = [memory.checkpoints.save_checkpoint(tags=["keep"] if number == 1 else []) for number in range(5)]
    assert memory.checkpoints.cleanup_old_checkpoints(2) == (names[0], names[2])
    assert folders(memory) == sorted((names[1], names[3], names[4]))
    assert memory.checkpoints.cleanup_old_checkpoints(2) == ()
    assert memory.checkpoints.cleanup_old_checkpoints(1, keep_tagged=False) == (names[1], names[3])
    assert memory.checkpoints.cleanup_old_checkpoints(9) == ()
    assert memory.checkpoints.cleanup_old_checkpoints(0) == (names[4],)
    with pytest.raises(InvalidArgument):
        memory.checkpoints.cleanup_old_checkpoints(-1)


def test_what_a_crash_leaves_of_a_checkpoint_is_swept(memory: MemorySystem, attached: nn.Module) -> None:
    from memory.query.weight_blobs import sweep

    name = memory.checkpoints.save_checkpoint()
    folder = memory.checkpoints.path_of(name).parent
    (folder / ".after-0002-0a1b2c3d.partial").mkdir()
    (folder / ".after-0002-0a1b2c3d.partial" / "model.safetensors").write_bytes(b"half")
    (folder / ".after-0002.claim.partial").touch()
    (folder / "unrecorded-0003").mkdir()
    swept = sweep(memory._keeper, memory.store.database, memory._runner.catch_up, grace=0)
    assert folders(memory) == [name]
    assert swept.bytes_freed == 4


# By itself


def test_after_so_many_writes_one_is_saved_by_itself(
    memory: MemorySystem, attached: nn.Module, events: Callable[..., list[StoredEvent]]
) -> None:
    scale(memory)
    memory.checkpoints.automatically(every_modifications=3)
    for _ in range(4):
        scale(memory)
    with memory.edit("middle") as weights:
        for weight in weights.values():
            weight.add_(1)
    saved = events("checkpoint_saved")
    assert [event.fields["automatic"] for event in saved] == ["modifications", "modifications"]
    writes = [event.position for event in events("modification", "coupled_modification")]
    # The write before the call counts; a write of two storages counts twice.
    assert [sum(write < event.position for write in writes) for event in saved] == [3, 7]


def test_a_checkpoint_that_was_asked_for_starts_the_count_anew(
    memory: MemorySystem, attached: nn.Module, events: Callable[..., list[StoredEvent]]
) -> None:
    memory.checkpoints.automatically(every_modifications=2)
    scale(memory)
    memory.checkpoint()
    scale(memory)
    assert [event.fields["automatic"] for event in events("checkpoint_saved")] == [None]
    scale(memory)
    assert [event.fields["automatic"] for event in events("checkpoint_saved")] == [None, "modifications"]


def test_after_so_much_time_one_is_saved_by_itself(
    memory: MemorySystem,
    attached: nn.Module,
    events: Callable[..., list[StoredEvent]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr(schedule_time, "monotonic", lambda: now)
    memory.checkpoints.automatically(every_minutes=10)
    scale(memory)
    now += 599
    scale(memory)
    assert events("checkpoint_saved") == []
    now += 1
    scale(memory)
    scale(memory)
    assert [event.fields["automatic"] for event in events("checkpoint_saved")] == ["minutes"]


def test_an_edit_that_was_put_back_counts_for_nothing(
    memory: MemorySystem, attached: nn.Module, events: Callable[..., list[StoredEvent]]
) -> None:
    memory.checkpoints.automatically(every_modifications=1)
    with pytest.raises(ZeroDivisionError), memory.edit("head.weight") as weight:
        weight.mul_(1 / 0)
    assert events("checkpoint_saved") == []


def test_one_that_is_due_waits_for_edits_around_it(
    memory: MemorySystem, attached: nn.Module, events: Callable[..., list[StoredEvent]]
) -> None:
    memory.checkpoints.automatically(every_modifications=1)
    with memory.edit("middle.weight") as weight:
        weight.add_(1)
        scale(memory)
        assert events("checkpoint_saved") == []
    assert len(events("checkpoint_saved")) == 1


def test_one_that_an_edit_comes_before_waits_for_the_next_write(
    memory: MemorySystem,
    attached: nn.Module,
    events: Callable[..., list[StoredEvent]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    memory.checkpoints.automatically(every_modifications=1)
    with memory.edit("middle.weight") as weight:
        weight.add_(1)
        # As if that edit had begun after it was looked whether there is any.
        with monkeypatch.context() as patched:
            patched.setattr("memory.recording.attached.AttachedModel.busy", frozenset())
            scale(memory)
        assert events("checkpoint_saved") == []
    assert len(events("checkpoint_saved")) == 1


def test_one_that_fails_says_that_the_write_stands(
    memory: MemorySystem, attached: nn.Module, types: Types, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.checkpoints.automatically(every_modifications=1)
    monkeypatch.setattr(os, "posix_fallocate", _no_room)
    with pytest.raises(DatabaseUnavailable) as raised:
        scale(memory)
    assert "stands" in raised.value.__notes__[0]
    assert types() == ["coupled_modification"]
    assert folders(memory) == []


def test_with_neither_number_none_is_saved_any_more(
    memory: MemorySystem, attached: nn.Module, events: Callable[..., list[StoredEvent]]
) -> None:
    memory.checkpoints.automatically(every_modifications=1)
    memory.checkpoints.automatically()
    scale(memory)
    assert events("checkpoint_saved") == []
    with pytest.raises(InvalidArgument):
        memory.checkpoints.automatically(every_modifications=0)


def _no_room(*_: Any) -> None:
    raise OSError(28, "No space left on device")
