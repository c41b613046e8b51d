"""Ties that code breaks without a word, in the wild: sharding in two groups, making a meta model real."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import nn


@pytest.fixture
def world(tmp_path: Path) -> Iterator[None]:
    """A process group of one."""
    with warnings.catch_warnings():
        # A world of one is told that its collectives do nothing.
        warnings.simplefilter("ignore")
        dist.init_process_group("gloo", store=dist.FileStore(str(tmp_path / "store"), 1), rank=0, world_size=1)
        try:
            yield
        finally:
            dist.destroy_process_group()


def warned_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "is gone" in record.getMessage()]


@pytest.mark.usefixtures("world")
def test_a_tie_that_sharding_in_two_groups_cuts_is_warned_of_and_on_record(memory, model, events, caplog):
    from torch.distributed.fsdp import fully_shard

    memory.attach(model, name="sharded")
    fully_shard(model.embed)
    fully_shard(model.head)
    fully_shard(model)
    memory.record_modification("head.weight")
    (change,) = events("sharing_changed")
    assert change.payload.untied == (("embed.weight", "head.weight"),)
    assert change.payload.vanished == (("embed.weight", "head.weight"),)
    (words,) = warned_of(caplog)
    assert "the tie between embed.weight and head.weight is gone" in words
    # And what is written from now on reaches one of the two.
    assert events("modification")[0].payload.primary_layer == "head.weight"
    assert events("coupled_modification") == []


@pytest.mark.usefixtures("world")
def test_a_tie_that_sharding_in_one_group_keeps_is_no_change(memory, model, events, caplog):
    from torch.distributed.fsdp import fully_shard

    memory.attach(model, name="sharded")
    fully_shard(model)
    memory.record_modification("head.weight")
    assert [change.payload.untied for change in events("sharing_changed")] in ([], [()])
    assert warned_of(caplog) == []
    assert events("coupled_modification")[0].payload.coupled_layers == ("embed.weight",)


def test_a_tie_that_making_a_meta_model_real_cuts_is_warned_of_and_on_record(memory, events, caplog):
    with torch.device("meta"):
        model = nn.ModuleDict({"embed": nn.Embedding(6, 4), "head": nn.Linear(4, 6, bias=False)})
    model["head"].weight = model["embed"].weight
    memory.attach(model, name="meta")
    model.to_empty(device="cpu")
    memory.record_modification("head.weight")
    assert events("sharing_changed")[0].payload.vanished == (("embed.weight", "head.weight"),)
    assert len(warned_of(caplog)) == 1
    # Once told, it is known.
    memory.record_modification("head.weight")
    assert len(events("sharing_changed")) == len(warned_of(caplog)) == 1
