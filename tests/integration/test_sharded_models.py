"""Models shared out among two real processes: one record, one event for a whole tensor, every shard put back.

The functions that begin with `on_` run in both processes at once; what they return is what the tests look at.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from introspection.fingerprint import fingerprint
from introspection.scan import scan_sharing
from memory import MemorySystem
from memory.errors import BatchError, EditError, PalimpsestError, RankError, UnknownName
from memory.safety.settings import SafetySettings

SCRIPT = Path(__file__).with_name("rank_script.py")
QUIET = SafetySettings(ignore=("norm_ratio", "share_of_model", "coupled", "checkpoint"))
"""What safety warns of beside is told elsewhere."""
PATIENCE = 60
"""Seconds that both processes have for one scenario."""
SIZE = 2


class Processes:
    """Two processes of one distributed run."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0
        self._start()

    def _start(self) -> None:
        self._count += 1
        store = self._folder / f"store{self._count}"
        self.processes = []
        for rank in range(SIZE):
            with (self._folder / f"errors{rank}").open("ab") as errors:
                self.processes.append(
                    subprocess.Popen(
                        [sys.executable, str(SCRIPT), str(rank), str(SIZE), str(store), __file__],
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=errors,
                        text=True,
                        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                    )
                )
        assert [answer["ready"] for answer in self._answers()] == [0, 1]

    def __call__(self, scenario: Callable[[int, Path], Any], folder: Path) -> list[Any]:
        """Run a function in both; give what each returned."""
        answers = self.run(scenario, folder)
        raised = [answer["raised"] for answer in answers if answer is not None and "raised" in answer]
        assert not raised, "\n".join(raised)
        return [None if answer is None else answer["returned"] for answer in answers]

    def run(self, scenario: Callable[[int, Path], Any], folder: Path) -> list[Any]:
        if not self.processes:
            self._start()
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write(json.dumps([scenario.__name__, str(folder)]) + "\n")
            process.stdin.flush()
        return self._answers()

    def _answers(self) -> list[Any]:
        """Wait for a line of each; None for one that ended."""
        end, found = time.monotonic() + PATIENCE, {}
        with selectors.DefaultSelector() as waiting:
            for rank, process in enumerate(self.processes):
                assert process.stdout is not None
                waiting.register(process.stdout, selectors.EVENT_READ, rank)
            while len(found) < SIZE:
                ready = waiting.select(max(0.0, end - time.monotonic()))
                if not ready:
                    self.stop()
                    pytest.fail(f"rank {sorted({0, 1} - set(found))} gave no answer in {PATIENCE} s: it hangs")
                for key, _ in ready:
                    line = key.fileobj.readline()
                    found[key.data] = json.loads(line) if line else None
                    waiting.unregister(key.fileobj)
        if None in found.values():
            self.stop()
        return [found[rank] for rank in range(SIZE)]

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self.processes = []


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    processes = Processes(tmp_path_factory.mktemp("ranks"))
    yield processes
    processes.stop()


# Models, the same on every rank


def mesh() -> Any:
    import torch.distributed as dist

    return dist.init_device_mesh("cpu", (SIZE,))


class Model(nn.Module):
    """A tied pair, an uneven layer, and a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.mid = nn.Embedding(7, 4), nn.Linear(4, 5)
        self.head = nn.Linear(4, 7, bias=False)
        self.head.weight = self.embed.weight
        self.register_buffer("steps", torch.zeros(3))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        hidden = self.embed(tokens)
        return self.head(hidden) + self.mid(hidden).sum()


def plain() -> Model:
    """The model whole, with the values that every process makes."""
    torch.manual_seed(7)
    return Model()


def sharded() -> Model:
    """The same by FSDP2: shards of 4 and 3 rows."""
    from torch.distributed.fsdp import fully_shard

    model = plain()
    fully_shard(model, mesh=mesh())
    return model


def placed(dtype: torch.dtype = torch.float32) -> nn.Module:
    """One tensor for each placement."""
    from torch.distributed.tensor import Replicate, Shard, distribute_tensor

    torch.manual_seed(9)
    model = nn.Module()
    grid = mesh()
    for name, shape, placement in (
        ("rows", (5, 3), Shard(0)),
        ("columns", (3, 7), Shard(1)),
        ("copies", (4, 4), Replicate()),
        ("one_row", (1, 6), Shard(0)),
        ("deep", (2, 3, 5), Shard(2)),
        ("nothing", (0, 3), Shard(0)),
    ):
        whole = torch.randint(-9, 9, shape).to(dtype)
        floating = dtype.is_floating_point or dtype.is_complex
        setattr(
            model,
            name,
            nn.Parameter(distribute_tensor(whole, grid, [placement], src_data_rank=None), requires_grad=floating),
        )
    return model


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """Give a tensor's values on every rank, without the code under test."""
    return tensor.detach().full_tensor() if hasattr(tensor, "full_tensor") else tensor.detach()


