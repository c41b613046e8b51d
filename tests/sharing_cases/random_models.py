"""Random models of random views, with the bytes that every name meets: found by writing through it."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from .case import Pair

BUFFER_BYTES = 64
_DTYPES = (torch.uint8, torch.bool, torch.int16, torch.bfloat16, torch.float32, torch.float64, torch.complex64)


@dataclass(frozen=True, slots=True)
class RandomModel:
    """A model, and which of its names share how many bytes."""

    model: nn.Module
    """A tree of modules whose parameters and buffers are views of a few byte buffers."""
    shared: dict[Pair, tuple[str, int]]
    """Every pair that shares bytes, as ('same' | 'partial', bytes)."""


def random_models(count: int, seed: int) -> Iterator[RandomModel]:
    """`count` models, the same ones for one seed; each is to be looked at before the next is asked for."""
    draw = random.Random(seed)
    for _ in range(count):
        model, buffers = _model(draw)
        names = {
            **dict(model.named_parameters(remove_duplicate=False)),
            **dict(model.named_buffers(remove_duplicate=False)),
        }
        met = {name: _met(tensor.detach(), buffers) for name, tensor in names.items()}
        shared = {
            frozenset((one, other)): ("same" if met[one] == met[other] else "partial", len(met[one] & met[other]))
            for one, other in itertools.combinations(met, 2)
            if met[one] & met[other]
        }
        yield RandomModel(model, shared)


def _model(draw: random.Random) -> tuple[nn.Module, list[torch.Tensor]]:
    buffers = [torch.zeros(BUFFER_BYTES, dtype=torch.uint8) for _ in range(draw.randint(1, 2))]
    model, children = nn.Module(), [nn.Module(), nn.Module()]
    for index, child in enumerate(children[: draw.randint(0, 2)]):
        model.add_module(f"child{index}", child)
        if draw.random() < 0.3:
            model.add_module(f"again{index}", child)
    holders: list[nn.Module] = [model, *(child for child in model._modules.values() if child is not None)]
    held: list[torch.Tensor] = []
    for index in range(draw.randint(1, 6)):
        tensor = draw.choice(held) if held and draw.random() < 0.2 else _view(draw, draw.choice(buffers))
        held.append(tensor)
        holder = draw.choice(holders)
        if draw.random() < 0.5:
            holder.register_buffer(f"t{index}", tensor)
        else:
            holder.register_parameter(f"t{index}", nn.Parameter(tensor, requires_grad=False))
    return model, buffers


def _view(draw: random.Random, buffer: torch.Tensor) -> torch.Tensor:
    """A view of any dtype, offset, sizes and strides that fit, repeated and overlapping elements included."""
    cells = buffer.view(draw.choice(_DTYPES))
    offset = draw.randint(0, cells.numel())
    room, sizes, strides = cells.numel() - offset, [], []
    for _ in range(draw.randint(0, 3)):
        stride = draw.randint(0, 9)
        most = 5 if stride == 0 else 1 + max(0, room - 1) // stride
        size = draw.randint(0 if draw.random() < 0.1 else 1, max(1, min(5, most)))
        room -= stride * max(0, size - 1)
        sizes.append(size)
        strides.append(stride)
    if room <= 0:
        sizes.append(0)
        strides.append(1)
    return cells.as_strided(sizes, strides, offset)


def _met(tensor: torch.Tensor, buffers: list[torch.Tensor]) -> frozenset[tuple[int, int]]:
    """The bytes of the buffers that a write through the whole tensor changes."""
    for buffer in buffers:
        buffer.zero_()
    ones = torch.ones(tensor.element_size(), dtype=torch.uint8).view(tensor.dtype).reshape(())
    # One element at a time: torch refuses to write a view whole in which elements overlap.
    for place in itertools.product(*map(range, tensor.shape)):
        tensor[place] = ones
    return frozenset(
        (index, byte) for index, buffer in enumerate(buffers) for byte in buffer.nonzero().flatten().tolist()
    )
