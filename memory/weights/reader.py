"""Reading stored bytes from front to back, none of them taken on trust."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from memory.errors import CorruptionError
from memory.weights.workspace import Workspace


class Reader:
    """A place in stored bytes, from which to read on.

    Args:
        content: The stored bytes.
        what: What to call them in an error.
    """

    def __init__(self, content: bytes | memoryview, what: str) -> None:
        self._content = memoryview(content)
        self._at = 0
        self._what = what

    def take(self, size: int) -> memoryview:
        """The next `size` bytes.

        Raises:
            CorruptionError: Fewer are left.
        """
        if size > len(self._content) - self._at:
            raise self.wrong("it is cut off")
        self._at += size
        return self._content[self._at - size : self._at]

    def fields(self, layout: struct.Struct) -> tuple[Any, ...]:
        """The next fields.

        Raises:
            CorruptionError: They are not all there.
        """
        return layout.unpack(self.take(layout.size))

    def zstd(self, size: int, decompressed: int, space: Workspace) -> NDArray[np.uint8]:
        """The next `size` bytes, a zstandard frame, decompressed.

        Raises:
            CorruptionError: It is no frame of just so many bytes.
        """
        frame = self.take(size)
        try:
            # The frame says how much memory decompressing it takes, and is not believed.
            if zstandard.frame_content_size(frame) != decompressed:
                raise self.wrong("a part of it has another length than it should")
            content = space.decompressor.decompress(frame)
        except zstandard.ZstdError as error:
            raise self.wrong(f"a part of it cannot be decompressed ({error})") from error
        return np.frombuffer(content, np.uint8)

    def end(self) -> None:
        """Make sure that nothing is left.

        Raises:
            CorruptionError: Something is.
        """
        if self._at != len(self._content):
            raise self.wrong(f"{len(self._content) - self._at} bytes are left over")

    def wrong(self, reason: str) -> CorruptionError:
        """The error that says what is wrong with these bytes."""
        return CorruptionError(f"the {self._what} is damaged: {reason}")
