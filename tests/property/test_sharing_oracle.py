"""The sharing map against brute force: flip bytes through every name, and see which names' bytes change.

`SHARING_EXAMPLES=20000 pytest tests/property/test_sharing_oracle.py` looks at more models than the usual run.
"""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from introspection.overlap import Region, Work, byte_count, canonical, share_any, shared_byte_count
from introspection.scan import SharingScanner, scan_sharing

torch.set_num_threads(1)

EXAMPLES = int(os.environ.get("SHARING_EXAMPLES", "300"))
MEMORY_BYTES = 96
DTYPES = (
    torch.uint8,
    torch.bool,
    torch.int16,
    torch.bfloat16,
    torch.float16,
    torch.float8_e4m3fn,
    torch.float32,
    torch.float64,
    torch.int64,
    torch.complex64,
    torch.complex128,
)


@dataclass(frozen=True)
class Memory:
    """Some bytes that are nobody's, and the ways torch can be given them."""

    bytes: npt.NDArray[np.uint8]
    """The bytes themselves, to be set and read past torch."""
    bases: list[torch.Tensor]
    """Tensors of a storage each, of all the bytes or the last of them: other addresses can be the same bytes."""

    @classmethod
    def of_torch(cls) -> Memory:
        """One storage."""
        base = torch.zeros(MEMORY_BYTES, dtype=torch.uint8)
        return cls(base.numpy(), [base])

    @classmethod
    def of_numpy(cls) -> Memory:
        """An array, and storages that begin at two places in it."""
        array = np.zeros(MEMORY_BYTES, dtype=np.uint8)
        return cls(array, [torch.from_numpy(array), torch.from_numpy(array[32:])])

    @classmethod
    def of_a_file(cls) -> Memory:
        """A file, mapped twice and shared: the same bytes at two addresses."""
        with tempfile.NamedTemporaryFile() as file:
            file.write(bytes(MEMORY_BYTES))
            file.flush()
            maps = [torch.from_file(file.name, shared=True, size=MEMORY_BYTES, dtype=torch.uint8) for _ in range(2)]
        return cls(maps[0].numpy(), maps)


def transposed(draw: st.DrawFn, view: torch.Tensor) -> torch.Tensor:
    """The dimensions in any order."""
    return view.permute(draw(st.permutations(range(view.dim()))))


def narrowed(draw: st.DrawFn, view: torch.Tensor) -> torch.Tensor:
    """Every so many of some of the first dimension."""
    if view.dim() == 0 or len(view) == 0:
        return view
    begin = draw(st.integers(0, len(view) - 1))
    return view[begin : draw(st.integers(begin, len(view))) : draw(st.integers(1, 3))]


def repeated(draw: st.DrawFn, view: torch.Tensor) -> torch.Tensor:
    """A dimension of stride zero more."""
    return view.expand(draw(st.integers(1, 3)), *view.shape)


def windows(draw: st.DrawFn, view: torch.Tensor) -> torch.Tensor:
    """Windows that slide over the last dimension, and so overlap."""
    if view.dim() == 0 or view.shape[-1] == 0:
        return view
    size = draw(st.integers(1, view.shape[-1]))
    return view.unfold(-1, size, draw(st.integers(1, 2)))


def diagonal(draw: st.DrawFn, view: torch.Tensor) -> torch.Tensor:
    """A diagonal of the first two dimensions."""
    return view.diagonal(draw(st.integers(-1, 1))) if view.dim() > 1 else view


def complex_part(draw: st.DrawFn, view: torch.Tensor) -> torch.Tensor:
    """One part of complex numbers, both as a dimension, or their conjugates."""
    if not view.is_complex():
        return view
    if view.is_conj():
        return draw(st.sampled_from([torch.real, torch.imag, torch.conj]))(view)
    return draw(st.sampled_from([torch.real, torch.imag, torch.view_as_real, torch.conj]))(view)


MAKE = (transposed, narrowed, repeated, windows, diagonal, complex_part)


@st.composite
def views(draw: st.DrawFn, memories: list[Memory]) -> torch.Tensor:
    """A random view of a random dtype, somewhere in one of the memories."""
    memory = draw(st.sampled_from(memories))
    cells = draw(st.sampled_from(memory.bases)).view(draw(st.sampled_from(DTYPES)))
    offset = draw(st.integers(0, cells.numel()))
    room, sizes, strides = cells.numel() - offset, [], []
    for _ in range(draw(st.integers(0, 3))):
        stride = draw(st.integers(0, 9))
        most = 5 if stride == 0 else 1 + max(0, room - 1) // stride
        size = draw(st.integers(0 if draw(st.booleans()) else 1, max(1, min(5, most))))
        room -= stride * max(0, size - 1)
        sizes.append(size)
        strides.append(stride)
    if room <= 0:
        sizes.append(0)
        strides.append(1)
    view = cells.as_strided(sizes, strides, offset)
    for make in draw(st.lists(st.sampled_from(MAKE), max_size=2)):
        view = make(draw, view)
    return view


