"""Write capture against brute force: random writes through random views, and which names' bytes were written."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from introspection.capture import WriteCapture

torch.set_num_threads(1)

BUFFER_BYTES = 64
DTYPES = (torch.uint8, torch.int16, torch.bfloat16, torch.float32, torch.float64)


@st.composite
def views(draw: st.DrawFn, buffers: list[torch.Tensor], *, apart: bool) -> torch.Tensor:
    """A random strided view of a random dtype, somewhere in one of the buffers; `apart`: no element twice."""
    cells = draw(st.sampled_from(buffers)).view(draw(st.sampled_from(DTYPES)))
    offset = draw(st.integers(0, cells.numel()))
    room, sizes, strides = cells.numel() - offset, [], []
    extent = 1
    for _ in range(draw(st.integers(0, 3))):
        stride = extent * draw(st.integers(1, 3)) if apart else draw(st.integers(0, 9))
        most = 5 if stride == 0 else 1 + max(0, room - 1) // stride
        size = draw(st.integers(0 if draw(st.integers(0, 5)) == 0 else 1, max(1, min(5, most))))
        room -= stride * max(0, size - 1)
        extent += stride * max(0, size - 1)
        sizes.append(size)
        strides.append(stride)
    if room <= 0:
        sizes.append(0)
        strides.append(1)
    order = draw(st.permutations(range(len(sizes))))
    return cells.as_strided([sizes[at] for at in order], [strides[at] for at in order], offset)


@dataclass
class Write:
    """One way to write a tensor, and the elements it writes."""

    run: Callable[[torch.Tensor], object]
    elements: Callable[[torch.Tensor], list[tuple[int, ...]]]


def every(tensor: torch.Tensor) -> list[tuple[int, ...]]:
    return list(itertools.product(*map(range, tensor.shape)))


def reinterpreted(tensor: torch.Tensor) -> torch.Tensor:
    """The same bytes as bytes, where torch can view them so."""
    return tensor.view(torch.uint8) if tensor.dim() and tensor.stride(-1) == 1 else tensor


def whole(run: Callable[[torch.Tensor], object]) -> st.SearchStrategy[Write]:
    return st.just(Write(run, every))


@st.composite
def partial(draw: st.DrawFn) -> Write:
    """A write of some of a tensor's elements, told in plain Python."""
    seed = draw(st.integers(0, 2**16))
    kind = draw(st.sampled_from(["mask", "masked_fill", "rows", "item", "slice", "index_fill", "index_add", "scatter"]))

    def chosen(tensor: torch.Tensor) -> list[tuple[int, ...]]:
        generator = torch.Generator().manual_seed(seed)
        return [place for place in every(tensor) if torch.rand((), generator=generator) < 0.3]

    def mask(tensor: torch.Tensor) -> torch.Tensor:
        marked = torch.zeros(tensor.shape, dtype=torch.bool)
        for place in chosen(tensor):
            marked[place] = True
        return marked

    def row(tensor: torch.Tensor) -> int:
        return seed % tensor.shape[0]

    def of_row(tensor: torch.Tensor) -> list[tuple[int, ...]]:
        return [place for place in every(tensor) if place[0] == row(tensor)]

    def usable(tensor: torch.Tensor) -> bool:
        return tensor.dim() > 0 and tensor.shape[0] > 0

    def on_row(run: Callable[[torch.Tensor, int], object]) -> Write:
        return Write(
            lambda tensor: run(tensor, row(tensor)) if usable(tensor) else None,
            lambda tensor: of_row(tensor) if usable(tensor) else [],
        )

    def scatter(tensor: torch.Tensor, at: int) -> object:
        return tensor.scatter_(0, torch.full((1, *tensor.shape[1:]), at), 1)

    return {
        "mask": Write(lambda tensor: tensor.__setitem__(mask(tensor), 1), chosen),
        "masked_fill": Write(lambda tensor: tensor.masked_fill_(mask(tensor), 1), chosen),
        "rows": on_row(lambda tensor, at: tensor.__setitem__([at], 1)),
        "item": on_row(lambda tensor, at: tensor.__setitem__(at, 1)),
        "slice": on_row(lambda tensor, at: tensor.narrow(0, at, 1).zero_()),
        "index_fill": on_row(lambda tensor, at: tensor.index_fill_(0, torch.tensor([at]), 1)),
        "index_add": on_row(
            lambda tensor, at: tensor.index_add_(0, torch.tensor([at]), torch.ones_like(tensor.narrow(0, at, 1)))
        ),
        "scatter": on_row(scatter),
    }[kind]


