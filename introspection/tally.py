"""Values that are few, or of few kinds: each kind once, in order, with how often it occurs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch

from introspection.moments import Counts, Floats, Moments, moments_of_counts
from introspection.values import Values, widened

CHUNK_ELEMENTS = 1 << 20
"""Elements whose bit patterns are counted at a time."""


# Not slotted: the sums below are computed once, on first use.
@dataclass(frozen=True)
class Tally:
    """A `Distribution` by exact counts of exact values."""

    values: Floats
    """The finite values that occur, ascending."""
    counts: Counts
    """How often each occurs."""
    nan: int
    positive_infinite: int
    negative_infinite: int

    @classmethod
    def of_patterns(cls, values: Values) -> Tally:
        """Counts the bit patterns of a dtype that has at most 65,536: everything else follows from these counts."""
        bits = 8 * values.dtype.itemsize
        counts = np.zeros(1 << bits, dtype=np.int64)
        for chunk, times in values.chunks(CHUNK_ELEMENTS):
            # torch counts bytes as they are, and 16 bits only when widened.
            raw = chunk.view(torch.uint8) if bits == 8 else chunk.view(torch.uint16).to(torch.int32)
            counts += torch.bincount(raw, minlength=1 << bits).cpu().numpy() * times
        return cls._of(_values_of_patterns(values.dtype), counts)

    @classmethod
    def of_sorted(cls, values: Values) -> Tally:
        """Sorts the values; for few of them."""
        chunks = [(widened(chunk), times) for chunk, times in values.chunks(CHUNK_ELEMENTS)]
        found = np.concatenate([chunk.cpu().numpy() for chunk, _ in chunks] or [np.zeros(0)])
        times = [np.full(chunk.numel(), times, dtype=np.int64) for chunk, times in chunks]
        return cls._of(found, np.concatenate(times or [np.zeros(0, dtype=np.int64)]))

    @classmethod
    def _of(cls, found: Floats, counts: Counts) -> Tally:
        met = counts > 0
        found, counts = found[met], counts[met]
        finite = np.isfinite(found)
        # Adding zero makes −0.0 the 0.0 that it equals.
        kept, kept_counts = found[finite] + 0.0, counts[finite]
        order = np.argsort(kept, kind="stable")
        kept, kept_counts = kept[order], kept_counts[order]
        first = np.flatnonzero(np.concatenate([[True], kept[1:] != kept[:-1]])[: len(kept)])
        return cls(
            values=kept[first],
            counts=np.add.reduceat(kept_counts, first) if len(first) else kept_counts,
            nan=int(counts[np.isnan(found)].sum()),
            positive_infinite=int(counts[np.isposinf(found)].sum()),
            negative_infinite=int(counts[np.isneginf(found)].sum()),
        )

    @property
    def low(self) -> float:
        """The smallest value; +inf if there is none."""
        return float(self.values[0]) if len(self.values) else np.inf

    @property
    def high(self) -> float:
        """The largest value; −inf if there is none."""
        return float(self.values[-1]) if len(self.values) else -np.inf

    @cached_property
    def moments(self) -> Moments:
        """Mean, spread and norms."""
        return moments_of_counts(self.values, self.counts)

    def answer(self, thresholds: Floats, ranks: Sequence[int]) -> tuple[Counts, list[float]]:
        """How many values lie below each threshold, and the values of the given ranks (see `Distribution`)."""
        up_to = np.concatenate([[0], np.cumsum(self.counts)])
        below = up_to[np.searchsorted(self.values, thresholds, side="left")]
        places = np.searchsorted(up_to[1:], np.asarray(ranks, dtype=np.int64), side="right")
        return below, [float(value) for value in self.values[places]]


def has_few_patterns(dtype: torch.dtype) -> bool:
    """Whether a dtype's values are told by 8 or 16 bits."""
    return dtype.itemsize <= 2 and not dtype.is_complex


@lru_cache
def _values_of_patterns(dtype: torch.dtype) -> Floats:
    """The number each bit pattern of a dtype stands for."""
    patterns = np.arange(1 << 8 * dtype.itemsize, dtype=np.uint8 if dtype.itemsize == 1 else np.uint16)
    # A byte that holds a bool is true unless it is zero.
    held = torch.from_numpy(patterns != 0 if dtype is torch.bool else patterns).view(dtype)
    numbers: Floats = widened(held).numpy()
    return numbers
