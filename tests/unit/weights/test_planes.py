"""Integers as byte planes: whatever they are they come back, and what was never packed is refused."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from memory.errors import CorruptionError
from memory.weights.planes import pack, pack_positions, unpack, unpack_positions
from memory.weights.positions import Marks
from memory.weights.reader import Reader
from memory.weights.workspace import Workspace

RANDOM = np.random.default_rng(0)


def packed(values: NDArray[Any]) -> bytes:
    return b"".join(pack(values, Workspace()))


def to_the_end(reader: Reader, count: int) -> None:
    unpack(reader, count, 4, Workspace())
    reader.end()


def integers(width: int, count: int, reach: int) -> NDArray[Any]:
    drawn = RANDOM.integers(-reach, reach, count, endpoint=True)
    return drawn.astype(f"<i{width}").view(f"<u{width}")


@pytest.mark.parametrize("width", [1, 2, 4, 8])
@pytest.mark.parametrize("count", [1, 2, 3, 63, 64, 1000, 1 << 17])
@pytest.mark.parametrize("reach", [0, 1, 7, 8, 100, 127])
def test_integers_come_back(width: int, count: int, reach: int) -> None:
    values = integers(width, count, reach)
    content = packed(values)
    assert len(content) <= values.nbytes + 20
    reader = Reader(content, "test")
    assert np.array_equal(unpack(reader, count, width, Workspace()), values)
    reader.end()


def test_integers_of_which_only_the_last_is_far_from_the_others_come_back() -> None:
    values = np.zeros(10_000, "<u4")
    values[-1] = 1 << 20
    assert np.array_equal(unpack(Reader(packed(values), "test"), len(values), 4, Workspace()), values)


@pytest.mark.parametrize("share", [0.001, 0.003, 0.02, 0.05, 0.3, 1.0])
@pytest.mark.parametrize("count", [5, 100, 70_003])
def test_marks_are_found_however_many_there_are(share: float, count: int) -> None:
    values = np.where(RANDOM.random(count) < share, RANDOM.integers(1, 1 << 16, count), 0).astype("<u2")
    marks = Marks(values, Workspace())
    assert np.array_equal(marks.positions(), np.flatnonzero(values))
    assert marks.count == np.count_nonzero(values)


@pytest.mark.parametrize(("last", "width"), [(200, 1), (60_000, 2), (1 << 30, 4), (1 << 40, 8)])
def test_positions_come_back_and_none_may_be_beyond_the_end(last: int, width: int) -> None:
    where = np.array([3, 4, 50, last])
    content = b"".join(pack_positions(where, 0, Workspace()))
    assert content[0] == width
    assert np.array_equal(unpack_positions(Reader(content, "test"), 4, last + 1, Workspace()), where)
    with pytest.raises(CorruptionError, match="place"):
        unpack_positions(Reader(content, "test"), 4, last, Workspace())


@pytest.mark.parametrize("count", [990, 1010])
@pytest.mark.parametrize("reach", [1, 7, 40, 1 << 15])
def test_another_number_of_integers_than_was_packed_is_refused(count: int, reach: int) -> None:
    content = packed(integers(4, 1000, reach) * np.uint32(3))
    with pytest.raises(CorruptionError):
        to_the_end(Reader(content, "test"), count)


@pytest.mark.parametrize(
    "content",
    [
        b"\x07",
        b"\x01" + struct.pack("<q", 128),
        b"\x00\x04",
        b"\x00\x03" + struct.pack("<I", 0),
        b"\x00\x03" + struct.pack("<I", 2) + b"\x01\x01" + struct.pack("<q", 1) + b"\x00\x05",
        b"\x00\x03" + struct.pack("<I", 1) + b"\x03\x01" + struct.pack("<q", 1) + b"\x00\x05",
        b"\x00\x03" + struct.pack("<I", 1) + b"\x01\x01" + struct.pack("<q", 0) + b"\x00\x05",
        b"\x00\x02" + struct.pack("<I", 4) + b"zstd",
    ],
    ids=["layout", "base", "kind", "no patches", "many patches", "width of gaps", "no gap", "frame"],
)
def test_what_was_never_packed_is_refused(content: bytes) -> None:
    with pytest.raises(CorruptionError, match="test is damaged"):
        unpack(Reader(content, "test"), 64, 1, Workspace())
