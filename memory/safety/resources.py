"""How much memory this process uses, and how long things take."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


def memory_in_use() -> dict[str, float]:
    """Give the memory in use, in 10⁶ bytes: resident in this process, and allocated by torch on each accelerator.

    Where the system does not say what is resident now, it is the most that ever was.
    """
    found = {"process": _resident() / 1e6}
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        for device in range(torch.cuda.device_count()):
            found[f"cuda:{device}"] = torch.cuda.memory_allocated(device) / 1e6
    return found


def _resident() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")


@dataclass(slots=True)
class Timing:
    """How long a block took: known when it ends."""

    seconds: float | None = None


@dataclass(slots=True)
class Durations:
    """Count, sum and greatest of some durations."""

    count: int = 0
    total: float = 0.0
    longest: float = 0.0

    def note(self, seconds: float) -> None:
        """Take one in."""
        self.count += 1
        self.total += seconds
        self.longest = max(self.longest, seconds)

    def to_dict(self) -> dict[str, float | int | None]:
        """Give count, mean and longest, in seconds; None without any."""
        return {
            "count": self.count,
            "mean": self.total / self.count if self.count else None,
            "longest": self.longest if self.count else None,
        }


@contextmanager
def timed() -> Iterator[Timing]:
    """Time a block, also one that raises."""
    timing = Timing()
    started = time.perf_counter()
    try:
        yield timing
    finally:
        timing.seconds = time.perf_counter() - started
