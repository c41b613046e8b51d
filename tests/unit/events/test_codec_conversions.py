from __future__ import annotations

import dataclasses
import datetime
import enum
from collections import OrderedDict, namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from memory.errors import InvalidPayload, PayloadTooLarge
from memory.events import build, decode, encode
from memory.events.observations import MetricsRecorded, Observation


class Colour(enum.Enum):
    RED = "red"


Point = namedtuple("Point", "x y")  # a tuple with names is what users pass


@dataclasses.dataclass
class Result:
    score: float


def stored(data: Any) -> Any:
    payload = build(Observation, obs_type="discovery", category="c", data=data)
    return decode("observation", 1, encode(payload)).data


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.float32(0.1), float(np.float32(0.1))),
        (np.float16(0.5), 0.5),
        (np.int64(-3), -3),
        (np.bool_(True), True),
        (np.array([[1, 2], [3, 4]], dtype=np.int8), [[1, 2], [3, 4]]),
        (np.str_("a"), "a"),
        (torch.tensor(1.5), 1.5),
        (torch.nn.Parameter(torch.tensor([1.0, 2.0], dtype=torch.bfloat16)), [1.0, 2.0]),
        (torch.tensor([True, False]), [True, False]),
        ((1, (2,)), [1, [2]]),
        (Point(1, 2), [1, 2]),
        (Colour.RED, "red"),
        ({Colour.RED: 1}, {"red": 1}),
        (OrderedDict(b=1, a=2), {"a": 2, "b": 1}),
        (datetime.datetime(2026, 1, 2, 3, 4, 5, 6, datetime.UTC), "2026-01-02T03:04:05.000006+00:00"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (Path("a/b"), "a/b"),
        (2**64, 2**64),
        (-(2**63), -(2**63)),
    ],
)
def test_what_converts_exactly_is_converted(given: Any, expected: Any) -> None:
    back = stored({"v": given})["v"]
    assert back == expected
    assert type(back) is type(expected)


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"a": {1, 2}}, "data.a"),
        ({"a": [0, b"x"]}, "data.a[1]"),
        ({"a": {"b c": object()}}, "data.a['b c']"),
        ({"a": print}, "data.a"),
        ({"a": 1j}, "data.a"),
        ({"a": Result(1.0)}, "data.a"),
        ({"a": datetime.timedelta(1)}, "data.a"),
        ({"a": np.array([1j])}, "data.a"),
        ({"a": np.array([object()])}, "data.a"),
        ({"a": np.datetime64("2026-01-01")}, "data.a"),
        ({"a": torch.empty(2, device="meta")}, "data.a"),
        ({"a": torch.zeros(2).to_sparse()}, "data.a"),
        ({"a": {1: "x"}}, "data.a"),
        ({"a": {"red": 1, Colour.RED: 2}}, "data.a"),
        ({"a": 10**5000}, "data.a"),
        (np.zeros(2_000_000, dtype=np.int8), "data"),
    ],
)
def test_what_does_not_is_refused_by_its_path_with_a_remedy(data: Any, path: str) -> None:
    with pytest.raises(InvalidPayload) as caught:
        stored(data)
    assert caught.value.path == path
    assert caught.value.remedy


def test_data_that_contains_itself_is_refused() -> None:
    loop: dict[str, Any] = {}
    loop["self"] = [loop]
    with pytest.raises(InvalidPayload, match="contains itself"):
        stored(loop)


def test_data_shared_but_not_cyclic_is_stored() -> None:
    part = [1]
    assert stored([part, part]) == [[1], [1]]


def test_data_nested_too_deep_is_refused_and_the_limit_itself_is_stored() -> None:
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    assert stored(deep) == deep
    with pytest.raises(InvalidPayload, match="levels deep"):
        stored([deep])


def test_data_that_expands_without_end_is_refused_soon() -> None:
    bomb: Any = "x" * 1000
    for _ in range(30):
        bomb = [bomb] * 10
    with pytest.raises(PayloadTooLarge):
        stored(bomb)


def test_a_text_of_a_hundred_megabytes_is_refused() -> None:
    with pytest.raises(PayloadTooLarge):
        stored({"a": "x" * 100_000_000})
    payload = build(Observation, obs_type="discovery", category="c", description="x" * 70_000_000)
    with pytest.raises(PayloadTooLarge):
        encode(payload)


def test_later_changes_to_the_data_do_not_reach_the_payload() -> None:
    data = {"a": [1]}
    payload = build(Observation, obs_type="discovery", category="c", data=data)
    data["a"].append(2)
    assert payload.data == {"a": [1]}


@pytest.mark.parametrize("value", [True, "1", None, [1], 2**60 + 1, 10**400, np.array([1.0, 2.0]), np.bool_(True)])
def test_a_number_refuses_what_is_none_or_not_exact(value: Any) -> None:
    with pytest.raises(InvalidPayload) as caught:
        build(MetricsRecorded, metrics={"loss": value})
    assert caught.value.path == "metrics.loss"


@pytest.mark.parametrize("value", [1, np.float32(0.5), np.int8(3), torch.tensor(2.0), 2**60])
def test_a_number_accepts_scalars_of_python_numpy_and_torch(value: Any) -> None:
    assert build(MetricsRecorded, metrics={"loss": value}).metrics["loss"] == float(value)


def test_a_plain_float_field_refuses_nan() -> None:
    with pytest.raises(InvalidPayload) as caught:
        build(Observation, obs_type="discovery", category="c", importance=float("nan"))
    assert caught.value.path == "importance"


def test_a_missing_and_an_unknown_field_are_named() -> None:
    with pytest.raises(InvalidPayload, match="obs_type: this field is required"):
        build(Observation, category="c")
    with pytest.raises(InvalidPayload, match="colour: there is no such field"):
        build(Observation, obs_type="discovery", category="c", colour=1)