WRITES: st.SearchStrategy[Write] = st.one_of(
    whole(lambda tensor: tensor.zero_()),
    whole(lambda tensor: tensor.add_(1)),
    whole(lambda tensor: tensor.add_(0)),
    whole(lambda tensor: tensor.copy_(torch.ones_like(tensor))),
    whole(lambda tensor: torch._foreach_add_([tensor], 1)),
    whole(lambda tensor: tensor.t().fill_(3) if tensor.dim() == 2 else tensor.fill_(3)),
    whole(lambda tensor: torch.add(tensor, 1, out=tensor)),
    whole(lambda tensor: reinterpreted(tensor).fill_(1)),
    partial(),
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[nn.Module, list[torch.Tensor], list[list[tuple[torch.Tensor, Write]]]]:
    """A model of views of a few buffers, and steps of writes through other views of them."""
    buffers = [torch.zeros(BUFFER_BYTES, dtype=torch.uint8) for _ in range(draw(st.integers(1, 2)))]
    model, held = nn.Module(), []
    for index in range(draw(st.integers(1, 6))):
        tensor = held[0] if held and draw(st.integers(0, 4)) == 0 else draw(views(buffers, apart=False))
        held.append(tensor)
        model.register_buffer(f"t{index}", tensor)
    elsewhere = torch.zeros(BUFFER_BYTES, dtype=torch.uint8)
    written = views([*buffers, elsewhere], apart=True)
    steps = draw(st.lists(st.lists(st.tuples(written, WRITES), min_size=1, max_size=3), min_size=1, max_size=3))
    return model, [*buffers, elsewhere], steps


def bytes_of(tensor: torch.Tensor, places: list[tuple[int, ...]]) -> set[int]:
    """Addresses of the bytes of some elements, by arithmetic of their own."""
    width = tensor.element_size()
    begin = tensor.untyped_storage().data_ptr() + tensor.storage_offset() * width
    return {
        begin + sum(at * stride for at, stride in zip(place, tensor.stride(), strict=True)) * width + byte
        for place in places
        for byte in range(width)
    }


@settings(max_examples=400, deadline=None)
@given(cases())
def test_the_names_reported_are_those_whose_bytes_were_written(
    drawn: tuple[nn.Module, list[torch.Tensor], list[list[tuple[torch.Tensor, Write]]]],
) -> None:
    model, buffers, steps = drawn
    viewed = {name: bytes_of(tensor, every(tensor)) for name, tensor in model.named_buffers(remove_duplicate=False)}
    expected: list[set[str]] = []
    announced: list[str] = []

    def on_write(keys: tuple[str, ...]) -> None:
        announced.extend(keys)

    with WriteCapture(model, on_write=on_write, verify_each_step=True) as capture:
        for writes in steps:
            met: set[str] = set()
            for tensor, write in writes:
                before = [buffer.clone() for buffer in buffers]
                written = bytes_of(tensor, write.elements(tensor))
                write.run(tensor)
                # The oracle itself is checked: no byte changed that it does not say was written.
                assert changed_addresses(before, buffers) <= written
                met |= {name for name, held in viewed.items() if held & written}
            capture.mark_step()
            if met:
                expected.append(met)
    found: dict[int, set[str]] = {}
    for record in capture.writes:
        found.setdefault(record.step, set()).update(record.names)
        assert record.storage_key in record.names
        key_bytes = viewed[record.storage_key]
        assert all(viewed[name] & key_bytes for name in record.names)
    assert [found[step] for step in sorted(found)] == expected
    sharing = capture.sharing_before
    assert len(announced) == sum(len({sharing.storage_key(name) for name in met}) for met in expected)
    assert capture.unattributed == ()


def changed_addresses(before: list[torch.Tensor], after: list[torch.Tensor]) -> set[int]:
    """Addresses of the bytes that differ."""
    return {
        buffer.data_ptr() + byte
        for old, buffer in zip(before, after, strict=True)
        for byte in (old != buffer).nonzero().flatten().tolist()
    }
