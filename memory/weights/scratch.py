"""temp"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from memory.weights.live import Bytes


class Scratch:
    """temp"""

    @contextmanager
    def buffer(self, nbytes: int) -> Iterator[Bytes]:
        """Temp"""
        yield np.empty(nbytes, np.uint8)
