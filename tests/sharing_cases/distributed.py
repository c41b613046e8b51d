"""Sharded tensors: DTensor, FSDP2, tensor parallel and DDP, in a world of one over a file store."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn

from .case import Holder, case, embedding_and_head


@contextmanager
def _world() -> Iterator[object]:
    """A process group of one, and its device mesh."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # A world of one is told that its collectives do nothing.
        warnings.simplefilter("ignore")
        dist.init_process_group("gloo", store=dist.FileStore(str(Path(folder, "store")), 1), rank=0, world_size=1)
        try:
            yield dist.init_device_mesh("cpu", (1,))
        finally:
            dist.destroy_process_group()


@case(same=[["embed.weight", "head.weight"]])
def one_dtensor_under_two_names() -> Iterator[nn.Module]:
    from torch.distributed.tensor import Shard, distribute_tensor

    with _world() as mesh:
        model = embedding_and_head()
        model.embed.weight = model.head.weight = nn.Parameter(
            distribute_tensor(model.embed.weight.detach(), mesh, [Shard(0)])
        )
        yield model


@case()
def two_dtensors() -> Iterator[nn.Module]:
    from torch.distributed.tensor import Replicate, distribute_tensor

    with _world() as mesh:
        yield Holder(
            a=distribute_tensor(torch.randn(4, 4), mesh, [Replicate()]),
            b=distribute_tensor(torch.randn(4, 4), mesh, [Replicate()]),
        )


@case(same=[["a", "b", "local"]])
def two_dtensors_of_one_local_tensor() -> Iterator[nn.Module]:
    from torch.distributed.tensor import DTensor, Replicate, Shard

    with _world() as mesh:
        local = torch.randn(4, 4)
        yield Holder(
            a=DTensor.from_local(local, mesh, [Shard(0)]), b=DTensor.from_local(local, mesh, [Replicate()]), local=local
        )


@case(partial={("local", "rows"): 32})
def a_dtensor_of_some_rows() -> Iterator[nn.Module]:
    from torch.distributed.tensor import DTensor, Shard

    with _world() as mesh:
        local = torch.randn(4, 4)
        yield Holder(rows=DTensor.from_local(local[1:3], mesh, [Shard(0)]), local=local)


@case(same=[["embed.weight", "head.weight"]])
def fsdp2_with_the_tie_in_one_group() -> Iterator[nn.Module]:
    from torch.distributed.fsdp import fully_shard

    with _world() as mesh:
        model = embedding_and_head()
        fully_shard(model, mesh=mesh)
        yield model


@case()
def fsdp2_with_the_tie_split_over_two_groups() -> Iterator[nn.Module]:
    from torch.distributed.fsdp import fully_shard

    with _world() as mesh:
        model = embedding_and_head()
        for part in (model.embed, model.head, model):
            fully_shard(part, mesh=mesh)
        yield model


@case()
def fsdp2_without_a_tie() -> Iterator[nn.Module]:
    from torch.distributed.fsdp import fully_shard

    with _world() as mesh:
        model = embedding_and_head(tied=False)
        fully_shard(model, mesh=mesh)
        yield model


@case(same=[["embed.weight", "head.weight"]])
def fsdp2_gathered() -> Iterator[nn.Module]:
    from torch.distributed.fsdp import fully_shard

    with _world() as mesh:
        model = embedding_and_head()
        fully_shard(model, mesh=mesh)
        model.unshard()
        yield model
        model.reshard()


@case(same=[["embed.weight", "head.weight"]])
def fsdp2_on_meta_and_made_real_by_to_empty() -> Iterator[nn.Module]:
    from torch.distributed.fsdp import fully_shard

    with _world() as mesh:
        model = embedding_and_head("meta")
        fully_shard(model, mesh=mesh)
        yield model.to_empty(device="cpu")


_FSDP1 = "_fsdp_wrapped_module."


@case(same=[[f"{_FSDP1}embed.weight", f"{_FSDP1}head.weight"]])
def fsdp1_with_its_original_parameters() -> Iterator[nn.Module]:
    from torch.distributed.fsdp import FullyShardedDataParallel

    with _world():
        yield FullyShardedDataParallel(embedding_and_head(), device_id=torch.device("cpu"), use_orig_params=True)


@case(names=[f"{_FSDP1}_flat_param"])
def fsdp1_as_one_flat_parameter() -> Iterator[nn.Module]:
    from torch.distributed.fsdp import FullyShardedDataParallel

    with _world():
        yield FullyShardedDataParallel(embedding_and_head(), device_id=torch.device("cpu"))


@case()
def tensor_parallel_cuts_a_tie() -> Iterator[nn.Module]:
    from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

    with _world() as mesh:
        model = embedding_and_head()
        yield parallelize_module(model, mesh, {"embed": RowwiseParallel(), "head": ColwiseParallel()})


@case(same=[["module.embed.weight", "module.head.weight"]])
def distributed_data_parallel() -> Iterator[nn.Module]:
    with _world():
        yield nn.parallel.DistributedDataParallel(embedding_and_head())