def fingerprints(model: nn.Module) -> dict[str, str]:
    return {
        name: fingerprint(whole(tensor))
        for name, tensor in [*model.named_parameters(remove_duplicate=False), *model.named_buffers()]
    }


def bits(model: nn.Module) -> list[str]:
    """Give the bits of this process's shards."""
    found = []
    for _, tensor in [*model.named_parameters(), *model.named_buffers()]:
        local = tensor.to_local() if hasattr(tensor, "to_local") else tensor
        found.append(local.detach().contiguous().view(torch.uint8).flatten().numpy().tobytes().hex())
    return found


def events(memory: MemorySystem) -> list[Any]:
    return [event.payload for event in memory.store.read()]


def types(memory: MemorySystem) -> list[str]:
    return [event.event_type for event in memory.store.read()]


def opened(folder: Path) -> MemorySystem:
    return MemorySystem(folder / "research.db", safety=QUIET)


# Attaching


def on_attach(rank: int, folder: Path) -> Any:
    model = sharded()
    with opened(folder) as memory:
        attached = memory.attach(model, name="m")
        return {
            "types": types(memory),
            "states": {s.key: [s.fingerprint, s.shape, s.names] for s in events(memory)[0].storages},
            "sharing": [attached.sharing.digest, events(memory)[0].digest, scan_sharing(plain()).digest],
            "wanted": fingerprints(plain()),
        }


def test_attaching_is_one_event_that_speaks_of_whole_tensors(ranks, tmp_path):
    for told in ranks(on_attach, tmp_path):
        assert told["types"] == ["model_attached"]
        assert {key: state[0] for key, state in told["states"].items()} == {
            key: told["wanted"][key] for key in ("embed.weight", "mid.weight", "mid.bias", "steps")
        }
        assert len(set(told["sharing"])) == 1
        assert told["states"]["embed.weight"][1:] == [[7, 4], ["embed.weight", "head.weight"]]


def on_edit(rank: int, folder: Path) -> Any:
    model = sharded()
    with opened(folder) as memory:
        memory.attach(model, name="m")
        with memory.edit("head.weight", method="scale", dose=2.0) as weight:
            weight.mul_(2)
        return {"types": types(memory), "now": fingerprints(model), "after": events(memory)[-1].digests_after}


def test_an_edit_is_one_event_that_speaks_of_the_whole_tensor(ranks, tmp_path):
    for told in ranks(on_edit, tmp_path):
        assert told["types"] == ["model_attached", "coupled_modification"]
        assert told["after"] == {"embed.weight": told["now"]["embed.weight"]}


PLACES = ("rows", "columns", "copies", "one_row", "deep", "nothing")
DTYPES = (torch.float32, torch.bfloat16, torch.float8_e4m3fn, torch.int8, torch.bool, torch.complex128)


def on_edits_of_every_placement(rank: int, folder: Path) -> Any:
    found = {}
    for dtype in DTYPES:
        model = placed(dtype)
        before = bits(model)
        with opened(folder / str(dtype)) as memory:
            memory.attach(model, name="m")
            with memory.act("all of it") as act, memory.edit(PLACES) as weights:
                for weight in weights.values():
                    local = weight.to_local().view(torch.uint8)
                    local.bitwise_xor_(1)
            edited = bits(model)
            act.undo()
            undone = bits(model)
            memory.restore(act_end := 1 + len(PLACES))
            restored = bits(model)
            memory.restore(1)
            back = bits(model)
        nothing_but_empty = [one == other for one, other in zip(before, edited, strict=True)]
        found[str(dtype)] = {
            "edited": [not same for same, held in zip(nothing_but_empty, before, strict=True) if held],
            "undone": undone == before,
            "restored": restored == edited,
            "back": back == before,
            "end": act_end,
        }
    return found


def test_every_placement_and_dtype_is_edited_undone_and_restored_to_the_bit(ranks, tmp_path):
    for dtype in DTYPES:
        (tmp_path / str(dtype)).mkdir()
    for told in ranks(on_edits_of_every_placement, tmp_path):
        for dtype in DTYPES:
            steps = told[str(dtype)]
            assert all(steps["edited"])
            assert steps["edited"]
            assert (steps["undone"], steps["restored"], steps["back"]) == (True, True, True)


