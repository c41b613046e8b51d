"""Which pairs of storages are written in the same acts more often than chance would have it; all pairs at once.

The same e-value as `comodification.ComodificationProcess`, and the same guarantee, pair by pair: if within each block
of 32 acts the acts that wrote the one are exchangeable with respect to those that wrote the other, given how many acts
wrote each, the e-value ever reaches 20 with probability at most 1/20. Blocks that one of the pair did not see whole
have factor 1, as have those that leave no choice (one of them written in no act, or in all).

Cost: one matrix product per block over the storages written in it, and a few array operations over their pairs.

Source: Ville 1939; exponential tilting of Fisher's exact test (Fisher's noncentral hypergeometric likelihood ratio).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from memory.inference.arrays import read_array
from memory.inference.block_bets import Excluded, Floats, Ints, PairTable, Settled, allowed
from memory.inference.comodification import BLOCK, TILTS, log_normalisers
from memory.inference.presence import Presence

__all__ = ["ComodificationGrid"]

_LOG_TILTS = np.array([math.log(tilt) for tilt in TILTS])


class ComodificationGrid(PairTable):
    """All pairs of storages 0..K−1; a slot is a pair (first < second), d the joint acts in standard deviations."""

    WEALTHS = len(TILTS)
    SYMMETRIC = True
    # Acts that wrote the first (second) of a pair are `first_count`, plus, while both live, what its storage was ever
    # written: so a block costs nothing for the pairs that it did not write.
    EXTRA = {"joint": np.int64, "first_count": np.int64, "second_count": np.int64}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self._written = Presence(BLOCK)
        self._ever: Ints = np.zeros(0, dtype=np.int64)

    @property
    def joint(self) -> Ints:
        """Acts that wrote both, over the settled blocks that both saw whole, from the slot's first on.

        Blocks in which both were written but the pair was excluded are left out, here and in the two counts below.
        """
        return self._view("joint")

    @property
    def first_count(self) -> Ints:
        """Acts that wrote the first, over the same blocks, those that did not write the second included."""
        return self._count("first_count", self.first)

    @property
    def second_count(self) -> Ints:
        """Acts that wrote the second, over the same blocks."""
        return self._count("second_count", self.second)

    def _count(self, name: str, entities: Ints) -> Ints:
        live = self._written.alive[self.first] & self._written.alive[self.second]
        count: Ints = self._view(name) + np.where(live, self._ever[entities], 0)
        return count

    def always_together(self, minimum: int = 8) -> NDArray[np.bool_]:
        """Return which pairs were never written apart: R² of the two indicators is 1, so they may be one thing.

        Args:
            minimum: joint acts that it takes to say so.
        """
        joint = self.joint
        together: NDArray[np.bool_] = (joint >= minimum) & (joint == self.first_count) & (joint == self.second_count)
        return together

    def grow(self, count: int, wait: bool = False) -> None:
        """Allocate `count` more storages; see `Presence.grow`."""
        self._written.grow(count, wait)
        self._ever = np.concatenate([self._ever, np.zeros(count, dtype=np.int64)])
        self._make_room(self._written.count, self._written.count)

    def end(self, entity: int) -> None:
        """Let a storage take part no more, the block under way included."""
        if 0 <= entity < self._written.count and self._written.alive[entity]:
            others = np.flatnonzero(self._written.alive)
            slots = self._find(np.full_like(others, entity), others)
            self._add_counts(slots[slots >= 0], self._ever)
        self._written.end(entity)

    def renew(self, slot: int) -> None:
        """Begin a new epoch for one slot; see `BetTable.renew`."""
        super().renew(slot)
        if self._written.alive[self.keys[:, slot]].all():
            self._add_counts(np.array([slot]), -self._ever)

    def act(self, written: Sequence[int], excluded: Excluded | None = None) -> Settled | None:
        """Take one act; sweeps and reverts are the caller's to leave out.

        Args:
            written: the storages that the act wrote.
            excluded: asked at the block's end about pairs (first < second).

        Returns:
            What a block's end settled; None within a block.

        Raises:
            ValueError: there is no such storage.
        """
        if not self._written.step(written):
            return None
        settled = self._settle(excluded)
        self._written.close()
        return settled

    def _settle(self, excluded: Excluded | None) -> Settled:
        active, there = self._written.block()
        counts = there.sum(axis=0).astype(np.int64)
        one, other = np.triu_indices(len(active), 1)
        joint = (there.T @ there)[one, other].astype(np.int64)
        keep = allowed(excluded, active[one], active[other])
        if keep is not None:
            hidden = self._find(active[one[~keep]], active[other[~keep]])
            written = np.zeros_like(self._ever)
            written[active] = counts
            self._add_counts(hidden[hidden >= 0], -written)
            one, other, joint = one[keep], other[keep], joint[keep]
        free = counts < BLOCK
        if not free.all():
            choice = free[one] & free[other]
            forced = self._find(active[one[~choice]], active[other[~choice]])
            self._columns["joint"][forced[forced >= 0]] += joint[~choice][forced >= 0]
            one, other, joint = one[choice], other[choice], joint[choice]
        known = self.slots
        slots = self._locate(active[one], active[other])
        self._add_counts(np.arange(known, self.slots), -self._ever)
        self._ever[active] += counts
        self._columns["joint"][slots] += joint
        first, second = counts[one], counts[other]
        factors = np.multiply.outer(_LOG_TILTS, joint) - log_normalisers()[:, first, second]
        return self._bet(slots, _standardised(joint, first, second), factors)

    def _add_counts(self, slots: Ints, counts: Ints) -> None:
        """Add each storage's count, one per storage there is, to that of the (distinct) slots it is an end of."""
        self._columns["first_count"][slots] += counts[self.first[slots]]
        self._columns["second_count"][slots] += counts[self.second[slots]]

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the whole state, block under way included."""
        return {**self._table_to_arrays(), **self._written.to_arrays("written"), "ever": self._ever.copy()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the grid that `to_arrays` described, bit for bit.

        Raises:
            ValueError: the arrays do not describe one.
        """
        grid = cls._table_from_arrays(arrays)
        grid._written = Presence.from_arrays(BLOCK, arrays, "written")
        grid._ever = read_array(arrays, "ever", np.int64, (grid._written.count,))
        grid._restore_index(grid._written.count, grid._written.count)
        return grid


def _standardised(joint: Ints, first: Ints, second: Ints) -> Floats:
    mean = first * second / BLOCK
    variance = mean * ((BLOCK - first) * (BLOCK - second)) / (BLOCK * (BLOCK - 1))
    d: Floats = (joint - mean) / np.sqrt(variance)
    return d
