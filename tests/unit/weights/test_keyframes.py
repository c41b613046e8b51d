"""What a keyframe promises: all bytes back, none that cannot be squeezed squeezed, and no trust in what is stored."""

from __future__ import annotations

import numpy as np
import pytest

from memory.errors import CorruptionError, InvalidArgument
from memory.weights.keyframes import decode_keyframe, encode_keyframe, keyframe_size

RANDOM = np.random.default_rng(0)
STATES = {
    "weights": (RANDOM.normal(0, 0.02, 700_000).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16),
    "fp32": RANDOM.normal(0, 0.02, 300_000).astype(np.float32),
    "noise": RANDOM.integers(0, 256, 2_100_001, dtype=np.uint8),
    "zeros": np.zeros(1 << 20, np.uint16),
    "few": np.arange(40_000, dtype=np.uint64) % 7,
    "one": np.array([-0.0]),
    "empty": np.zeros(0, np.uint16),
}


@pytest.mark.parametrize(
    ("name", "at_least"),
    [("weights", 1.4), ("fp32", 1.1), ("noise", 0.9999), ("zeros", 10_000), ("few", 16), ("one", 0), ("empty", 0)],
)
def test_every_byte_comes_back(name: str, at_least: float) -> None:
    state = STATES[name]
    raw = state.view(np.uint8)
    blob = encode_keyframe(raw, width=state.itemsize)
    assert len(raw) >= at_least * len(blob)
    assert keyframe_size(blob) == len(raw)
    target = np.full(len(raw), 0xAA, np.uint8)
    decode_keyframe(blob, target)
    assert target.tobytes() == raw.tobytes()


def test_a_keyframe_that_is_cut_off_anywhere_is_refused() -> None:
    raw = STATES["few"][:1000].view(np.uint8)
    blob = encode_keyframe(raw, width=8)
    for length in range(len(blob)):
        with pytest.raises(CorruptionError):
            decode_keyframe(blob[:length], np.empty(len(raw), np.uint8))
    with pytest.raises(CorruptionError, match="left over"):
        decode_keyframe(blob + b"\0", np.empty(len(raw), np.uint8))


def test_a_target_of_another_length_is_refused_and_untouched() -> None:
    raw = STATES["weights"].view(np.uint8)
    target = np.full(len(raw) - 2, 0xAA, np.uint8)
    with pytest.raises(CorruptionError, match="bytes"):
        decode_keyframe(encode_keyframe(raw, width=2), target)
    assert (target == 0xAA).all()


def test_arguments_that_do_not_fit_are_refused() -> None:
    raw = np.zeros(6, np.uint8)
    for width in (3, 4):
        with pytest.raises(InvalidArgument, match="width"):
            encode_keyframe(raw, width=width)
    with pytest.raises(InvalidArgument, match="contiguous"):
        encode_keyframe(raw[::2], width=1)
    raw.flags.writeable = False
    with pytest.raises(InvalidArgument, match="read-only"):
        decode_keyframe(encode_keyframe(raw, width=1), raw)
