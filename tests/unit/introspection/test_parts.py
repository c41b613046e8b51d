"""The plain tensors that hold a tensor's bytes, for every way torch has of making one tensor of others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.distributed
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.distributed.tensor import DTensor, Shard, distribute_tensor, init_device_mesh

from introspection import UnsupportedStorage
from introspection.parts import is_opaque, is_plain, parts

torch.set_num_threads(1)

# What torch says once in a process of layouts and types it calls new, or old.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Sparse .* tensor support is in beta",
    "ignore:torch.quantize_per_tensor, torch.quantize_per_channel",
    "ignore:The PyTorch API of nested tensors",
)


class Pair(torch.Tensor):
    """A wrapper of two tensors that follows the protocol, and tells of more than tensors."""

    @staticmethod
    def __new__(cls, first: torch.Tensor, second: torch.Tensor) -> Pair:
        return torch.Tensor._make_wrapper_subclass(cls, first.shape, dtype=first.dtype)

    def __init__(self, first: torch.Tensor, second: torch.Tensor) -> None:
        self.first, self.second, self.word = first, second, "no tensor"

    def __tensor_flatten__(self) -> tuple[list[str], None]:
        return ["first", "word", "second"], None

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise NotImplementedError(func)


class Envelope(torch.Tensor):
    """A wrapper that does not say what it wraps."""

    @staticmethod
    def __new__(cls, letter: torch.Tensor) -> Envelope:
        return torch.Tensor._make_wrapper_subclass(cls, letter.shape, dtype=letter.dtype)

    def __init__(self, letter: torch.Tensor) -> None:
        self.letter = letter

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise NotImplementedError(func)


@pytest.fixture(scope="module")
def world() -> Iterator[None]:
    """A process group of this process alone."""
    os.environ.update(MASTER_ADDR="localhost")
    store = torch.distributed.HashStore()
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


def paths(tensor: torch.Tensor) -> list[str]:
    """The paths of a tensor's parts, in order."""
    return [path for path, _ in parts(tensor)]


@pytest.mark.parametrize(
    "tensor",
    [
        torch.randn(2, 3),
        torch.randn(2, 3).t(),
        nn.Parameter(torch.randn(2)),
        torch.randn(2, dtype=torch.complex64).conj(),
        torch.empty(0),
        torch.randn(2, device="meta"),
        torch.zeros(3, dtype=torch.bool),
        torch._lazy_clone(torch.randn(2)),
    ],
)
def test_a_plain_tensor_is_its_own_only_part(tensor: torch.Tensor) -> None:
    ((path, part),) = parts(tensor)
    assert path == ""
    assert part is tensor
    assert is_plain(tensor)


def test_a_plain_subclass_and_a_fake_tensor_are_their_own_part_though_not_plain() -> None:
    class Tagged(torch.Tensor):
        pass

    with FakeTensorMode():
        fake = torch.randn(2)
    for tensor in (torch.randn(2).as_subclass(Tagged), fake):
        assert [(path, part is tensor) for path, part in parts(tensor)] == [("", True)]
        assert not is_plain(tensor)


def test_a_wrapper_is_what_it_wraps_by_the_names_of_its_attributes() -> None:
    first, second = torch.randn(2), torch.randn(3)
    assert [(path, part) for path, part in parts(Pair(first, second))] == [("first", first), ("second", second)]


def test_wrappers_in_wrappers_are_opened_down_to_plain_tensors() -> None:
    values = torch.eye(3).to_sparse_csr()
    inner = Pair(torch.randn(2), values)
    assert paths(Pair(inner, torch.randn(1))) == [
        "first.first",
        "first.second.crow_indices",
        "first.second.col_indices",
        "first.second.values",
        "second",
    ]


def test_a_wrapper_that_does_not_say_what_it_wraps_is_opened_all_the_same() -> None:
    letter = torch.randn(2)
    ((path, part),) = parts(Envelope(letter))
    assert (path, part is letter) == ("letter", True)