def put(draw: st.DrawFn, model: nn.Module, name: str, tensor: torch.Tensor) -> None:
    """Registers a tensor somewhere in a model."""
    holder = draw(st.sampled_from(list(model.modules())))
    if draw(st.booleans()):
        holder.register_buffer(name, tensor, persistent=draw(st.booleans()))
    else:
        holder.register_parameter(name, nn.Parameter(tensor, requires_grad=False))


@st.composite
def models(draw: st.DrawFn) -> tuple[nn.Module, list[Memory]]:
    """A tree of modules, some registered twice, whose parameters and buffers are views of a few memories."""
    kinds = st.sampled_from([Memory.of_torch, Memory.of_torch, Memory.of_numpy, Memory.of_a_file])
    memories = [make() for make in draw(st.lists(kinds, min_size=1, max_size=4))]
    model = nn.Module()
    for index in range(draw(st.integers(0, 4))):
        parents = list(model.modules())
        child = draw(st.sampled_from([nn.Module(), nn.Module(), *parents[1:]]))
        # Only below what does not hold it, so that the tree stays one.
        parent = draw(st.sampled_from([each for each in parents if each not in child.modules()]))
        parent.add_module(f"m{index}", child)
    held: list[torch.Tensor] = []
    for index in range(draw(st.integers(1, 8))):
        tensor = draw(st.sampled_from(held)) if held and draw(st.integers(0, 4)) == 0 else draw(views(memories))
        held.append(tensor)
        put(draw, model, f"t{index}", tensor)
    return model, memories


def tensors_of(model: nn.Module) -> dict[str, torch.Tensor]:
    """Every tensor by every name, as torch tells them."""
    return {
        **dict(model.named_parameters(remove_duplicate=False)),
        **dict(model.named_buffers(remove_duplicate=False)),
    }


def bytes_met(tensor: torch.Tensor, memories: list[Memory]) -> frozenset[tuple[int, int]]:
    """The bytes that a write through the whole tensor changes, seen by writing."""
    for memory in memories:
        memory.bytes[:] = 0
    bits = torch.ones(tensor.element_size(), dtype=torch.uint8).view(tensor.dtype).reshape(())
    # One element at a time: torch refuses to write a view whole in which elements overlap.
    for place in itertools.product(*map(range, tensor.shape)):
        tensor[place] = bits
    return frozenset(
        (index, byte) for index, memory in enumerate(memories) for byte in memory.bytes.nonzero()[0].tolist()
    )


def check(sharing: Any, model: nn.Module, memories: list[Memory]) -> None:
    """Every relation of a map is what writing through each name shows."""
    tensors = tensors_of(model)
    met = {name: bytes_met(tensor.detach(), memories) for name, tensor in tensors.items()}
    assert set(sharing.names) == set(tensors)
    relations = sharing.relations
    for pair in map(frozenset, itertools.combinations(sorted(tensors), 2)):
        one, other = sorted(pair)
        common = met[one] & met[other]
        relation = relations.pop(pair, None)
        if not common:
            assert relation is None, pair
        else:
            assert relation is not None, pair
            assert relation.kind == ("same" if met[one] == met[other] else "partial"), pair
            assert relation.shared_bytes == len(common), pair
    assert not relations
    for name in tensors:
        changed = {other for other in tensors if other != name and met[other] & met[name]}
        assert set(sharing.coupled(name)) == changed


@settings(max_examples=EXAMPLES, deadline=None)
@given(models())
def test_every_relation_of_a_random_model_is_what_writing_through_each_name_shows(
    drawn: tuple[nn.Module, list[Memory]],
) -> None:
    model, memories = drawn
    check(scan_sharing(model), model, memories)


def reset(draw: st.DrawFn, model: nn.Module, view: Callable[[], torch.Tensor]) -> None:
    """Points a tensor somewhere else, the tensor staying the object it is."""
    tensor, other = draw(st.sampled_from(list(tensors_of(model).values()))), view()
    if tensor.dtype == other.dtype and tensor.is_conj() == other.is_conj():
        tensor.data = other


