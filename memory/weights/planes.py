"""Integers as byte planes, each kept in the way that makes it small at little cost.

The n-th byte of every integer together is a plane. Weights change by little, so the planes of high bytes are nearly
constant, and low ones hardly compress: apart they are easy, mixed they are neither. The bytes are *signed digits*, each
from -128 to 127: with ordinary bytes -1 is 255 in every plane, and the high planes of small changes of both signs would
hold the signs a second time.

Source: byte planes of weights, Hershcovitch et al., ZipNN, 2024; a constant and patches, Zukowski, Héman, Nes, Boncz,
Super-scalar RAM-CPU cache compression, 2006; zstandard, RFC 8878.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memory.weights.positions import Marks, gaps, positions
from memory.weights.reader import Reader
from memory.weights.workspace import Workspace

Integers = NDArray[Any]
"""Unsigned integers, little-endian, of 1, 2, 4 or 8 bytes."""

Part = bytes | memoryview
"""A part of what is to be stored."""

# How integers are laid out; packed ones by the number of bits that each takes.
_PLANES, _EQUAL, _PACKED_2, _AS_THEY_ARE, _PACKED_4 = 0, 1, 2, 3, 4
# How a plane is kept.
_CONSTANT, _RAW, _ZSTD, _PATCHED = 0, 1, 2, 3
_BYTE, _SIZE, _BASE = struct.Struct("<B"), struct.Struct("<I"), struct.Struct("<q")

_LOOK = 4096
"""How many integers show whether all are close together."""
_SHORT = 64
"""Bytes of a plane that are not worth a zstandard frame, which has a head of its own."""
_PATCHES = 64
"""A plane is a constant and patches where at most one in so many of its bytes is another."""
_SAMPLED, _SAMPLE = 1 << 17, 1 << 13
"""Integers from which on a sample of them says which planes are worth compressing; integers of the sample."""
_WORTH_IT = 0.9
"""What a sample must shrink to."""


def pack(values: Integers, space: Workspace) -> list[Part]:
    """Integers, at least one, as bytes in parts; `unpack` undoes it.

    Args:
        values: Contiguous.
        space: What to work with.

    Returns:
        The parts; some may be views of `values`.
    """
    signed = values.view(f"<i{values.itemsize}")
    low, high = _extremes(signed)
    if high - low >= 16:
        worth = _worth_compressing(values, space)
        if not any(worth):
            return [_BYTE.pack(_AS_THEY_ARE), values.data.cast("B")]
        planes = (_pack_plane(plane, space, *each) for plane, *each in zip(_split(values, space), worth, strict=True))
        return [_BYTE.pack(_PLANES), *(part for plane in planes for part in plane)]
    if high == low:
        return [_BYTE.pack(_EQUAL) + _BASE.pack(low)]
    bits = _PACKED_2 if high - low < 4 else _PACKED_4
    head = _BYTE.pack(bits) + _BASE.pack(low)
    squeezed = _squeezed(signed, low, bits, space)
    return [head, *_pack_plane(squeezed, space, *_worth_compressing(squeezed, space))]


def _extremes(signed: Integers) -> tuple[int, int]:
    # Most integers that are far apart are so at the beginning: there is no need to look at all of them.
    for some in (signed[:_LOOK], signed):
        low, high = int(some.min()), int(some.max())
        if high - low >= 16:
            break
    return low, high


def unpack(reader: Reader, count: int, width: int, space: Workspace, into: Integers | None = None) -> Integers:
    """The `count` integers of `width` bytes that were packed.

    Args:
        reader: Where to read on.
        count: How many integers were packed.
        width: Bytes of each.
        space: What to work with.
        into: Where to put them, as unsigned integers; an array of `space` where it is None.

    Raises:
        CorruptionError: The bytes are not what `pack` makes of so many.
    """
    (layout,) = reader.fields(_BYTE)
    values = space.array("values", count, f"<i{width}") if into is None else into.view(f"<i{width}")
    if layout == _PLANES:
        _join(reader, values, space)
    elif layout == _AS_THEY_ARE:
        stored = np.frombuffer(reader.take(count * width), f"<u{width}")
        if into is None:
            return stored
        np.copyto(into, stored)
    elif layout in (_EQUAL, _PACKED_2, _PACKED_4):
        (base,) = reader.fields(_BASE)
        if not -(1 << 8 * width - 1) <= base < 1 << 8 * width - 1:
            raise reader.wrong("a number in it is too large")
        if layout == _EQUAL:
            values.fill(base)
        else:
            above = _unsqueezed(reader, count, layout, space)
            np.add(above, values.dtype.type(base), out=values, dtype=values.dtype, casting="unsafe")
    else:
        raise reader.wrong("it was not made by a version that is known")
    return values.view(f"<u{width}")


def _split(values: Integers, space: Workspace) -> Iterator[NDArray[np.uint8]]:
    """Yield the planes, the lowest first; each is gone when the next is asked for."""
    width, count = values.itemsize, len(values)
    if width == 1:
        yield values
        return
    plane = space.array("plane", count, np.uint8)
    np.copyto(plane, values, casting="unsafe")
    yield plane
    # Adding half a byte to each but the highest carries where a digit is negative.
    carried = space.array("carried", count, values.dtype)
    np.add(values, values.dtype.type(_halves(width)), out=carried)
    digits = carried.view(np.uint8).reshape(count, width)
    for index in range(1, width - 1):
        np.bitwise_xor(digits[:, index], np.uint8(0x80), out=plane)
        yield plane
    np.right_shift(carried, values.dtype.type(8 * (width - 1)), out=plane, casting="unsafe")
    yield plane


def _halves(width: int) -> int:
    return int.from_bytes(b"\x80" * (width - 1) + b"\0", "little")


def _join(reader: Reader, values: Integers, space: Workspace) -> None:
    """Read planes into signed integers."""
    dtype = values.dtype
    for index in range(dtype.itemsize):
        shift = dtype.type(8 * index)
        kind, plane, where = _read_plane(reader, len(values), space)
        digits = plane.view(np.int8)
        if kind == _CONSTANT:
            if index == 0:
                values.fill(digits[0])
            elif digits[0]:
                values += dtype.type(digits[0]) << shift
        elif kind == _PATCHED:
            if index == 0:
                values.fill(0)
            values[where] += digits.astype(dtype) << shift
        elif index == 0:
            np.copyto(values, digits)
        else:
            wide = space.array("wide", len(values), dtype)
            values += np.left_shift(digits, shift, out=wide, dtype=dtype)


def _pack_plane(plane: NDArray[np.uint8], space: Workspace, worth: bool) -> list[Part]:
    count = len(plane)
    others = int(np.count_nonzero(plane))
    if others == 0:
        return [_BYTE.pack(_CONSTANT) + b"\0"]
    if others * _PATCHES <= count:
        where = Marks(plane, space).positions()
        head = _BYTE.pack(_PATCHED) + _SIZE.pack(others)
        return [head, *pack_positions(where, 0, space.inner), *_pack_plane(plane[where], space.inner, True)]
    if worth and count >= _SHORT:
        frame = space.compressor.compress(plane.data)
        if len(frame) < count:
            return [_BYTE.pack(_ZSTD) + _SIZE.pack(len(frame)), frame]
    return [_BYTE.pack(_RAW), plane.tobytes()]


def _read_plane(
    reader: Reader, count: int, space: Workspace
) -> tuple[int, NDArray[np.uint8], NDArray[np.int64] | None]:
    """The kind of a plane, what it holds (all of it, its constant, or its patches), and where patches belong."""
    (kind,) = reader.fields(_BYTE)
    if kind == _CONSTANT:
        return kind, np.frombuffer(reader.take(1), np.uint8), None
    if kind == _RAW:
        return kind, np.frombuffer(reader.take(count), np.uint8), None
    if kind == _ZSTD:
        (size,) = reader.fields(_SIZE)
        return kind, reader.zstd(size, count, space), None
    if kind != _PATCHED:
        raise reader.wrong("it was not made by a version that is known")
    (patches,) = reader.fields(_SIZE)
    if not 0 < patches * _PATCHES <= count:
        raise reader.wrong("a part of it has more patches than it should")
    where = unpack_positions(reader, patches, count, space.inner)
    return kind, _whole_plane(reader, patches, space.inner), where


def _whole_plane(reader: Reader, count: int, space: Workspace) -> NDArray[np.uint8]:
    kind, plane, where = _read_plane(reader, count, space)
    if kind == _CONSTANT:
        return np.full(count, plane[0], np.uint8)
    if where is None:
        return plane
    whole = np.zeros(count, np.uint8)
    whole[where] = plane
    return whole


def _worth_compressing(values: Integers, space: Workspace) -> list[bool]:
    """Whether each plane is worth compressing, as a sample shows where there are many integers."""
    if len(values) < _SAMPLED:
        return [True] * values.itemsize
    middle = (len(values) - _SAMPLE) // 2
    planes = _split(values[middle : middle + _SAMPLE], space)
    return [len(space.compressor.compress(plane.data)) < _WORTH_IT * _SAMPLE for plane in planes]


def pack_positions(where: NDArray[np.int64], first: int, space: Workspace) -> list[Part]:
    """Positions in order, at least one, counted from `first`, as bytes in parts."""
    apart = gaps(where, first, space)
    return [_BYTE.pack(apart.itemsize), *pack(apart, space)]


def unpack_positions(reader: Reader, count: int, size: int, space: Workspace) -> NDArray[np.int64]:
    """The `count` positions that were packed: each greater than the one before it, and less than `size`.

    Raises:
        CorruptionError: The bytes are not what `pack_positions` makes of such positions.
    """
    (width,) = reader.fields(_BYTE)
    if width not in (1, 2, 4, 8):
        raise reader.wrong("it was not made by a version that is known")
    apart = unpack(reader, count, width, space)
    # No gap is larger than the tensor, so that their sum cannot wrap around to where it may be.
    if not apart.all() or int(apart.max()) > size:
        raise reader.wrong("a place in it is not where it can be")
    where = positions(apart)
    if where[-1] >= size:
        raise reader.wrong("a place in it is not where it can be")
    return where


def _squeezed(signed: Integers, low: int, bits: int, space: Workspace) -> NDArray[np.uint8]:
    """What integers are above `low`, which takes only so many bits, side by side in bytes."""
    count = len(signed)
    lanes = 8 // bits
    padded = -(-count // lanes) * lanes
    digits = space.array("plane", padded, np.uint8)
    np.subtract(signed, signed.dtype.type(low), out=digits[:count], casting="unsafe")
    digits[count:] = 0
    # A pair of digits lies in two bytes of a word; moving the word brings the one beside the other.
    while lanes > 1:
        pairs = digits.view("<u2")
        moved = space.array("moved", len(pairs), "<u2")
        np.right_shift(pairs, np.uint16(8 - 8 // lanes), out=moved)
        np.bitwise_or(pairs, moved, out=moved)
        digits = digits[: len(pairs)]
        np.copyto(digits, moved, casting="unsafe")
        lanes //= 2
    return digits


def _unsqueezed(reader: Reader, count: int, bits: int, space: Workspace) -> NDArray[np.uint8]:
    lanes = 8 // bits
    packed = _whole_plane(reader, -(-count // lanes), space)
    step = 4
    while lanes > 1:
        pairs = space.array(f"pairs of {step}", len(packed), "<u2")
        moved = space.array("moved", len(packed), "<u2")
        np.copyto(pairs, packed)
        np.left_shift(pairs, np.uint16(8 - step), out=moved)
        np.bitwise_or(pairs, moved, out=pairs)
        np.bitwise_and(pairs, np.uint16(0x0F0F if step == 4 else 0x0303), out=pairs)
        packed = pairs.view(np.uint8)
        lanes //= 2
        step //= 2
    return packed[:count]
