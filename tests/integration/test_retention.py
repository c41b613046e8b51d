"""Checkpoints and pruning on every engine, and of every kind of tensor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from memory import MemorySystem
from memory.errors import RestoreError
from memory.weights.live import distinct_elements

torch.set_num_threads(1)


class Odd(nn.Module):
    """Tensors of many dtypes and shapes, some of them views of one another."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        for dtype in (torch.float64, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.complex64):
            self.register_buffer(str(dtype).replace("torch.", "of_"), torch.randn(6, 4).to(dtype))
        self.register_buffer("whole_numbers", torch.arange(24, dtype=torch.uint8).reshape(4, 6))
        self.register_buffer("flags", torch.tensor([True, False, True]))
        self.register_buffer("number", torch.tensor(3.5))
        self.register_buffer("empty", torch.zeros(0, 3))
        self.register_buffer("turned", torch.randn(4, 6).T)
        self.register_buffer("spread", torch.randn(4, 1).expand(4, 5))
        whole = torch.randn(10)
        self.register_buffer("first", whole[:6])
        self.register_buffer("second", whole[4:])
        self.register_buffer("unsaved", torch.randn(3), persistent=False)


def raw(tensor: Tensor) -> bytes:
    content = tensor.detach().clone().contiguous().reshape(-1)
    return content.view(torch.uint8).numpy().tobytes() if content.numel() else b""


def bits(model: nn.Module) -> dict[str, bytes]:
    return {name: raw(tensor) for name, tensor in model.named_buffers()}


def spoil(memory: MemorySystem, model: nn.Module) -> None:
    """Write to every tensor."""
    for name, tensor in model.named_buffers():
        if tensor.numel():
            with memory.edit(name) as shown:
                weight = distinct_elements(shown)
                wide = torch.complex128 if weight.is_complex() else torch.float64
                whole = weight.dtype in (torch.uint8, torch.bool)
                weight.copy_(~weight if whole else (weight.to(wide) * -3).to(weight.dtype))


@pytest.fixture
def memory(database_url: str, tmp_path: Path) -> Any:
    with MemorySystem(database_url, blobs=tmp_path / "blobs") as opened:
        yield opened


def test_a_checkpoint_alone_gives_back_tensors_of_every_kind(memory: MemorySystem) -> None:
    model = Odd()
    memory.attach(model, name="odd")
    held, saved = bits(model), memory.checkpoint()
    spoil(memory, model)
    memory.prune(memory.store.head().position, reason="only the checkpoint is left")
    spoil(memory, model)
    assert bits(model) != held
    memory.checkpoints.restore_checkpoint(saved.checkpoint_id)
    assert bits(model) == held
    report = memory.verify()
    assert report.ok, report.problems


def test_a_boundary_is_kept_whole_of_tensors_of_every_kind(memory: MemorySystem) -> None:
    model = Odd()
    memory.attach(model, name="odd", baseline="full")
    spoil(memory, model)
    held, boundary = bits(model), memory.store.head().position
    spoil(memory, model)
    memory.prune(boundary, reason="room")
    with pytest.raises(RestoreError, match="let go"):
        memory.restore(1)
    memory.restore(boundary)
    assert bits(model) == held
    report = memory.verify()
    assert report.ok, report.problems


def test_deleting_a_checkpoint_keeps_what_depends_on_it(memory: MemorySystem) -> None:
    model = Odd()
    memory.attach(model, name="odd")
    saved = memory.checkpoint(benchmarks={"loss": float("nan")})
    held = bits(model)
    spoil(memory, model)
    later = bits(model), memory.store.head().position
    memory.checkpoints.delete_checkpoint(saved.checkpoint_id, "room")
    memory.restore(saved.position)
    assert bits(model) == held
    memory.restore(later[1])
    assert bits(model) == later[0]
    memory.consolidate()
    tables = ("weight_deltas", "keyframes", "checkpoints")
    live = [memory.query_sql(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in tables]
    memory.rebuild()
    assert [memory.query_sql(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in tables] == live
