"""Every pair of many series at once: do their innovations move together more than symmetry allows?

Per pair D = u_i·u_j of two standardised innovations, S = ΣD, V = ΣD², and the normal mixture over stakes in closed
form, E = sqrt(ρ/(V+ρ))·exp(S²/(2(V+ρ))).

*Guaranteed*: if, given the past and the other innovation, the sign of one of the two is a coin once its size is known
(and neither whether it was present nor its scale looked at that sign), then E ever reaches 1/α with probability at most
α, whatever the tails, and however sizes vary together (bursts). Proof: E[exp(λD − λ²D²/2) | past, |D|] =
cosh(λ|D|)·exp(−λ²D²/2) <= 1, so for each λ the product over time is a non-negative supermartingale that starts at 1;
E is its mean over λ ~ N(0, 1/ρ), which is one too (Tonelli), and Ville's inequality bounds its maximum.
It does not hold where both innovations keep a mean, or where the past predicts their signs.

Pairs are laid out in circles: row d of a table holds the pairs (i, i+d), so that one product of the series with
shifted views of themselves is every pair once, with nothing gathered. All arithmetic is elementwise, so neither the
layout, nor who else is in the grid, nor chunking changes a bit of S, V or E. Memory: 32·K² bytes for K series (28 of
them state); the caller bounds K.

Source: de la Peña 1999; de la Peña, Klass and Lai 2004; Howard, Ramdas, McAuliffe and Sekhon, arXiv 1808.03204.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from memory.inference.packed import Arrays

__all__ = ["MIXTURE", "PairGrid"]

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Truths = NDArray[np.bool_]

MIXTURE = 10.0
"""ρ: the size of V at which the bet is best placed is of its order; the same for every pair, fixed beforehand."""
_LARGEST = 1e60
"""Beyond this size an innovation is no number to reckon with: its products could overflow."""
_SCATTERED = 8
"""How many times dearer a pair is when its cell must be looked up; decides which of two equal ways is taken."""

_TOTAL, _SQUARES, _COUNT, _FIRST, _SECOND, _LOG_E, _PEAK = range(7)


class PairGrid:
    """The sums of every pair of a growing set of entities; O(K²) elementwise per event, a few per pair present.

    What depends on presence alone (how often both were there, and Σu² of each over those times) is summed per entity
    while the same ones are present, and per pair only when that changes (so Σu², a description, may differ in its last
    bits with the company a pair keeps; a replay of the same events gives the same bits).
    """

    def __init__(self, entities: int = 0) -> None:
        self.entities = 0
        """How many entities there are, dropped ones included."""
        self.skipped = 0
        """Innovations that were said to be present and were no finite number: taken as absent."""
        self._living: Truths = np.zeros(0, dtype=np.bool_)
        self._present: Truths = np.zeros(0, dtype=np.bool_)
        self._energy: Floats = np.zeros(0)
        self._joint = 0
        self._order: tuple[Index, Truths] | None = None
        self._key: bytes | None = None
        self._cells: Index | None = None
        self._stale: dict[bytes, Index] | None = {}
        self._lay_out(0)
        self.grow(entities)

    def _lay_out(self, width: int) -> None:
        """Make an empty table for an odd number of entities."""
        width |= 1
        self._width, self._half = width, width // 2
        self._tables: Floats = np.zeros((7, self._half, width))
        self._flat: Floats = self._tables.reshape(7, -1)
        self._scratch: Floats = np.zeros((self._half, width))
        self._twice: Floats = np.zeros(2 * width)
        self._shifted = sliding_window_view(self._twice, width)[1 : self._half + 1]
        self._there: Floats = np.zeros(2 * width)
        self._there_shifted = sliding_window_view(self._there, width)[1 : self._half + 1]

    def _locate(self, i: Index, j: Index) -> tuple[Index, Truths]:
        """Return where each pair lies, and whether its first entity there is i."""
        distance = (j - i) % self._width
        forward = distance <= self._half
        row = np.where(forward, distance, self._width - distance) - 1
        return row * self._width + np.where(forward, i, j), forward

    def grow(self, entities: int) -> None:
        """Have at least so many entities; the pairs of new ones start with no evidence."""
        added = entities - self.entities
        if added <= 0:
            return
        if entities > self._width or not self.entities:
            sums = self._read(*self._ordered())
            self._lay_out(max(entities, self._width + self._width // 8) if self.entities else entities)
            self._order = None
            self._write(*self._ordered(), sums)
            self._stale = None
        self.entities, self._order = entities, None
        self._living = np.concatenate([self._living, np.ones(added, dtype=np.bool_)])
        self._present = np.concatenate([self._present, np.zeros(added, dtype=np.bool_)])
        self._energy = np.concatenate([self._energy, np.zeros(added)])
        self._seat(self._present)

    def _ordered(self) -> tuple[Index, Truths]:
        """Return where all pairs (i, j < i) lie, in order of i."""
        if self._order is None:
            self._order = self._locate(*np.tril_indices(self.entities, -1))
        return self._order

    def _read(self, cells: Index, forward: Truths) -> Floats:
        sums = self._flat[:, cells]
        sums[_FIRST : _SECOND + 1] = np.where(forward, sums[[_FIRST, _SECOND]], sums[[_SECOND, _FIRST]])
        return sums

    def _write(self, cells: Index, forward: Truths, sums: Floats) -> None:
        self._flat[:, cells] = sums
        self._flat[_FIRST, cells] = np.where(forward, sums[_FIRST], sums[_SECOND])
        self._flat[_SECOND, cells] = np.where(forward, sums[_SECOND], sums[_FIRST])

    def _seat(self, present: Truths) -> None:
        """Remember who is present from now on, and where their pairs lie if they are few."""
        self._present, self._key = present, present.tobytes()
        self._members: Index = np.flatnonzero(present)
        count = len(self._members)
        self._cells = None
        if _SCATTERED * count * count < self._width * self._width:
            one, other = np.triu_indices(count, 1)
            self._cells, forward = self._locate(self._members[one], self._members[other])
            self._one, self._other = np.where(forward, one, other), np.where(forward, other, one)

    def update(self, u: Floats, present: Truths) -> None:
        """Take the innovations of one event.

        Args:
            u: one standardised innovation per entity; what absent ones hold is not looked at.
            present: which entities have one in this event.

        Raises:
            ValueError: not one number and one truth value for every entity.
        """
        if u.shape != (self.entities,) or present.shape != (self.entities,):
            raise ValueError(f"{self.entities} entities need as many numbers, not {u.shape} and {present.shape}")
        known = np.abs(u) <= _LARGEST
        seen = present & self._living
        if not known.all():
            self.skipped += int(np.count_nonzero(seen & ~known))
            seen &= known
        if seen.tobytes() != self._key:
            self._fold()
            self._seat(seen)
        self._joint += 1
        if self._cells is None:
            self._update_all(u)
        else:
            self._update_few(u, self._cells)

    def _update_all(self, u: Floats) -> None:
        u = np.where(self._present, u, 0.0)
        self._energy += u * u
        width, scratch = self._width, self._scratch
        self._twice[: len(u)] = u
        self._twice[width : width + len(u)] = u
        np.multiply(self._twice[:width], self._shifted, out=scratch)
        self._tables[_TOTAL] += scratch
        np.multiply(scratch, scratch, out=scratch)
        self._tables[_SQUARES] += scratch
        self._stale = None

    def _update_few(self, u: Floats, cells: Index) -> None:
        few = u[self._members]
        self._energy[self._members] += few * few
        d = few[self._one] * few[self._other]
        self._flat[_TOTAL][cells] += d
        self._flat[_SQUARES][cells] += d * d
        if self._stale is not None and self._key is not None:
            self._stale[self._key] = cells
            if len(self._stale) > _SCATTERED:
                self._stale = None

    def _fold(self) -> None:
        """Give every pair present together what was summed per entity."""
        if not self._joint:
            return
        energy = self._energy
        if self._cells is not None:
            energies = energy[self._members]
            self._flat[_COUNT][self._cells] += self._joint
            self._flat[_FIRST][self._cells] += energies[self._one]
            self._flat[_SECOND][self._cells] += energies[self._other]
        else:
            width, scratch = self._width, self._scratch
            for buffer, values in ((self._twice, energy), (self._there, self._present)):
                buffer[: self.entities] = values
                buffer[width : width + self.entities] = values
            there, there_shifted = self._there[:width], self._there_shifted
            self._tables[_FIRST] += np.multiply(self._twice[:width], there_shifted, out=scratch)
            self._tables[_SECOND] += np.multiply(there, self._shifted, out=scratch)
            np.multiply(there, there_shifted, out=scratch)
            self._tables[_COUNT] += np.multiply(scratch, self._joint, out=scratch)
        self._joint = 0
        energy[:] = 0.0

    def settle(self) -> None:
        """Compute every pair's log e-value, and raise its peak; between settlements both stay as they are."""
        if self._stale is None:
            log_e, peak = self._tables[_LOG_E], self._tables[_PEAK]
            _mixture_log_e(self._tables[_TOTAL], self._tables[_SQUARES], log_e, self._scratch)
            np.maximum(peak, log_e, out=peak)
        else:
            for cells in self._stale.values():
                total = self._flat[_TOTAL][cells]
                log_e = np.empty_like(total)
                _mixture_log_e(total, self._flat[_SQUARES][cells], log_e, np.empty_like(total))
                self._flat[_LOG_E][cells] = log_e
                self._flat[_PEAK][cells] = np.maximum(self._flat[_PEAK][cells], log_e)
        self._stale = {}

    def log_e(self, i: Index, j: Index) -> Floats:
        """Return the log e-values of pairs as last settled."""
        return self._of(_LOG_E, i, j)

    def peak_log_e(self, i: Index, j: Index) -> Floats:
        """Return the largest log e-value each pair had at a settlement, at least 0; what the adjuster takes."""
        return self._of(_PEAK, i, j)

    def total(self, i: Index, j: Index) -> Floats:
        """Return S, the sum of the products so far."""
        return self._of(_TOTAL, i, j)

    def squares(self, i: Index, j: Index) -> Floats:
        """Return V, the sum of the squared products so far."""
        return self._of(_SQUARES, i, j)

    def count(self, i: Index, j: Index) -> Index:
        """Return how many times both were present."""
        counted = self._of(_COUNT, i, j).astype(np.int64)
        return counted + self._joint * (self._present[i] & self._present[j])

    def direction(self, i: Index, j: Index) -> Index:
        """Return the side with more evidence: +1 together, -1 against each other, 0 neither."""
        return np.sign(self._of(_TOTAL, i, j)).astype(np.int64)

    def dependence(self, i: Index, j: Index) -> Floats:
        """Return R² = S²/(Σu_i²·Σu_j²) over joint presence: 1 where one is a multiple of the other, 0 where unknown.

        A description, not evidence: near 1 after many readings, what looks like two series is one.
        """
        sums = self._read(*self._locate(*self._checked(i, j)))
        both = self._present[i] & self._present[j]
        first = sums[_FIRST] + np.where(both, self._energy[i], 0.0)
        second = sums[_SECOND] + np.where(both, self._energy[j], 0.0)
        known = (first > 0.0) & (second > 0.0)
        first, second = np.where(known, first, 1.0), np.where(known, second, 1.0)
        total = np.where(known, sums[_TOTAL], 0.0)
        return np.minimum(1.0, (total / first) * (total / second))

    def settled(self) -> tuple[Floats, Floats]:
        """Return log e-value and peak of all pairs (i, j < i) in order of i: pair (i, j) is number i·(i−1)/2 + j."""
        cells = self._ordered()[0]
        return self._flat[_LOG_E][cells], self._flat[_PEAK][cells]

    def above(self, log_bar: float) -> tuple[Index, Index]:
        """Return the pairs i < j, in order, whose settled log e-value is at least the bar (which is above 0)."""
        return self._standing(_LOG_E, log_bar)

    def ever_above(self, log_bar: float) -> tuple[Index, Index]:
        """Return the pairs i < j, in order, whose log e-value reached the bar (which is above 0) at a settlement."""
        return self._standing(_PEAK, log_bar)

    def _standing(self, which: int, log_bar: float) -> tuple[Index, Index]:
        if not log_bar > 0.0:
            raise ValueError(f"a bar for log e-values must be above 0, where no pair stands yet, not {log_bar!r}")
        row, column = np.divmod(np.flatnonzero(self._flat[which] >= log_bar), self._width)
        other = (column + row + 1) % self._width
        low, high = np.minimum(column, other), np.maximum(column, other)
        order = np.lexsort((high, low))
        return low[order], high[order]

    def renew(self, i: Index, j: Index) -> None:
        """Start pairs anew, with no evidence: a new epoch."""
        i, j = self._checked(i, j)
        self._fold()
        self._flat[:, self._locate(i, j)[0]] = 0.0

    def drop(self, entity: int) -> None:
        """Let an entity never be present again; all its pairs go back to no evidence."""
        if not 0 <= entity < self.entities:
            raise ValueError(f"there are {self.entities} entities, and none of them is {entity}")
        others = np.delete(np.arange(self.entities), entity)
        self.renew(np.full(len(others), entity), others)
        self._living[entity] = False

    def _checked(self, i: Index, j: Index) -> tuple[Index, Index]:
        if len(i) and not (min(i.min(), j.min()) >= 0 and max(i.max(), j.max()) < self.entities and (i != j).all()):
            raise ValueError(f"a pair is of two different entities below {self.entities}")
        return i, j

    def _of(self, which: int, i: Index, j: Index) -> Floats:
        cells, _ = self._locate(*self._checked(i, j))
        chosen: Floats = self._flat[which][cells]
        return chosen

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state as arrays, pairs (i, j < i) in order of i; a copy, the same however it was laid out."""
        return {
            "sums": self._read(*self._ordered()),
            "living": self._living.copy(),
            "present": self._present.copy(),
            "energy": self._energy.copy(),
            "counts": np.array([self._joint, self.skipped], dtype=np.int64),
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Return the grid that `to_arrays` described, bit for bit.

        Raises:
            ValueError: the arrays do not describe one.
        """
        entities = len(arrays["living"])
        pairs = entities * (entities - 1) // 2
        if arrays["sums"].shape != (7, pairs):
            raise ValueError(f"{entities} entities have {pairs} pairs of 7 sums, not {arrays['sums'].shape}")
        grid = cls(entities)
        grid._write(*grid._ordered(), arrays["sums"])
        grid._living, grid._energy = arrays["living"].copy(), arrays["energy"].copy()
        grid._joint, grid.skipped = (int(count) for count in arrays["counts"])
        grid._seat(arrays["present"].copy())
        grid._stale = None
        return grid


def _mixture_log_e(total: Floats, squares: Floats, out: Floats, scratch: Floats) -> None:
    """Write S²/(2(V+ρ)) − ½log(1 + V/ρ) of each pair to `out`."""
    np.multiply(total, total, out=out)
    out /= np.add(squares, MIXTURE, out=scratch)
    np.divide(squares, MIXTURE, out=scratch)
    out -= np.log1p(scratch, out=scratch)
    out *= 0.5