# What goes wrong on one rank


def failing(rank: int, folder: Path, who: int) -> Any:
    model = sharded()
    before = bits(model)
    raised: BaseException | None = None
    with opened(folder) as memory:
        memory.attach(model, name="m")
        try:
            with memory.edit("embed.weight") as weight:
                weight.mul_(3)
                if rank == who:
                    raise ValueError("no room")
        except (ValueError, RankError) as error:
            raised = error
        put_back = bits(model) == before
        with memory.edit("embed.weight") as weight:
            weight.mul_(3)
        return [type(raised).__name__, str(raised), put_back, types(memory), bits(model) != before]


def on_failing_rank_1(rank: int, folder: Path) -> Any:
    return failing(rank, folder, 1)


def on_failing_rank_0(rank: int, folder: Path) -> Any:
    return failing(rank, folder, 0)


@pytest.mark.parametrize(("scenario", "who"), [(on_failing_rank_0, 0), (on_failing_rank_1, 1)])
def test_what_raises_on_one_rank_is_put_back_on_all_and_recorded_once(ranks, tmp_path, scenario, who):
    told = ranks(scenario, tmp_path)
    for rank, (kind, message, put_back, recorded, edited_then) in enumerate(told):
        assert kind == ("ValueError" if rank == who else "RankError")
        assert "no room" in message
        assert put_back
        assert recorded == ["model_attached", "edit_aborted", "coupled_modification"]
        assert edited_then


def on_rebinding(rank: int, folder: Path) -> Any:
    model = placed()
    raised = None
    with opened(folder) as memory:
        memory.attach(model, name="m")
        try:
            with memory.edit("columns") as weight:
                weight.mul_(3)
                if rank:
                    model.columns = nn.Parameter(weight.clone())
        except PalimpsestError as error:
            raised = error
        return [type(raised).__name__, types(memory)[:2]]


def test_a_name_bound_anew_on_one_rank_aborts_the_edit(ranks, tmp_path):
    zero, one = ranks(on_rebinding, tmp_path)
    assert zero == ["RankError", ["model_attached", "edit_aborted"]]
    assert one[0] == EditError.__name__


def on_unequal_copies(rank: int, folder: Path) -> Any:
    model = placed()
    before = bits(model)
    kinds = []
    with opened(folder) as memory:
        memory.attach(model, name="m")
        try:
            with memory.edit("copies") as weight:
                weight.to_local().add_(rank + 1)
        except RankError as error:
            kinds.append(str(error))
        put_back = bits(model) == before
        if rank:
            model.copies.detach().to_local().zero_()
        try:
            with memory.edit("copies") as weight:
                weight.zero_()
        except RankError as error:
            kinds.append(str(error))
        return [kinds, put_back, types(memory)]


def test_copies_that_were_written_to_differently_are_refused(ranks, tmp_path):
    for kinds, put_back, recorded in ranks(on_unequal_copies, tmp_path):
        assert len(kinds) == 2
        assert all("rank 1 holds other bytes than rank 0" in told for told in kinds)
        assert put_back
        assert recorded == ["model_attached", "edit_aborted"]


def on_a_name_nobody_knows(rank: int, folder: Path) -> Any:
    with opened(folder) as memory:
        memory.attach(sharded(), name="m")
        try:
            with memory.edit("nowhere.weight"):
                pass
        except UnknownName as error:
            return error.name
    return None


def test_what_rank_0_refuses_every_rank_raises(ranks, tmp_path):
    assert ranks(on_a_name_nobody_knows, tmp_path) == ["nowhere.weight", "nowhere.weight"]


def on_other_arguments(rank: int, folder: Path) -> Any:
    model = sharded()
    with opened(folder) as memory:
        memory.attach(model, name="m")
        message = ""
        try:
            with memory.edit("mid.weight" if rank else "mid.bias"):
                pass
        except RankError as error:
            message = str(error)
        with memory.edit("mid.bias") as bias:
            bias.zero_()
        return [message, types(memory)]


def test_ranks_that_name_different_weights_are_told_and_can_go_on(ranks, tmp_path):
    for message, recorded in ranks(on_other_arguments, tmp_path):
        assert "mid.bias" in message
        assert "mid.weight" in message
        assert recorded == ["model_attached", "modification"]


