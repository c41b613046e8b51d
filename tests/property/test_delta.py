"""Deltas over random states, edits, shapes and damage: there and back to the bit, and never out of bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from memory.errors import CorruptionError
from memory.weights.changed import changed_ranges
from memory.weights.delta import apply, describe, encode, verify
from memory.weights.keyframes import decode_keyframe, encode_keyframe

Bytes = NDArray[np.uint8]
RELAXED = settings(max_examples=60, deadline=None)
EDITS = ("nothing", "elements", "rows", "steps", "wide steps", "anything", "columns")
MARGIN = 64


@dataclass(frozen=True)
class Case:
    """Two states and what an encoder is told of them."""

    before: Bytes
    after: Bytes
    width: int
    row_bytes: int


@st.composite
def cases(draw: st.DrawFn) -> Case:
    width = draw(st.sampled_from([1, 2, 4, 8, 16]))
    rows, columns = draw(st.integers(0, 300)), draw(st.sampled_from([1, 3, 8, 64, 129, 500]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    unit = min(width, 8)
    shape = (rows, columns * width // unit)
    before = random.integers(0, 256, (*shape, unit), dtype=np.uint8).view(f"<u{unit}").reshape(shape)
    after = before.copy()
    for edit in draw(st.lists(st.sampled_from(EDITS), min_size=1, max_size=2)):
        change(after, edit, random)
    return Case(before.reshape(-1).view(np.uint8), after.reshape(-1).view(np.uint8), width, columns * width)


def change(bits: NDArray[np.unsignedinteger], edit: str, random: np.random.Generator) -> None:
    unsigned, reach = bits.dtype.type, min(127, np.iinfo(bits.dtype).max)
    steps = random.integers(1, reach, bits.shape).astype(unsigned)
    if edit == "elements":
        bits[random.random(bits.shape) < random.choice([0.001, 0.05, 0.2])] += unsigned(1)
    elif edit == "rows":
        bits[random.random(len(bits)) < 0.1] += unsigned(3)
    elif edit == "steps":
        bits += random.integers(0, random.choice([2, 4, 16]), bits.shape).astype(unsigned)
    elif edit == "wide steps":
        bits += np.where(random.random(bits.shape) < 0.5, steps, unsigned(0) - steps).astype(unsigned)
    elif edit == "anything":
        bits ^= (
            random.integers(0, 256, (*bits.shape, bits.itemsize), dtype=np.uint8).view(bits.dtype).reshape(bits.shape)
        )
    elif edit == "columns":
        bits[:, :2] -= unsigned(1)


@RELAXED
@given(case=cases(), block=st.sampled_from([16, 1 << 10, 1 << 20]))
def test_there_and_back_whatever_lies_outside_the_ranges(case: Case, block: int) -> None:
    ranges = changed_ranges(case.before, case.after, block=block)
    told = np.full_like(case.before, 0xA5)
    for begin, end in ranges:
        told[begin:end] = case.before[begin:end]
    delta = encode(told, case.after, ranges=ranges, width=case.width, row_bytes=case.row_bytes)
    assert verify(delta.content, told, case.after, ranges)
    assert describe(delta.content).changed_bytes == delta.changed_bytes
    state = case.before.copy()
    apply(delta.content, state)
    assert state.tobytes() == case.after.tobytes()
    apply(delta.content, state, backward=True)
    assert state.tobytes() == case.before.tobytes()


@RELAXED
@given(case=cases(), data=st.data())
def test_damage_is_refused_or_decodes_within_bounds(case: Case, data: st.DataObject) -> None:
    whole = [(0, len(case.before))]
    content = bytearray(
        encode(case.before, case.after, ranges=whole, width=case.width, row_bytes=case.row_bytes).content
    )
    for _ in range(data.draw(st.integers(1, 3))):
        # Most of the structure is in front.
        within = data.draw(st.sampled_from([16, 64, 200, len(content)]))
        content[data.draw(st.integers(0, min(within, len(content)) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    around = np.full(len(case.before) + 2 * MARGIN, 0x5A, np.uint8)
    target = around[MARGIN : MARGIN + len(case.before)]
    target[:] = case.before
    try:
        apply(bytes(content), target)
    except CorruptionError:
        pass
    else:
        verify(bytes(content), case.before, case.after, whole)
    assert (around[:MARGIN] == 0x5A).all()
    assert (around[MARGIN + len(case.before) :] == 0x5A).all()


@RELAXED
@given(case=cases())
def test_a_delta_is_verified_only_for_its_own_states(case: Case) -> None:
    whole = [(0, len(case.before))]
    content = encode(case.before, case.after, ranges=whole, width=case.width, row_bytes=case.row_bytes).content
    other = case.after.copy()
    if len(other):
        other[len(other) // 2] ^= 1
        assert not verify(content, case.before, other, whole)
    assert verify(content, case.before, case.after, whole)


@RELAXED
@given(case=cases(), data=st.data())
def test_keyframes_come_back_and_damage_stays_within_bounds(case: Case, data: st.DataObject) -> None:
    blob = bytearray(encode_keyframe(case.after, width=case.width))
    target = np.empty_like(case.after)
    decode_keyframe(bytes(blob), target)
    assert target.tobytes() == case.after.tobytes()
    blob[data.draw(st.integers(0, len(blob) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        decode_keyframe(bytes(blob), target)
    except CorruptionError:
        return