def remove(draw: st.DrawFn, model: nn.Module, view: Callable[[], torch.Tensor]) -> None:
    """Takes a tensor out."""
    holder = draw(st.sampled_from(list(model.modules())))
    for held in (holder._parameters, holder._buffers):
        if held:
            del held[draw(st.sampled_from(list(held)))]
            return


def add(draw: st.DrawFn, model: nn.Module, view: Callable[[], torch.Tensor]) -> None:
    """Registers one more tensor, or another in place of one."""
    put(draw, model, draw(st.sampled_from(["t0", "t1", "new"])), view())


def move(draw: st.DrawFn, model: nn.Module, view: Callable[[], torch.Tensor]) -> None:
    """Moves all that one module holds to another."""
    giver, taker = draw(st.sampled_from(list(model.modules()))), draw(st.sampled_from(list(model.modules())))
    if giver is not taker:
        if taker._parameters.keys() & giver._buffers.keys():
            # torch refuses to register it, and with a parameter and a buffer of one name nothing can be told of either.
            raise KeyError("a parameter has this name")
        taker._buffers.update(giver._buffers)
        giver._buffers.clear()


@settings(max_examples=EXAMPLES, deadline=None)
@given(models(), st.data())
def test_after_random_changes_the_map_of_a_watched_model_is_what_writing_shows(
    drawn: tuple[nn.Module, list[Memory]], data: st.DataObject
) -> None:
    model, memories = drawn
    scanner = SharingScanner(model)
    for change in data.draw(st.lists(st.sampled_from([reset, reset, remove, add, move]), min_size=1, max_size=4)):
        if not tensors_of(model):
            return
        try:
            change(data.draw, model, lambda: data.draw(views(memories)))
        except KeyError:
            # A name that is already taken, by the other kind.
            continue
        check(scanner.current(), model, memories)
        assert scanner.memory_identity() == SharingScanner(model).memory_identity()


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data())
def test_views_on_meta_share_what_the_same_views_of_real_memory_do(data: st.DataObject) -> None:
    memories = [Memory.of_torch(), Memory.of_torch()]
    empty = {
        memory.bases[0].data_ptr(): torch.empty(MEMORY_BYTES, dtype=torch.uint8, device="meta") for memory in memories
    }
    real, meta = nn.Module(), nn.Module()
    for index in range(data.draw(st.integers(1, 6))):
        view = data.draw(views(memories))
        cells = empty[view.untyped_storage().data_ptr()].view(view.dtype)
        real.register_buffer(f"t{index}", view)
        meta.register_buffer(f"t{index}", cells.as_strided(view.shape, view.stride(), view.storage_offset()))
    assert scan_sharing(meta) == scan_sharing(real)


@st.composite
def regions(draw: st.DrawFn) -> Region:
    """A region as a view without `as_strided` could have it, or any other, large enough for whole periods to be cut."""
    width = draw(st.sampled_from([1, 2, 4, 6]))
    dims, stride = [], draw(st.integers(1, 4)) * width
    for _ in range(draw(st.integers(0, 3))):
        count = draw(st.integers(1, 12))
        dims.append((stride, count))
        stride = draw(st.sampled_from([stride * count, stride * (count + 1), stride * count + width, width * 7]))
    return Region(("cpu", 0), draw(st.integers(0, 60)), *canonical(width, dims))


def listed(region: Region) -> set[int]:
    """Every byte of a region, one by one."""
    steps = itertools.product(*(range(0, stride * count, stride) for stride, count in region.dims))
    return {region.start + sum(step) + byte for step in steps for byte in range(region.run)}


@settings(max_examples=max(500, EXAMPLES), deadline=None)
@given(regions(), regions())
def test_the_overlap_of_two_regions_is_the_number_of_bytes_in_both(first: Region, second: Region) -> None:
    assert byte_count(first) == len(listed(first))
    assert shared_byte_count(first, second) == len(listed(first) & listed(second))
    assert shared_byte_count(second, first) == len(listed(first) & listed(second))


@settings(max_examples=max(500, EXAMPLES), deadline=None)
@given(regions(), regions())
def test_the_search_for_one_common_byte_finds_it_exactly_where_there_is_one(first: Region, second: Region) -> None:
    assert share_any(first, second, Work()) is bool(listed(first) & listed(second))


@settings(max_examples=EXAMPLES, deadline=None)
@given(regions(), regions(), st.integers(0, 40))
def test_with_too_little_work_nothing_is_said_rather_than_a_guess(first: Region, second: Region, steps: int) -> None:
    work = Work(steps)
    assert shared_byte_count(first, second, work) in (None, len(listed(first) & listed(second)))
    assert 0 <= work.left <= steps