def on_other_calls(rank: int, folder: Path) -> Any:
    model = sharded()
    messages = []
    with opened(folder) as memory:
        memory.attach(model, name="m")
        for _ in range(2):
            try:
                if rank:
                    memory.verify_weights()
                else:
                    memory.restore(1)
            except RankError as error:
                messages.append(str(error))
    return messages


def test_ranks_that_make_different_calls_are_out_of_step_for_good(ranks, tmp_path):
    for first, second in ranks(on_other_calls, tmp_path):
        assert "restore" in first
        assert "verify_weights" in first
        assert "out of touch" in second


def on_different_models(rank: int, folder: Path) -> Any:
    from torch.distributed.tensor import Shard, distribute_tensor

    model = nn.Module()
    model.weight = nn.Parameter(distribute_tensor(torch.ones(4, 2), mesh(), [Shard(0)]))
    if rank:
        model.register_buffer("more", torch.zeros(2))
    with opened(folder) as memory:
        try:
            memory.attach(model, name="m")
        except RankError as error:
            return [str(error), types(memory)]
    return None


def test_different_models_are_refused(ranks, tmp_path):
    for message, recorded in ranks(on_different_models, tmp_path):
        assert "'more' is not there on rank 0" in message
        assert recorded == []


# What comes with it


def on_records(rank: int, folder: Path) -> Any:
    model = sharded()
    with opened(folder) as memory:
        memory.attach(model, name="m")
        with memory.act("coin") as act:
            signs = [int(act.flip()) for _ in range(16)]
            memory.record_metrics({"loss": 2.0 + rank}, sample="s")
            with memory.edit("mid.weight", dose=act.coin) as weight:
                weight.mul_(1 + 0.1 * signs[-1])
            handle = memory.record_metrics({"loss": 1.0}, sample="s")
        place = ""
        try:
            place = str(handle.position)
        except BatchError as error:
            place = str(error)
        return [signs, types(memory), [e.metrics["loss"] for e in events(memory) if hasattr(e, "metrics")], place]


def test_what_every_rank_records_is_recorded_once_and_coins_fall_alike(ranks, tmp_path):
    zero, one = ranks(on_records, tmp_path)
    assert zero[0] == one[0]
    assert len(set(zero[0])) == 2
    assert zero[1] == ["model_attached", "metrics_recorded", "modification", "metrics_recorded"]
    assert zero[2] == [2.0, 1.0]
    assert zero[3] == "4"
    assert "recorded by rank 0" in one[3]


def on_gathered_parameters(rank: int, folder: Path) -> Any:
    model = sharded()
    tokens = torch.arange(7)
    with opened(folder) as memory:
        memory.attach(model, name="m")
        model(tokens)
        with memory.edit("embed.weight") as weight:
            weight.zero_()
        model(tokens)
        model.reshard()
        return [float(whole(model.embed.weight).abs().sum()), types(memory)]


def test_an_edit_after_a_forward_reaches_the_shards_and_not_the_gathered_copy(ranks, tmp_path):
    for left, recorded in ranks(on_gathered_parameters, tmp_path):
        assert left == 0
        assert recorded == ["model_attached", "coupled_modification"]


def on_unannounced_writes(rank: int, folder: Path) -> Any:
    model = sharded()
    with opened(folder) as memory:
        memory.attach(model, name="m", baseline="full")
        before = bits(model)
        if rank:
            model.embed.weight.detach().to_local().view(-1)[0] = 5.0
        (found,) = memory.verify_weights()
        refused = ""
        with torch.no_grad():
            model.mid.weight.mul_(2)
        try:
            memory.restore(1)
        except PalimpsestError as error:
            refused = str(error)
        memory.restore(1, record_unannounced=True)
        write = events(memory)[1]
        return [types(memory), found.event_type, write.change.elements_changed, refused, bits(model) == before]


def test_a_write_nobody_announced_on_one_rank_is_found_measured_and_taken_back(ranks, tmp_path):
    for recorded, kind, elements, refused, back in ranks(on_unannounced_writes, tmp_path):
        assert recorded == ["model_attached", "unattributed_write", "unattributed_write", "restored"]
        assert kind == "unattributed_write"
        assert elements == 1
        assert "mid.weight" in refused
        assert back


