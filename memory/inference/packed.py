"""Arrays as bytes and back, bit for bit: the form in which sufficient statistics are kept.

A head in JSON names every array with its type and shape; the raw little-endian bytes follow in the same order. No
pickle: whoever reads an old record must not run its code.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

__all__ = ["Arrays", "pack", "unpack"]

Arrays = Mapping[str, NDArray[Any]]
"""Name to array of numbers or truth values."""

_LENGTH = struct.Struct("<I")
_KINDS = "fiub"


def pack(arrays: Arrays) -> bytes:
    """Return arrays as bytes; the same arrays, in the same order, give the same bytes.

    Args:
        arrays: of floats, integers or truth values.

    Raises:
        ValueError: an array holds something else.
    """
    head, parts = [], []
    for name, array in arrays.items():
        if array.dtype.kind not in _KINDS:
            raise ValueError(f"{name!r} holds {array.dtype}: only numbers and truth values are packed")
        plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        head.append([name, plain.dtype.str, list(array.shape)])
        parts.append(plain.tobytes())
    described = orjson.dumps(head)
    return b"".join((_LENGTH.pack(len(described)), described, *parts))


def unpack(packed: bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays that `pack` was given, each a copy that can be written to.

    Raises:
        ValueError: the bytes are not what `pack` makes.
    """
    view = memoryview(packed)
    try:
        (length,) = _LENGTH.unpack_from(view)
        at = _LENGTH.size + length
        head = orjson.loads(view[_LENGTH.size : at])
        arrays = {}
        for name, kind, shape in head:
            dtype = np.dtype(kind)
            size = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
            if len(view) < at + size:
                raise ValueError(f"{name!r} is cut off")
            stored = np.frombuffer(view[at : at + size], dtype=dtype).reshape(shape)
            arrays[name] = stored.astype(dtype.newbyteorder("="))
            at += size
    except (struct.error, TypeError, orjson.JSONDecodeError) as error:
        raise ValueError(f"these bytes are no packed arrays: {error}") from error
    if at != len(view):
        raise ValueError(f"these bytes are no packed arrays: {len(view) - at} are left over")
    return arrays
