"""Keyframes: all bytes of one state of a tensor, where the way to it over deltas would be long."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from memory.errors import CorruptionError, InvalidArgument
from memory.weights.changed import check_bytes
from memory.weights.differences import PIECE_BYTES
from memory.weights.planes import Part, pack, unpack
from memory.weights.reader import Reader
from memory.weights.workspace import BYTES_OF_A_THREAD, THREADS, Workspace, over

__all__ = ["decode_keyframe", "encode_keyframe", "keyframe_size"]

_MAGIC, _VERSION = b"PLPF", 1
_HEAD = struct.Struct("<4sBBxxQ")
_LENGTH = struct.Struct("<I")


def encode_keyframe(content: NDArray[np.uint8], *, width: int, threads: int = THREADS) -> bytes:
    """All bytes of a state, each byte plane compressed where that makes it smaller, and as it is where it does not.

    Args:
        content: The bytes, contiguous, in one dimension.
        width: Bytes of an element: 1, 2, 4, 8, or 16 for a pair of 8.
        threads: How many work at once.

    Raises:
        InvalidArgument: The bytes are not contiguous, or not a whole number of elements.

    Example:
        >>> state = np.arange(8, dtype=np.uint8)
        >>> blob = encode_keyframe(state, width=2)
        >>> again = np.empty(keyframe_size(blob), np.uint8)
        >>> decode_keyframe(blob, again)
        >>> bool((again == state).all())
        True
    """
    check_bytes("content", content)
    if width not in (1, 2, 4, 8, 16):
        raise InvalidArgument("width", width, "an element has 1, 2, 4, 8 or 16 bytes")
    width = min(width, 8)
    if len(content) % width:
        raise InvalidArgument("width", width, f"{len(content)} bytes are not a whole number of such elements")

    def packed(begin: int, space: Workspace) -> list[Part]:
        return pack(content[begin : begin + PIECE_BYTES].view(f"<u{width}"), space)

    pieces = over(range(0, len(content), PIECE_BYTES), packed, min(threads, len(content) // BYTES_OF_A_THREAD))
    lengths = (_LENGTH.pack(sum(map(len, parts))) for parts in pieces)
    head = _HEAD.pack(_MAGIC, _VERSION, width, len(content))
    return b"".join((head, *lengths, *(part for parts in pieces for part in parts)))


def decode_keyframe(blob: bytes | memoryview, target: NDArray[np.uint8], *, threads: int = THREADS) -> None:
    """Put all bytes of a state where they are wanted.

    Args:
        blob: What `encode_keyframe` gave.
        target: As many bytes as `keyframe_size` says, contiguous and writable, in one dimension.
        threads: How many work at once.

    Raises:
        CorruptionError: The blob is damaged, or of a tensor of another length. Where that shows before anything is
            decompressed, the target is as it was; otherwise some of it may have been overwritten.
        InvalidArgument: The target is not contiguous, writable bytes.
    """
    reader, width, size = _read_head(blob)
    check_bytes("target", target)
    if not target.flags.writeable:
        raise InvalidArgument("target", "read-only", "the state is written to it")
    if len(target) != size:
        raise CorruptionError(
            f"the keyframe is of a tensor of {size} bytes, and the target has {len(target)}",
            remedy="decode it into as many bytes as the storage it was recorded for has",
        )
    begins = range(0, size, PIECE_BYTES)
    lengths = [length for (length,) in _LENGTH.iter_unpack(reader.take(len(begins) * _LENGTH.size))]
    bodies = [reader.take(length) for length in lengths]
    reader.end()

    def put(index: int, space: Workspace) -> None:
        piece = target[begins[index] : begins[index] + PIECE_BYTES].view(f"<u{width}")
        body = Reader(bodies[index], "keyframe")
        unpack(body, len(piece), width, space, piece)
        body.end()

    over(range(len(begins)), put, min(threads, size // BYTES_OF_A_THREAD))


def keyframe_size(blob: bytes | memoryview) -> int:
    """Bytes of the tensor that a keyframe holds.

    Raises:
        CorruptionError: It is no keyframe.
    """
    return _read_head(blob)[2]


def _read_head(blob: bytes | memoryview) -> tuple[Reader, int, int]:
    reader = Reader(blob, "keyframe")
    magic, version, width, size = reader.fields(_HEAD)
    if magic != _MAGIC:
        raise reader.wrong("it does not begin as a keyframe does")
    if version != _VERSION:
        raise reader.wrong("it was not made by a version that is known")
    if width not in (1, 2, 4, 8) or size % width:
        raise reader.wrong(f"{size} bytes are not a whole number of elements of {width} bytes")
    return reader, width, size
