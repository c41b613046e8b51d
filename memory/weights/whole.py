"""Whole states: kept as they are, and packed only where so little is left that unpacking costs next to nothing."""

from __future__ import annotations

import numpy as np

from memory.errors import CorruptionError
from memory.store.blobs import Content
from memory.weights.chain_policy import keeps_packed
from memory.weights.keyframes import decode_keyframe, encode_keyframe
from memory.weights.live import Bytes

_SAMPLE = 1 << 22
"""Bytes that are packed to see whether packing all is worth it: whole elements of every width."""


def whole_blob(content: Bytes, width: int) -> Content:
    """Give the blob of a state: packed where that leaves little, otherwise the bytes themselves, uncopied.

    Args:
        content: All bytes of the state; a blob that is the bytes themselves changes with them.
        width: Bytes of an element.

    Source: loading must not cost more than `torch.load`; zstd unpacks weights at a tenth of the speed of a copy.
    """
    sample = content[:_SAMPLE]
    if keeps_packed(len(sample), len(encode_keyframe(sample, width=width))):
        packed = encode_keyframe(content, width=width)
        if keeps_packed(len(content), len(packed)):
            return packed
    return content.data


def take_whole(blob: bytes | memoryview, into: Bytes) -> None:
    """Put the bytes of a state where they are wanted.

    Raises:
        CorruptionError: The blob is not of a state of that size.
    """
    if len(blob) == len(into):
        into[:] = np.frombuffer(blob, np.uint8)
    elif len(blob) < len(into):
        decode_keyframe(blob, into)
    else:
        raise CorruptionError(f"a keyframe of {len(blob)} bytes is not of a state of {len(into)}")
