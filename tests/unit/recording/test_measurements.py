from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from memory.errors import InvalidPayload


def test_numbers_of_every_kind_are_stored_faithfully(memory, attached, events):
    memory.record_metrics(
        {
            "nan": float("nan"),
            "inf": float("inf"),
            "down": -math.inf,
            "zero": -0.0,
            "tiny": 5e-324,
            "int": 3,
            "numpy": np.float64(0.1),
            "numpy32": np.float32(0.1),
            "torch": torch.tensor(0.1, dtype=torch.float64),
            "scalar": torch.tensor([[7]])[0, 0],
        }
    )
    stored = events("metrics_recorded")[0].payload.metrics
    assert math.isnan(stored["nan"])
    assert (stored["inf"], stored["down"], stored["tiny"]) == (math.inf, -math.inf, 5e-324)
    assert math.copysign(1, stored["zero"]) == -1
    assert (stored["int"], stored["numpy"], stored["torch"], stored["scalar"]) == (3.0, 0.1, 0.1, 7.0)
    assert stored["numpy32"] == float(np.float32(0.1))


@pytest.mark.parametrize(
    "metrics",
    [
        {},
        {"loss": "1.0"},
        {"loss": True},
        {"loss": None},
        {"loss": 2**70 + 1},
        {"loss": torch.ones(2)},
        {"loss": 1 + 2j},
        {3: 1.0},
        {"NUL\x00": 1.0},
        [("loss", "x")],
        "loss",
        None,
    ],
)
def test_what_is_no_measurement_is_refused_before_anything_is_written(memory, attached, types, metrics):
    with pytest.raises(InvalidPayload):
        memory.record_metrics(metrics)
    with pytest.raises(InvalidPayload):
        memory.record_layer_statistics("std", metrics)
    assert types() == []


@pytest.mark.parametrize("name", ["", "x" * 201])
def test_a_metric_has_a_short_name(memory, attached, types, name):
    with pytest.raises(InvalidPayload):
        memory.record_metrics({name: 1.0})
    assert types() == []


def test_statistics_of_a_name_no_map_knows_are_kept_and_quarantined(memory, attached):
    memory.record_layer_statistics("std", {"head.weight": 1.0, "elsewhere": math.inf})
    memory.consolidate()
    rows = memory.query_sql("SELECT layer_name, value, special, quarantined FROM layer_statistics ORDER BY layer_name")
    assert [tuple(row.values())[:3] for row in rows] == [("elsewhere", None, "Infinity"), ("head.weight", 1.0, None)]
    assert [bool(row["quarantined"]) for row in rows] == [True, False]


def test_an_observation_keeps_its_data_exactly(memory, attached, events):
    data = {"n": float("nan"), "big": 2**80, "array": np.arange(3), "nested": {"$float": ["x"]}, "none": None}
    memory.record_observation("hypothesis", "c", "seen", data, tags=("a", "b"), importance=1)
    stored = events("observation")[0].payload
    assert math.isnan(stored.data["n"])
    assert stored.data | {"n": 0} == {
        "n": 0,
        "big": 2**80,
        "array": [0, 1, 2],
        "nested": {"$float": ["x"]},
        "none": None,
    }
    assert (stored.tags, stored.importance) == (("a", "b"), 1.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"obs_type": "no such type"},
        {"category": ""},
        {"category": None},
        {"description": "\x00"},
        {"data": {"set": {1, 2}}},
        {"data": {1: 2}},
        {"tags": "abc"},
        {"importance": -0.1},
        {"importance": float("nan")},
    ],
)
def test_an_observation_that_cannot_be_stored_is_refused(memory, attached, types, wrong):
    with pytest.raises(InvalidPayload):
        memory.record_observation(**{"obs_type": "discovery", "category": "c"} | wrong)
    assert types() == []


@pytest.mark.parametrize(
    "wrong", [{"derived_from": "loss"}, {"better": "up"}, {"smallest_effect": -1.0}, {"smallest_effect": math.inf}]
)
def test_a_metric_that_means_nothing_is_refused(memory, attached, types, wrong):
    with pytest.raises(InvalidPayload):
        memory.define_metric("perplexity", **wrong)
    assert types() == []


def test_a_metric_is_defined_for_every_model_unless_one_is_named(memory, attached, events):
    memory.define_metric("loss", better="lower")
    memory.define_metric("loss", better="lower", model="tied")
    assert [event.model for event in events("metric_defined")] == [None, "tied"]
