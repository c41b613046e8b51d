"""The sharing map against brute force: flip bytes through every name, and see which names' bytes change."""

from __future__ import annotations

import itertools

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from introspection.overlap import Region, byte_count, canonical, shared_byte_count
from introspection.scan import scan_sharing

torch.set_num_threads(1)

BUFFER_BYTES = 64
DTYPES = (torch.uint8, torch.bool, torch.int16, torch.bfloat16, torch.float32, torch.float64, torch.complex64)


@st.composite
def views(draw: st.DrawFn, buffers: list[torch.Tensor]) -> torch.Tensor:
    """A random strided view of a random dtype, somewhere in one of the buffers."""
    buffer = draw(st.sampled_from(buffers))
    dtype = draw(st.sampled_from(DTYPES))
    cells = buffer.view(dtype)
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
    return cells.as_strided(sizes, strides, offset)


@st.composite
def models(draw: st.DrawFn) -> tuple[nn.Module, list[torch.Tensor]]:
    """A module tree whose parameters and buffers are views of a few byte buffers, some registered twice."""
    buffers = [torch.zeros(BUFFER_BYTES, dtype=torch.uint8) for _ in range(draw(st.integers(1, 2)))]
    model, children = nn.Module(), [nn.Module(), nn.Module()]
    for index, child in enumerate(children[: draw(st.integers(0, 2))]):
        model.add_module(f"child{index}", child)
        if draw(st.booleans()):
            model.add_module(f"again{index}", child)
    holders = [model, *model._modules.values()]
    held: list[torch.Tensor] = []
    for index in range(draw(st.integers(1, 6))):
        tensor = draw(st.sampled_from(held)) if held and draw(st.integers(0, 4)) == 0 else draw(views(buffers))
        held.append(tensor)
        holder = draw(st.sampled_from(holders))
        if draw(st.booleans()):
            holder.register_buffer(f"t{index}", tensor)
        else:
            holder.register_parameter(f"t{index}", nn.Parameter(tensor, requires_grad=False))
    return model, buffers


def bytes_met(tensor: torch.Tensor, buffers: list[torch.Tensor]) -> frozenset[tuple[int, int]]:
    """The bytes of the buffers that a write through the whole tensor changes, seen by writing."""
    for buffer in buffers:
        buffer.zero_()
    ones = torch.ones(tensor.element_size(), dtype=torch.uint8).view(tensor.dtype).reshape(())
    # One element at a time: torch refuses to write a view whole in which elements overlap.
    for place in itertools.product(*map(range, tensor.shape)):
        tensor[place] = ones
    return frozenset(
        (index, byte) for index, buffer in enumerate(buffers) for byte in buffer.nonzero().flatten().tolist()
    )


@settings(max_examples=300, deadline=None)
@given(models())
def test_every_relation_of_a_random_model_is_what_writing_through_each_name_shows(
    drawn: tuple[nn.Module, list[torch.Tensor]],
) -> None:
    model, buffers = drawn
    sharing = scan_sharing(model)
    tensors = {
        **dict(model.named_parameters(remove_duplicate=False)),
        **dict(model.named_buffers(remove_duplicate=False)),
    }
    met = {name: bytes_met(tensor.detach(), buffers) for name, tensor in tensors.items()}
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


@settings(max_examples=500, deadline=None)
@given(regions(), regions())
def test_the_overlap_of_two_regions_is_the_number_of_bytes_in_both(first: Region, second: Region) -> None:
    assert byte_count(first) == len(listed(first))
    assert shared_byte_count(first, second) == len(listed(first) & listed(second))
    assert shared_byte_count(second, first) == len(listed(first) & listed(second))
