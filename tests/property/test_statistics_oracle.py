"""Statistics of any values in any dtype, layout and way of counting, against numpy in float64."""

from __future__ import annotations

import itertools
import json
import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from introspection import distribution, radix, tally
from introspection.statistics import tensor_statistics

torch.set_num_threads(1)

INTEGERS = (torch.int8, torch.uint8, torch.int16, torch.uint16, torch.int32, torch.int64)
EIGHT_BITS = (torch.float8_e4m3fn, torch.float8_e5m2)
FLOATS = (torch.bfloat16, torch.float16, torch.float32, torch.float64)
DTYPES = (*FLOATS, *EIGHT_BITS, *INTEGERS, torch.bool, torch.complex64)
NUMBERS = st.one_of(
    st.floats(-4, 4),
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(-300, 300).map(float),
    st.sampled_from([0.0, -0.0, math.inf, -math.inf, math.nan, 1e-7, -1e-7, 5e-324, 1e300, -1.7e308, 3.4e38]),
)


@st.composite
def tensors(draw: st.DrawFn) -> torch.Tensor:
    """A tensor of up to some dozens of elements, often with repeated values, in some strides."""
    dtype = draw(st.one_of(st.sampled_from(FLOATS), st.sampled_from(DTYPES)))
    if dtype in INTEGERS:
        limits = torch.iinfo(dtype)
        elements = st.one_of(st.integers(limits.min, limits.max), st.integers(0, 3))
    elif dtype is torch.bool:
        elements = st.booleans()
    else:
        elements = NUMBERS
    pool = draw(st.lists(elements, min_size=1, max_size=12))
    chosen = draw(st.lists(st.sampled_from(pool), max_size=60))
    tensor = torch.tensor(chosen, dtype=torch.float64 if dtype in (*FLOATS, *EIGHT_BITS) else dtype).to(dtype)
    if dtype is torch.complex64 and chosen:
        tensor = torch.view_as_complex(torch.stack([tensor.real, tensor.real.flip(0)], dim=-1))
    form = draw(st.integers(0, 4))
    if form == 1:
        return tensor[::2]
    if form == 2 and len(tensor) % 2 == 0:
        return tensor.view(2, -1).t()
    if form == 3:
        return tensor[:, None].expand(-1, 3)
    return tensor


@settings(max_examples=500, deadline=None)
@given(
    tensor=tensors(),
    bins=st.integers(1, 9),
    chunk=st.integers(1, 40),
    sort=st.booleans(),
    near_zero=st.sampled_from([0.0, 1e-6, 1.0, 1e40]),
)
def test_every_statistic_is_numpys(tensor: torch.Tensor, bins: int, chunk: int, sort: bool, near_zero: float) -> None:
    with pytest.MonkeyPatch.context() as small:
        small.setattr(tally, "CHUNK_ELEMENTS", chunk)
        small.setattr(radix, "CHUNK_ELEMENTS", chunk)
        small.setattr(radix, "GATHERED", 3 * chunk)
        small.setattr(distribution, "SMALL", 1000 if sort else -1)
        found = tensor_statistics(tensor, bins=bins, near_zero=near_zero)
    json.dumps(found, allow_nan=False)

    numbers = tensor.to(torch.complex128).abs() if tensor.is_complex() else tensor.to(torch.float64)
    everything = numbers.reshape(-1).numpy()
    finite = everything[np.isfinite(everything)]
    assert found["num_elements"] == len(everything)
    assert found["nan_count"] == np.isnan(everything).sum()
    assert found["inf_count"] == np.isinf(everything).sum()
    assert found["finite_count"] == len(finite)
    if not len(finite):
        assert found["mean"] is found["std"] is found["max"] is found["median"] is None
        return
    assert found["zero_share"] == (finite == 0).sum() / len(everything)
    assert found["near_zero_share"] == (np.abs(finite) < near_zero).sum() / len(everything)
    assert (found["min"], found["max"]) == (finite.min(), finite.max())
    check_order(found, finite, bins)
    check_moments(found, finite)


def check_order(found: dict, finite: np.ndarray, bins: int) -> None:
    ordered = np.sort(finite)
    for percent in (5, 25, 50, 75, 95):
        place = percent / 100 * (len(ordered) - 1)
        low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
        expected = low if low == high else low * (1 - place % 1) + high * (place % 1)
        assert found["percentiles"][str(percent)] == expected
    assert found["median"] == found["percentiles"]["50"]
    counts, edges = found["histogram"]["counts"], np.array(found["histogram"]["bin_edges"])
    assert sum(counts) == len(finite)
    assert len(edges) == len(counts) + 1 == bins + 1
    within = [(finite >= low) & (finite < high) for low, high in itertools.pairwise(edges)]
    within[-1] |= finite == edges[-1]
    assert counts == [int(inside.sum()) for inside in within]
    width = finite.max() / bins - finite.min() / bins
    constant = finite.max() == finite.min() and abs(finite.max()) < 1e6
    if constant or (math.isfinite(float(width) * bins) and width > 1e-9 * np.abs(finite).max()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            expected_counts, expected_edges = np.histogram(finite, bins=bins)
        assert edges.tolist() == expected_edges.tolist()
        assert counts == expected_counts.tolist()


def check_moments(found: dict, finite: np.ndarray) -> None:
    # numpy's own sums overflow where ours do not: the oracle divides first, by a power of two.
    scale = 2.0 ** (math.frexp(np.abs(finite).max())[1] - 1) if finite.any() else 1.0
    scaled = finite / scale
    largest = np.abs(scaled).max()
    expected = {
        "mean": scaled.mean(),
        "std": scaled.std(ddof=1) if len(scaled) > 1 else 0.0,
        "abs_mean": np.abs(scaled).mean(),
        "l1_norm": np.abs(scaled).sum(),
        "l2_norm": np.linalg.norm(scaled),
    }
    for key, value in expected.items():
        number = found[key]
        if number is None:
            assert abs(value) > 1e308 / scale
        else:
            assert number == pytest.approx(value * scale, rel=1e-12, abs=max(1e-13 * largest * scale, 5e-324))
    assert found["frobenius_norm"] == found["l2_norm"]
