"""What a model is told of its acts: what was measured of it, compared on one sample."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from introspection import SharingMap
from memory import MemorySystem


@pytest.fixture
def memory() -> Iterator[MemorySystem]:
    with MemorySystem(":memory:") as opened:
        for name in ("one", "two"):
            opened.attach(SharingMap.from_relations(names=["w"], same=[]), name=name)
        yield opened


def metrics_told(memory: MemorySystem) -> object:
    (act,) = json.loads(memory.agent_tools(model="one").call("get_recent_acts"))["acts"]
    return act["metrics_before_after"]


def test_an_outcome_stands_beside_the_baseline_of_its_own_model_and_sample(memory: MemorySystem) -> None:
    with memory.act():
        for sample, loss in (("s", 1.0), ("t", 3.0)):
            memory.record_metrics({"loss": loss}, model="one", sample=sample)
        memory.record_modification("w", {}, model="one")
        for model, sample, loss in (("one", "s", 0.5), ("one", "u", 7.0), ("two", "s", 9.0)):
            memory.record_metrics({"loss": loss}, model=model, sample=sample)
    assert metrics_told(memory) == {"loss": [1, 0.5]}


def test_a_baseline_on_another_sample_is_left_out(memory: MemorySystem) -> None:
    with memory.act():
        memory.record_metrics({"loss": 1.0}, model="one", sample="s")
        memory.record_modification("w", {}, model="one")
        memory.record_metrics({"loss": 7.0}, model="one", sample="u")
    assert metrics_told(memory) == {"loss": [None, 7]}
