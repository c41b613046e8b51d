"""The distribution of a weight: exact counts, far percentiles, shape and tails."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from introspection import InvalidArgument, WeightInspector, distribution, radix

torch.set_num_threads(1)


@pytest.mark.parametrize("small", [-1, 1 << 16])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_everything_is_numpys_and_scipys(dtype: torch.dtype, small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distribution, "SMALL", small)
    # Chunks whose means differ, of lengths that differ.
    monkeypatch.setattr(radix, "CHUNK_ELEMENTS", 300)
    torch.manual_seed(0)
    model = nn.Linear(50, 40, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.randn(40, 50).exp())
    model.to(dtype)
    found = WeightInspector(model).get_weight_distribution("weight", bins=11)
    exact = model.weight.detach().double().numpy().ravel()
    counts, edges = np.histogram(exact, bins=11)
    assert found["histogram"]["counts"] == counts.tolist()
    assert found["histogram"]["bin_edges"] == edges.tolist()
    assert found["histogram"]["density"] == pytest.approx(np.histogram(exact, bins=11, density=True)[0].tolist())
    assert found["skewness"] == pytest.approx(stats.skew(exact), rel=1e-10)
    assert found["excess_kurtosis"] == pytest.approx(stats.kurtosis(exact), rel=1e-10)
    for percent in (0.1, 1, 5, 25, 50, 75, 95, 99, 99.9):
        assert found["percentiles"][f"{percent:g}"] == pytest.approx(np.percentile(exact, percent), rel=1e-12)
    away = np.abs(exact - exact.mean()) / exact.std(ddof=1)
    assert found["beyond_sigma"] == {"3": (away >= 3).mean(), "6": (away >= 6).mean()}
    assert found["outside"] == [0, 0]
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_limits_of_ones_own_count_what_lies_outside() -> None:
    model = nn.Module()
    model.weight = nn.Parameter(torch.tensor([-5.0, 0.0, 0.5, 1.0, 1.5, 9.0]))
    found = WeightInspector(model).get_weight_distribution("weight", bins=2, limits=(0.0, 1.0))
    assert found["histogram"]["counts"] == [1, 2]
    assert found["outside"] == [1, 2]
    for limits in ((1.0, 0.0), (0.0, math.inf), (math.nan, 1.0)):
        with pytest.raises(InvalidArgument, match="limits"):
            WeightInspector(model).get_weight_distribution("weight", limits=limits)


def test_constants_and_nothing_have_no_shape() -> None:
    model = nn.Module()
    model.register_buffer("same", torch.full((4,), 0.1))
    model.register_buffer("none", torch.full((4,), math.nan))
    inspector = WeightInspector(model)
    same, none = inspector.get_weight_distribution("same"), inspector.get_weight_distribution("none")
    assert same["skewness"] is same["excess_kurtosis"] is none["mean"] is None
    assert same["beyond_sigma"] == {"3": 0.0, "6": 0.0}
    assert (none["nan_count"], none["histogram"]["counts"]) == (4, [])


def test_aliases_and_module_paths_work_as_for_statistics() -> None:
    model = nn.Module()
    model.embed = nn.Embedding(5, 3)
    model.head = nn.Linear(3, 5)
    model.head.weight = model.embed.weight
    inspector = WeightInspector(model)
    assert inspector.get_weight_distribution("embed")["shared_with"] == ["head.weight"]
    assert list(inspector.get_weight_distribution("head")) == ["head.bias", "head.weight"]
