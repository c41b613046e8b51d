"""Weights spread over processes: each process answers of what it holds, says so, and never waits for another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard
from torch.distributed.tensor.debug import CommDebugMode
from torch.testing._internal.distributed.fake_pg import FakeStore

from introspection import UnsupportedStorage, WeightInspector

torch.set_num_threads(1)


@pytest.fixture
def mesh() -> Iterator[DeviceMesh]:
    """Two processes of which only this one exists: asking the other would be seen, and answered with rubbish."""
    dist.init_process_group("fake", rank=0, world_size=2, store=FakeStore())
    try:
        yield init_device_mesh("cpu", (2,))
    finally:
        dist.destroy_process_group()


@pytest.fixture
def inspector(mesh: DeviceMesh) -> WeightInspector:
    """A weight of which this process holds the first half, twice, one that is whole everywhere, and a pending sum."""
    model = nn.Module()
    weights = {
        "sharded": (torch.arange(6.0).view(2, 3), Shard(0)),
        "like_it": (-torch.arange(6.0).view(2, 3), Shard(0)),
        "other_way": (torch.ones(4, 2), Shard(1)),
        "whole": (torch.ones(4, 3), Replicate()),
        "pending": (torch.ones(4, 3), Partial()),
    }
    for name, (local, placement) in weights.items():
        model.register_parameter(
            name, nn.Parameter(DTensor.from_local(local, mesh, [placement], run_check=False), requires_grad=False)
        )
    return WeightInspector(model)


def test_statistics_are_of_this_processes_shard_and_say_so(inspector: WeightInspector) -> None:
    found = inspector.get_weight_statistics("sharded")
    assert found["shape"] == [4, 3]
    assert (found["scope"], found["local_shape"], found["num_elements"]) == ("shard", [2, 3], 6)
    assert found["mean"] == 2.5
    assert inspector.get_weight_statistics("whole")["scope"] == "whole"
    assert "local_shape" not in inspector.get_weight_statistics("whole")
    assert inspector.get_weight_statistics("pending")["scope"] == "partial"


def test_nothing_is_asked_of_other_processes(inspector: WeightInspector) -> None:
    with CommDebugMode() as asked:
        inspector.get_weight_statistics(["sharded", "whole", "pending"])
        inspector.get_weight_distribution("sharded")
        inspector.compare_weights("sharded", "like_it")
        inspector.find_similar_weights("sharded")
        inspector.detect_anomalies()
        inspector.get_weight_summary(read_values=True)
        inspector.list_parameters()
    assert asked.get_total_counts() == 0


def test_shards_laid_out_alike_are_compared_and_others_are_not(inspector: WeightInspector) -> None:
    found = inspector.compare_weights("sharded", "like_it")
    assert (found["comparable"], found["cosine"], found["first"]["scope"]) == (True, -1.0, "shard")
    apart = inspector.compare_weights("sharded", "whole")
    assert (apart["comparable"], apart["reason"]) == (False, "this process holds different parts of them")
    found = inspector.find_similar_weights("sharded")
    assert [entry["name"] for entry in found["similar"]] == ["like_it"]
    assert {entry["name"] for entry in found["without_score"]} == {"pending", "whole"}


def test_a_shard_is_never_exported_as_the_whole(inspector: WeightInspector, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedStorage, match="only a shard"):
        inspector.export_weights(tmp_path / "w.safetensors")
    assert list(tmp_path.iterdir()) == []