def on_earlier_states(rank: int, folder: Path) -> Any:
    model = sharded()
    first = {name: held.clone() for name, held in ((n, whole(p)) for n, p in model.named_parameters())}
    with opened(folder) as memory:
        memory.attach(model, name="m")
        with memory.edit("head.weight") as weight:
            weight.add_(1)
        earlier = memory.at(1)
        same = {name: torch.equal(earlier[name], held) for name, held in first.items()}
        tied = torch.equal(earlier["head.weight"], first["embed.weight"])
        difference = [(entry.key, entry.kind) for entry in memory.diff(1).entries]
        path = memory.export(1, folder / "first.safetensors")
        report = memory.verify()
    from safetensors.torch import load_file

    return [
        same,
        tied,
        len(earlier),
        difference,
        torch.equal(load_file(path)["embed.weight"], first["embed.weight"]),
        report.ok,
    ]


def test_earlier_states_are_whole_tensors_on_every_rank(ranks, tmp_path):
    for same, tied, names, difference, exported, fine in ranks(on_earlier_states, tmp_path):
        assert all(same.values())
        assert tied
        assert names == 5
        assert difference == [["embed.weight", "changed"]]
        assert exported
        assert fine


def on_a_record_of_one_process(rank: int, folder: Path) -> Any:
    model = sharded()
    with opened(folder) as memory:
        memory.attach(model, name="m")
        begun = types(memory)
        memory.restore(2)
        return [begun, types(memory)[-1], fingerprints(model)["embed.weight"]]


def test_a_record_made_in_one_process_goes_on_in_several_and_back(ranks, tmp_path):
    model = plain()
    with opened(tmp_path) as memory:
        memory.attach(model, name="m")
        with memory.edit("embed.weight") as weight:
            weight.mul_(2)
        edited = fingerprint(model.embed.weight)
        memory.restore(1)
    for begun, last, now in ranks(on_a_record_of_one_process, tmp_path):
        assert begun == ["model_attached", "coupled_modification", "restored"]
        assert last == "restored"
        assert now == edited
    with opened(tmp_path) as memory:
        memory.attach(model, name="m")
        assert types(memory)[-1] == "model_attached"
        assert events(memory)[-1].state_of is not None


def on_declared_rows(rank: int, folder: Path) -> Any:
    model = sharded()
    with opened(folder) as memory:
        memory.attach(model, name="m")
        with memory.edit("embed.weight", rows=[1]) as weight:
            if rank == 0:
                weight.to_local()[1] += 1
        message = ""
        try:
            with memory.edit("embed.weight", rows=[1]) as weight:
                if rank:
                    weight.to_local()[0] += 1
        except EditError as error:
            message = str(error)
        return [types(memory), events(memory)[1].change.rows_changed, message]


def test_rows_are_those_of_the_whole_tensor(ranks, tmp_path):
    for recorded, changed, message in ranks(on_declared_rows, tmp_path):
        assert recorded == ["model_attached", "coupled_modification", "edit_aborted"]
        assert changed == 1
        assert "row 4 outside the rows it declared" in message


def test_a_world_of_one_process_is_edited_like_any_other(tmp_path):
    import torch.distributed as dist
    from torch.distributed.tensor import Shard, distribute_tensor

    store = dist.FileStore(str(tmp_path / "store"), 1)
    dist.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        model = nn.Module()
        grid = dist.init_device_mesh("cpu", (1,))
        model.weight = nn.Parameter(distribute_tensor(torch.ones(4, 2), grid, [Shard(0)], src_data_rank=None))
        with opened(tmp_path) as memory:
            memory.attach(model, name="m")
            with memory.act("double") as act, memory.edit("weight") as weight:
                weight.mul_(2)
            assert events(memory)[-1].digests_after == {"weight": fingerprint(torch.full((4, 2), 2.0))}
            act.undo()
            assert torch.equal(model.weight.to_local(), torch.ones(4, 2))
    finally:
        dist.destroy_process_group()


def on_a_rank_that_dies(rank: int, folder: Path) -> Any:
    model = sharded()
    before = bits(model)
    with opened(folder) as memory:
        memory.attach(model, name="m")
        message = ""
        try:
            with memory.edit("embed.weight") as weight:
                weight.to_local().mul_(3)
                if rank:
                    os._exit(1)
        except RankError as error:
            message = str(error)
        again = ""
        try:
            memory.verify_weights()
        except RankError as error:
            again = str(error)
        return [message, bits(model) == before, again]


def test_a_rank_that_dies_inside_an_edit_leaves_the_others_as_they_were(ranks, tmp_path):
    survivor, dead = ranks(on_a_rank_that_dies, tmp_path)
    assert dead is None
    message, put_back, again = survivor
    assert "cannot be reached" in message
    assert put_back
    assert "out of touch" in again