def test_a_distributed_tensor_is_its_local_shard(world: None) -> None:
    mesh = init_device_mesh("cpu", (1,))
    weight = nn.Parameter(distribute_tensor(torch.randn(4, 2), mesh, [Shard(0)]))
    assert isinstance(weight, DTensor)
    ((path, part),) = parts(weight)
    assert path == "_local_tensor"
    assert part.data_ptr() == weight.to_local().data_ptr()


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        (torch.sparse_coo, ["indices", "values"]),
        (torch.sparse_csr, ["crow_indices", "col_indices", "values"]),
        (torch.sparse_csc, ["ccol_indices", "row_indices", "values"]),
        (torch.sparse_bsr, ["crow_indices", "col_indices", "values"]),
        (torch.sparse_bsc, ["ccol_indices", "row_indices", "values"]),
    ],
)
def test_a_sparse_tensor_is_its_indices_and_values(layout: torch.layout, expected: list[str]) -> None:
    block = (2, 2) if layout in (torch.sparse_bsr, torch.sparse_bsc) else None
    sparse = nn.Parameter(torch.eye(4).to_sparse(layout=layout, blocksize=block))
    assert paths(sparse) == expected
    values = dict(parts(sparse))["values"]
    assert not values.requires_grad
    values.zero_()
    assert sparse.to_dense().count_nonzero() == 0


def test_a_jagged_tensor_is_its_values_and_offsets() -> None:
    values = torch.randn(6, 3)
    nested = torch.nested.nested_tensor_from_jagged(values, torch.tensor([0, 2, 6]))
    held = dict(parts(nested))
    assert held["_values"].data_ptr() == values.data_ptr()
    assert held["_offsets"].tolist() == [0, 2, 6]


def test_a_nested_tensor_is_its_buffer_or_its_rows_where_they_are_not_end_to_end() -> None:
    nested = torch.nested.nested_tensor([torch.randn(2, 3), torch.randn(4, 3)])
    assert [(path, part.numel()) for path, part in parts(nested)] == [("values", 18)]
    assert [(path, part.shape) for path, part in parts(nested.transpose(1, 2))] == [("0", (3, 2)), ("1", (3, 4))]


@pytest.mark.parametrize("dtype", [torch.qint8, torch.quint8, torch.qint32])
def test_a_quantised_tensor_is_its_integers(dtype: torch.dtype) -> None:
    quantised = torch.quantize_per_tensor(torch.tensor([1.0, 2.0]), 0.5, 0, dtype)
    ((path, part),) = parts(quantised)
    assert path == "int_repr"
    assert part.tolist() == quantised.int_repr().tolist()
    part.fill_(8)
    assert quantised.dequantize().tolist() == [4.0, 4.0]


def test_scales_by_channel_are_parts_of_a_quantised_tensor() -> None:
    scales = torch.tensor([0.5, 0.25])
    quantised = torch.quantize_per_channel(torch.randn(2, 3), scales, torch.zeros(2), 0, torch.qint8)
    held = dict(parts(quantised))
    assert list(held) == ["int_repr", "q_per_channel_scales", "q_per_channel_zero_points"]
    held["q_per_channel_scales"].zero_()
    assert quantised.dequantize().count_nonzero() == 0


def test_elements_that_share_a_byte_are_given_as_the_bytes_they_are_packed_in() -> None:
    quantised = torch.quantize_per_channel(torch.randn(2, 4), torch.ones(2), torch.zeros(2), 0, torch.quint4x2)
    packed = dict(parts(quantised))["packed"]
    assert (packed.dtype, packed.numel()) == (torch.uint8, 4)


def test_what_a_transform_has_wrapped_is_found_inside_it() -> None:
    weight, seen = torch.randn(3), []

    def loss(inside: torch.Tensor) -> torch.Tensor:
        seen.extend(parts(inside))
        return inside.sum()

    torch.func.grad(loss)(weight)
    torch.func.vmap(torch.func.grad(loss))(weight.view(1, 3))
    torch.func.functionalize(loss)(weight)
    assert [path for path, _ in seen] == ["functorch", "functorch.functorch", "functional"]
    assert {part.data_ptr() for _, part in seen} == {weight.data_ptr()}


def test_what_is_not_initialised_yet_has_no_parts() -> None:
    layer = nn.LazyLinear(3)
    assert parts(layer.weight) == ()
    assert parts(nn.UninitializedBuffer()) == ()


def test_bytes_behind_an_opaque_handle_cannot_be_had_and_the_error_says_what_to_do() -> None:
    opaque = torch.randn(4, 4).to_mkldnn()
    assert is_opaque(opaque)
    with pytest.raises(UnsupportedStorage, match=r"opaque(.|\n)*to_dense"):
        parts(opaque)


def test_taking_a_lazy_clone_apart_does_not_copy_it() -> None:
    weight = torch.randn(100)
    clone = torch._lazy_clone(weight)
    parts(Pair(clone, weight))
    assert torch._C._is_cow_tensor(weight)
    assert torch._C._is_cow_tensor(clone)
