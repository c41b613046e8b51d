"""Fingerprints of tensors that are not simply dense: of all that their values follow from, and of nothing else."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from introspection import UnsupportedStorage
from introspection.fingerprint import block_digests, combine_blocks, dense_fingerprint, fingerprint
from introspection.quick_fingerprint import device_fingerprint, quick_fingerprint, quick_fingerprints

torch.set_num_threads(1)

Fingerprint = Callable[[torch.Tensor], str]


@pytest.fixture(params=[fingerprint, quick_fingerprint, device_fingerprint], ids=["identity", "quick", "device"])
def look(request: pytest.FixtureRequest) -> Fingerprint:
    return request.param


def quantised(scale: float = 0.1, zero_point: int = 3, dtype: torch.dtype = torch.qint8) -> torch.Tensor:
    with warnings.catch_warnings():
        # These dtypes are to be removed from torch one day; models that have them exist.
        warnings.simplefilter("ignore", UserWarning)
        return torch.quantize_per_tensor(torch.arange(12.0).view(3, 4) / 10, scale, zero_point, dtype)


def quantised_by_channel(scales: list[float], zero_points: list[int], axis: int = 0) -> torch.Tensor:
    values, steps = torch.arange(9.0).view(3, 3), torch.tensor(scales, dtype=torch.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return torch.quantize_per_channel(values, steps, torch.tensor(zero_points), axis, torch.qint8)


def by_channel(integers: torch.Tensor, scales: list[float], axis: int) -> torch.Tensor:
    zero_points = torch.zeros(len(scales), dtype=torch.int64)
    return torch._make_per_channel_quantized_tensor(
        integers, torch.tensor(scales, dtype=torch.float64), zero_points, axis
    )


def test_a_quantised_tensor_is_its_integers_its_scale_and_its_zero_point(look: Fingerprint) -> None:
    tensor = quantised()
    same_integers = torch._make_per_tensor_quantized_tensor(tensor.int_repr(), 0.2, 3)
    other_zero = torch._make_per_tensor_quantized_tensor(tensor.int_repr(), 0.1, 4)
    assert torch.equal(same_integers.int_repr(), tensor.int_repr())
    found = {
        look(each) for each in (tensor, same_integers, other_zero, tensor.int_repr(), quantised(dtype=torch.quint8))
    }
    assert len(found) == 5
    assert look(tensor.clone()) == look(tensor) == look(tensor.t().contiguous().t())


def test_a_write_to_a_quantised_tensor_is_seen(look: Fingerprint) -> None:
    tensor = quantised()
    before = look(tensor)
    tensor[2, 3] = 0.7
    assert look(tensor) != before


def test_the_scales_zero_points_and_axis_of_channels_count(look: Fingerprint) -> None:
    by_row = quantised_by_channel([0.1, 0.2, 0.3], [0, 0, 0])
    otherwise = [
        quantised_by_channel([0.1, 0.2, 0.3], [0, 1, 0]),
        quantised_by_channel([0.1, 0.3, 0.2], [0, 0, 0]),
        # The same integers, read otherwise.
        by_channel(by_row.int_repr(), [0.1, 0.2, 0.31], 0),
        by_channel(by_row.int_repr(), [0.1, 0.2, 0.3], 1),
    ]
    assert len({look(each) for each in otherwise} | {look(by_row)}) == 5
    assert look(by_channel(by_row.int_repr(), [0.1, 0.2, 0.3], 0)) == look(by_row)


def sparse_layouts() -> dict[str, torch.Tensor]:
    dense = torch.zeros(8, 8)
    dense[1, 2], dense[5, 0], dense[7, 7] = 1.0, -2.0, 3.0
    with warnings.catch_warnings():
        # Compressed layouts call themselves beta once a process.
        warnings.simplefilter("ignore", UserWarning)
        return {
            "coo": dense.to_sparse(),
            "csr": dense.to_sparse_csr(),
            "csc": dense.to_sparse_csc(),
            "bsr": dense.to_sparse_bsr((2, 2)),
            "bsc": dense.to_sparse_bsc((2, 2)),
        }


@pytest.mark.parametrize("layout", ["coo", "csr", "csc", "bsr", "bsc"])
def test_a_sparse_tensor_is_its_indices_and_values(look: Fingerprint, layout: str) -> None:
    tensor = sparse_layouts()[layout]
    before = look(tensor)
    assert look(sparse_layouts()[layout]) == look(nn.Parameter(tensor)) == before
    values = tensor._values() if layout == "coo" else tensor.values()
    values.view(-1)[-1] *= -1
    assert look(tensor) != before


def test_sparse_layouts_and_the_dense_tensor_are_told_apart(look: Fingerprint) -> None:
    found = {look(tensor) for tensor in sparse_layouts().values()} | {look(sparse_layouts()["csr"].to_dense())}
    assert len(found) == 6


def test_a_sparse_tensor_moved_by_its_indices_alone_differs(look: Fingerprint) -> None:
    with torch.sparse.check_sparse_tensor_invariants():
        one = torch.sparse_coo_tensor([[0, 1], [1, 2]], [1.0, 2.0], (3, 3))
        other = torch.sparse_coo_tensor([[0, 1], [1, 1]], [1.0, 2.0], (3, 3))
        larger = torch.sparse_coo_tensor([[0, 1], [1, 2]], [1.0, 2.0], (3, 4))
        twice = torch.sparse_coo_tensor([[0, 1, 1], [1, 2, 2]], [1.0, 0.5, 1.5], (3, 3))
    assert len({look(tensor) for tensor in (one, other, larger, twice)}) == 4
    before = look(twice)
    assert not twice.is_coalesced()
    twice._values()[1], twice._values()[2] = 1.5, 0.5
    assert look(twice) != before


def nested(rows: list[torch.Tensor], layout: torch.layout) -> torch.Tensor:
    with warnings.catch_warnings():
        # The nested tensor API calls itself a prototype once a process.
        warnings.simplefilter("ignore", UserWarning)
        return torch.nested.nested_tensor(rows, layout=layout)


@pytest.mark.parametrize("layout", [torch.strided, torch.jagged], ids=["strided", "jagged"])
def test_a_nested_tensor_is_its_rows(look: Fingerprint, layout: torch.layout) -> None:
    rows = [torch.randn(2, 3), torch.randn(4, 3)]
    joined = torch.cat(rows)
    before = look(nested(rows, layout))
    assert look(nested(rows, layout)) == before
    otherwise = [
        nested(rows[::-1], layout),
        nested([joined[:3], joined[3:]], layout),
        nested([rows[0], -rows[1]], layout),
        nested([*rows, torch.randn(0, 3)], layout),
    ]
    assert len({look(each) for each in otherwise} | {before}) == 5


def test_what_a_jagged_tensor_remembers_of_itself_does_not_count(look: Fingerprint) -> None:
    tensor = nested([torch.randn(2, 3), torch.randn(4, 3)], torch.jagged)
    before = look(tensor)
    tensor._get_max_seqlen(), tensor._get_min_seqlen()
    assert "_max_seqlen_tensor" in tensor.__tensor_flatten__()[0]
    assert look(tensor) == before == look(tensor.detach().requires_grad_())


def test_an_mkldnn_tensor_is_its_values(look: Fingerprint) -> None:
    weight = torch.randn(4, 4)
    assert look(weight.to_mkldnn()) == look(weight.clone().to_mkldnn()) != look(weight)
    assert look((-weight).to_mkldnn()) != look(weight.to_mkldnn())


def test_a_wrapper_is_what_it_wraps_and_its_context(look: Fingerprint) -> None:
    class Scaled(torch.Tensor):
        """Integers and a scale, as libraries for quantised weights make them."""

        @staticmethod
        def __new__(cls, data: torch.Tensor, scale: torch.Tensor, group: int) -> Scaled:
            wrapper = torch.Tensor._make_wrapper_subclass(cls, data.shape, dtype=torch.float32)
            wrapper.data_, wrapper.scale_, wrapper.group = data, scale, group
            return wrapper

        def __tensor_flatten__(self) -> tuple[list[str], dict[str, Any]]:
            return ["data_", "scale_"], {
                "group": self.group,
                "requires_grad": self.requires_grad,
                "device": self.device,
            }

        @classmethod
        def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
            raise NotImplementedError(f"{func} of a wrapper")

    data, scale = torch.arange(6, dtype=torch.int8).view(2, 3), torch.tensor([0.5, 0.25])
    before = look(Scaled(data, scale, 3))
    assert look(Scaled(data.t().contiguous().t(), scale.clone(), 3)) == before
    otherwise = [Scaled(data, scale, 4), Scaled(data, scale * 2, 3), Scaled(-data, scale, 3), data]
    assert len({look(each) for each in otherwise} | {before}) == 5
    inner = Scaled(data, scale, 3)
    assert look(Scaled(inner, scale, 3)) != look(Scaled(Scaled(data, scale, 4), scale, 3))


@pytest.fixture
def mesh() -> Iterator[Any]:
    """A device mesh over a world of one."""
    import torch.distributed as dist

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # A world of one is told that its collectives do nothing.
        warnings.simplefilter("ignore")
        dist.init_process_group("gloo", store=dist.FileStore(str(Path(folder, "store")), 1), rank=0, world_size=1)
        try:
            yield dist.init_device_mesh("cpu", (1,))
        finally:
            dist.destroy_process_group()


def test_a_dtensor_is_its_shard_and_says_that_it_is_one(look: Fingerprint, mesh: Any) -> None:
    from torch.distributed.tensor import DTensor, Replicate, Shard

    local = torch.randn(4, 4)
    by_rows = DTensor.from_local(local, mesh, [Shard(0)])
    before = look(by_rows)
    assert look(nn.Parameter(DTensor.from_local(local.clone(), mesh, [Shard(0)]))) == before
    placed_otherwise = [DTensor.from_local(local, mesh, [placement]) for placement in (Shard(1), Replicate())]
    assert len({look(each) for each in (*placed_otherwise, local)} | {before}) == 4
    local[3, 3] = -0.0
    assert look(by_rows) != before


def test_tensors_inside_of_transforms_are_read(look: Fingerprint) -> None:
    weight = torch.randn(3, 2)
    seen = []

    def loss(inside: torch.Tensor) -> torch.Tensor:
        seen.append((look(inside), look(inside.t()), look(weight)))
        return inside.sum()

    for values in (weight, weight.clone(), -weight):
        torch.func.grad(loss)(values)
    assert seen[0] == seen[1]
    assert [one == other for one, other in zip(seen[0], seen[2], strict=True)] == [False, False, True]
    assert seen[0][2] == look(weight)


def test_a_subclass_that_adds_only_behaviour_is_the_dense_tensor_it_is(look: Fingerprint) -> None:
    class Loud(nn.Parameter):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            if func in {torch.Tensor.detach, torch.Tensor.view, torch.Tensor.clone}:
                raise RuntimeError("not this way")
            return super().__torch_function__(func, types, args, kwargs or {})

    weight = torch.randn(3, 2)
    assert look(Loud(weight)) == look(weight)


def test_one_part_without_bytes_leaves_the_whole_without_a_fingerprint(look: Fingerprint) -> None:
    with torch.sparse.check_sparse_tensor_invariants():
        tensor = torch.sparse_coo_tensor([[0, 1]], [1.0, 2.0], (3,))
    tensor._values().untyped_storage().resize_(0)
    with pytest.raises(UnsupportedStorage, match=r"'tensor\.values'.*freed"):
        look(tensor)
    assert quick_fingerprints({"sparse": tensor}) == {"sparse": None}


def test_only_a_dense_tensor_has_blocks() -> None:
    tensor = quantised()
    for ask in (block_digests, dense_fingerprint):
        with pytest.raises(UnsupportedStorage, match=r"'weight'.*qint8"):
            ask(tensor, "weight")
    plain = torch.randn(5)
    assert (
        combine_blocks(plain.dtype, plain.shape, block_digests(plain)) == dense_fingerprint(plain) == fingerprint(plain)
    )


def test_fingerprints_of_several_parts_never_change_between_versions() -> None:
    # They are in logs: another value here means that no recorded history can be verified any more.
    assert {
        "quantised": fingerprint(torch._make_per_tensor_quantized_tensor(torch.arange(6, dtype=torch.int8), 0.5, 1)),
        **{name: fingerprint(tensor) for name, tensor in sparse_layouts().items()},
        "strided": fingerprint(nested([torch.ones(2, 3), torch.zeros(1, 3)], torch.strided)),
        "jagged": fingerprint(nested([torch.ones(2, 3), torch.zeros(1, 3)], torch.jagged)),
    } == {
        "quantised": "5e39f09524dc68748023ea152fc7d2c813ba4d407aefa2eacbc8c65eac2936bf",
        "coo": "6b49290e1ecde079520d7407294b2842cc7cea035dbbfc34d5b9c01934e20e1b",
        "csr": "de5fa9ef913d5fd526990979162276d39e50f9ca02d42354d5641abbe2f9e847",
        "csc": "82b491ecb550a6a3f12cc48a47d0e6b72e3827dc3698216d2fe30b4dff1e2092",
        "bsr": "89983459c398751b10fed72792da62043464f1a0f58f4c903c401679be196d87",
        "bsc": "76f3a2caeb2da70b7637bc9c310e78ac855c9c15b01070e26170d28eb8c5ab55",
        "strided": "1dd06e12e4af95e629f7cc45e3af01e8ce52ad552c0c73e54b66e136a09d77fe",
        "jagged": "bd5ffa25f0e2fafb03bcb8a8971971b27a676f8236de8da34c1c7da801418202",
    }
