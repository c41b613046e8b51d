"""The form in which a delta is stored: a head, a table of segments, and what each segment holds.

A segment says by how much some *units* within a span of the tensor change: the one unit that is the whole span, rows,
or single elements. Spans are in order and do not overlap, so segments can be applied in any order and at once, and no
element is changed twice.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory.weights.planes import Integers, Part, pack, pack_positions, unpack, unpack_positions
from memory.weights.reader import Reader
from memory.weights.workspace import Workspace

CODECS = ("nothing", "rows", "sparse", "dense")
"""What a delta may be called, by the kind of segment that makes up most of it."""

_MAGIC, _VERSION = b"PLPD", 1
_HEAD = struct.Struct("<4sBBBxQI")
_ENTRY = struct.Struct("<BxxxIQQQI")


@dataclass(frozen=True, slots=True)
class Segment:
    """What changes within one span of a tensor; places are counted in elements."""

    codec: str
    """One of `CODECS` except the first: whether units are rows, single elements, or the whole span."""
    begin: int
    """First element of the span."""
    end: int
    """One past its last element."""
    unit: int
    """Elements of a unit."""
    units: int
    """How many units change."""
    body: tuple[Part, ...]
    """Where the units are, unless there is but one, and by how much each of their elements changes."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A delta, read and found to be in order except for the bodies of its segments."""

    codec: str
    """One of `CODECS`."""
    width: int
    """Bytes of an element."""
    raw_bytes: int
    """Bytes of the tensor."""
    segments: tuple[Segment, ...]
    """In order of their spans."""

    @property
    def changed_bytes(self) -> int:
        """Bytes of the tensor that applying it writes."""
        return self.width * sum(segment.unit * segment.units for segment in self.segments)


def dense_segment(begin: int, values: Integers, space: Workspace) -> Segment:
    """A segment in which every element of a span changes by its value."""
    return Segment("dense", begin, begin + len(values), len(values), 1, _kept(pack(values, space)))


def units_segment(
    codec: str, unit: int, begin: int, indices: NDArray[np.int64], values: Integers, space: Workspace
) -> Segment:
    """A segment in which rows or single elements change.

    Args:
        codec: "rows" or "sparse".
        unit: Elements of a unit.
        begin: From which element on units are counted.
        indices: Which units, in order; at least one.
        values: By how much each of their elements changes.
        space: What to work with.
    """
    first, last = int(indices[0]), int(indices[-1])
    where = pack_positions(indices, first, space) if len(indices) > 1 else []
    body = _kept([*where, *pack(values, space)])
    return Segment(codec, begin + first * unit, begin + (last + 1) * unit, unit, len(indices), body)


def _kept(parts: list[Part]) -> tuple[Part, ...]:
    # A view is of an array that something else will be written to.
    return tuple(bytes(part) if isinstance(part, memoryview) else part for part in parts)


def read_segment(segment: Segment, width: int, space: Workspace) -> tuple[NDArray[np.int64] | None, Integers]:
    """Which units of the span change, counted from its beginning, and by how much each of their elements.

    Returns:
        The indices, None where the one unit is the span; and values in an array of `space`.

    Raises:
        CorruptionError: The body is not what this module makes.
    """
    reader = Reader(segment.body[0], "delta")
    size = (segment.end - segment.begin) // segment.unit
    indices = None
    if segment.units > 1:
        indices = unpack_positions(reader, segment.units, size, space.inner)
        if indices[0] != 0 or indices[-1] != size - 1:
            raise reader.wrong("a span in it is not where it can be")
    values = unpack(reader, segment.units * segment.unit, width, space)
    reader.end()
    return indices, values


def write(width: int, raw_bytes: int, segments: Sequence[Segment]) -> tuple[bytes, str]:
    """The stored form, and the name of its codec."""
    sizes = dict.fromkeys(CODECS, 0)
    table = []
    for each in segments:
        length = sum(map(len, each.body))
        sizes[each.codec] += length
        kind = CODECS.index(each.codec)
        table.append(_ENTRY.pack(kind, each.units, each.begin, each.end, each.unit, length))
    codec = max(CODECS, key=sizes.__getitem__)
    head = _HEAD.pack(_MAGIC, _VERSION, CODECS.index(codec), width, raw_bytes, len(segments))
    return b"".join((head, *table, *(part for each in segments for part in each.body))), codec


def read(content: bytes | memoryview) -> Stored:
    """Read the stored form; nothing is decompressed.

    Raises:
        CorruptionError: It is not the stored form of a delta, or contradicts itself.
    """
    reader = Reader(content, "delta")
    magic, version, codec, width, raw_bytes, count = reader.fields(_HEAD)
    if magic != _MAGIC:
        raise reader.wrong("it does not begin as a delta does")
    if version != _VERSION or codec >= len(CODECS):
        raise reader.wrong("it was not made by a version that is known")
    if width not in (1, 2, 4, 8) or raw_bytes % width:
        raise reader.wrong(f"{raw_bytes} bytes are not a whole number of elements of {width} bytes")
    table = reader.take(count * _ENTRY.size)
    segments, last, elements = [], 0, raw_bytes // width
    for kind, units, begin, end, unit, length in _ENTRY.iter_unpack(table):
        # Units are all different and within the span: so many only if they have room.
        if not (last <= begin < end <= elements and unit and units and (end - begin) % unit == 0):
            raise reader.wrong("a span in it is not where it can be")
        if units * unit > end - begin or (units == 1 and unit != end - begin):
            raise reader.wrong("a span in it has not room for what changes")
        if not 0 < kind < len(CODECS):
            raise reader.wrong("it was not made by a version that is known")
        segments.append(Segment(CODECS[kind], begin, end, unit, units, (reader.take(length),)))
        last = end
    reader.end()
    if bool(segments) != bool(codec):
        raise reader.wrong("it says that nothing changes, and it changes something")
    return Stored(CODECS[codec], width, raw_bytes, tuple(segments))
