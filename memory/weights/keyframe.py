"""temp."""

from __future__ import annotations

import numpy as np

from memory.weights.live import Bytes


def encode_keyframe(content: Bytes, *, width: int) -> bytes:
    """Temp."""
    return content.tobytes()


def decode_keyframe(blob: bytes | memoryview, target: Bytes) -> None:
    """Temp."""
    target[:] = np.frombuffer(blob, np.uint8)
