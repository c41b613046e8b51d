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
from memory import MemorySystem
from memory.errors import BatchError, EditError, PalimpsestError, RankError, UnknownName

SCRIPT = Path(__file__).with_name("rank_script.py")
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
                    self._start()
                    pytest.fail(f"rank {sorted({0, 1} - set(found))} gave no answer in {PATIENCE} s: it hangs")
                for key, _ in ready:
                    line = key.fileobj.readline()
                    found[key.data] = json.loads(line) if line else None
                    waiting.unregister(key.fileobj)
        if None in found.values():
            self.stop()
            self._start()
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
        setattr(model, name, nn.Parameter(distribute_tensor(whole, grid, [placement]), requires_grad=floating))
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
    return MemorySystem(folder / "research.db")


# Attaching


def on_attach(rank: int, folder: Path) -> Any:
    model = sharded()
    with opened(folder) as memory:
        attached = memory.attach(model, name="m")
        return {
            "types": types(memory),
            "states": {s.key: [s.fingerprint, s.shape, s.names] for s in events(memory)[0].storages},
            "sharing": attached.sharing.digest,
            "wanted": fingerprints(plain()),
        }


def test_attaching_is_one_event_that_speaks_of_whole_tensors(ranks, tmp_path):
    for told in ranks(on_attach, tmp_path):
        assert told["types"] == ["model_attached"]
        assert {key: state[0] for key, state in told["states"].items()} == {
            key: told["wanted"][key] for key in ("embed.weight", "mid.weight", "mid.bias", "steps")
        }
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
