"""Does B tend to follow A within three cycles, more than it precedes it?

Per block of 64 cycles and ordered pair: D = Σ_t A_t·(B_{t+1}+B_{t+2}+B_{t+3} − B_{t−1}−B_{t−2}−B_{t−3}), t running over
the interior so that every coincidence lies within the block, N = Σ_t A_t·(the same six summed), d = clip(D/√N, ±3), and
five one-sided bets on d.

Reading the block backwards turns D into −D and leaves N alone, exactly, whatever the pattern: coincidences that share
an occurrence are turned round together. Hence

*Guaranteed*: if, given all earlier blocks, the cycles of a block (presence of A and B together) have the same law read
backwards, then given |d| its sign is a fair coin (or d is 0), and the e-value ever reaches 20 with probability at most
1/20. Nothing is assumed about how often A and B occur, about runs, or about their presence in the same cycle. N is the
count of coincidences, not the variance of D, which is larger or smaller where they share occurrences: √N is a scale
fixed by something that reversal leaves alone, so it costs power at worst; "standard deviations" would be too much said.

*Approximate*: of a process that is reversible only as a whole (a focus that wanders and stays) a block is not, given
the one before it: it starts where that one ended. What a block's start gives away leans against what the last one
showed (after A then B, it starts in B), so that dependence tends to make the test cautious: *measured*, 0.7 to 2.4 % of
such pairs ever reach 20 within 40 blocks (tests/unit/inference/test_inference_sequences.py), under 4 % within 500.

Not reversible, and so rightly found without any cause: A and B both following a clock, A first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from memory.inference.block_bets import Excluded, Floats, PairTable, Settled, allowed, log_factors
from memory.inference.kernel import LAMBDAS
from memory.inference.presence import Presence
from memory.inference.scale import CLIP

__all__ = ["BLOCK", "REACH", "SequenceGrid", "before_and_after", "standardised"]

BLOCK = 64
"""Cycles to a block."""
REACH = 3
"""How many cycles later, or earlier, still counts as next."""


def before_and_after(there: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return, per interior cycle and entity, in how many of the three cycles before, and after, it was present.

    Args:
        there: presence, cycle × entity, of a whole block.
    """
    interior = len(there) - 2 * REACH
    before, after = np.zeros((2, interior, there.shape[1]), dtype=np.float32)
    for lag in range(1, REACH + 1):
        before += there[REACH - lag : REACH - lag + interior]
        after += there[REACH + lag : REACH + lag + interior]
    return before, after


def standardised(follows: NDArray[np.float32], precedes: NDArray[np.float32]) -> Floats:
    """Return clip(D/√N, ±3) from the coincidences in either order; 0.0 where there were none.

    Args:
        follows: coincidences in which B came after A.
        precedes: those in which it came before.
    """
    difference = follows.astype(np.float64) - precedes
    coincidences = follows.astype(np.float64) + precedes
    return np.clip(difference / np.sqrt(np.maximum(coincidences, 1.0)), -CLIP, CLIP)


class SequenceGrid(PairTable):
    """All ordered pairs of entities 0..K−1 (writes of storages, kinds of observation); a slot: first, then second."""

    WEALTHS = len(LAMBDAS)

    def __init__(self) -> None:
        super().__init__()
        self._present = Presence(BLOCK)

    def grow(self, count: int, wait: bool = False) -> None:
        """Allocate `count` more entities; see `Presence.grow`."""
        self._present.grow(count, wait)
        self._make_room(self._present.count, self._present.count)

    def end(self, entity: int) -> None:
        """Let an entity take part no more, the block under way included."""
        self._present.end(entity)

    def cycle(self, present: Sequence[int], excluded: Excluded | None = None) -> Settled | None:
        """Take one cycle.

        Args:
            present: the entities that occurred in it.
            excluded: asked at the block's end about ordered pairs.

        Returns:
            What a block's end settled, for the ordered pairs with any coincidence; None within a block.

        Raises:
            ValueError: there is no such entity.
        """
        if not self._present.step(present):
            return None
        settled = self._settle(excluded)
        self._present.close()
        return settled

    def _settle(self, excluded: Excluded | None) -> Settled:
        active, there = self._present.block()
        before, after = before_and_after(there)
        occurs = there[REACH:-REACH].T
        follows, precedes = occurs @ after, occurs @ before
        coincident = follows + precedes > 0.0
        np.fill_diagonal(coincident, False)
        one, other = np.nonzero(coincident)
        keep = allowed(excluded, active[one], active[other])
        if keep is not None:
            one, other = one[keep], other[keep]
        d = standardised(follows[one, other], precedes[one, other])
        return self._bet(self._locate(active[one], active[other]), d, log_factors(LAMBDAS, d))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the whole state, block under way included."""
        return {**self._table_to_arrays(), **self._present.to_arrays("present")}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the grid that `to_arrays` described, bit for bit.

        Raises:
            ValueError: the arrays do not describe one.
        """
        grid = cls._table_from_arrays(arrays)
        grid._present = Presence.from_arrays(BLOCK, arrays, "present")
        grid._restore_index(grid._present.count, grid._present.count)
        return grid
