"""The codec against random data: what comes back is what went in, bit for bit, and its text is canonical."""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.errors import InvalidPayload
from memory.events import Payload, build, decode, encode
from memory.events.codec import content_digest
from memory.events.observations import MetricsRecorded, Observation

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
KEYS = TEXT | st.sampled_from(["$float", "$int", "$", "$$", "$$float", "$x"])
SCALARS = st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.floats() | TEXT
PLAIN = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=15,
)


def observation(data: Any) -> Observation:
    return build(Observation, obs_type="discovery", category="c", data=data)


def same(left: Any, right: Any) -> bool:
    """Equal in type and value, float bits included; all NaN are one."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return (math.isnan(left) and math.isnan(right)) or struct.pack("d", left) == struct.pack("d", right)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    return bool(left == right)


def decoded(payload: Payload) -> Any:
    return decode(payload.event_type, payload.schema_version, encode(payload))


@settings(max_examples=200)
@given(PLAIN)
def test_user_data_comes_back_exactly(data: Any) -> None:
    assert same(decoded(observation(data)).data, data)


@settings(max_examples=200)
@given(PLAIN)
def test_encoding_what_was_decoded_gives_the_same_text(data: Any) -> None:
    text = encode(observation(data))
    assert encode(decode("observation", 1, text)) == text


@settings(max_examples=100)
@given(PLAIN)
def test_the_text_is_sorted_compact_standard_json(data: Any) -> None:
    text = encode(observation(data))

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is no JSON")

    parsed = json.loads(text, parse_constant=refuse)
    assert orjson.dumps(parsed, option=orjson.OPT_SORT_KEYS).decode() == text


@settings(max_examples=50)
@given(st.dictionaries(TEXT, SCALARS, min_size=2, max_size=5))
def test_the_order_of_keys_does_not_matter(data: dict[str, Any]) -> None:
    assert encode(observation(data)) == encode(observation(dict(reversed(data.items()))))


@settings(max_examples=200)
@given(st.floats())
def test_a_number_keeps_its_bits(value: float) -> None:
    back = decoded(build(MetricsRecorded, metrics={"m": value})).metrics["m"]
    assert same(back, value)


@settings(max_examples=100)
@given(TEXT, st.integers(0, 20), st.sampled_from(["\0", "\ud800", "\udfff"]))
def test_unstorable_characters_are_refused_wherever_they_are(text: str, place: int, bad: str) -> None:
    broken = text[:place] + bad + text[place:]
    with pytest.raises(InvalidPayload) as in_data:
        observation({"a": [broken]})
    assert in_data.value.path == "data.a[0]"
    with pytest.raises(InvalidPayload):
        observation({broken: 1})
    with pytest.raises(InvalidPayload):
        encode(build(Observation, obs_type="discovery", category="c", description=broken))


@settings(max_examples=50)
@given(TEXT, TEXT, TEXT)
def test_content_digests_tell_any_two_contents_apart(kind: str, model: str, text: str) -> None:
    digests = {
        content_digest(kind, model, text),
        content_digest(kind, None, text),
        content_digest(kind, model, text + "x"),
        content_digest(kind + "x", model, text),
        content_digest(kind, model + "x", text),
    }
    assert len(digests) == 5
