"""What the kinds of hypothesis judged block by block share: bets on ever more hypotheses, kept in columns.

A hypothesis is a slot: given out when it first has any evidence, in an order that only the data decide, and never taken
back. Slots wait in arrays that double, so that a block's settlement is a few array operations for all of them.

*Guaranteed*: every log e-value here is the logarithm of a mean of wealths, each a product of the factors it was handed;
where those have mean at most 1 given the past, e-values ever reach 20 with probability at most 1/20.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from memory.inference.arrays import read_array

__all__ = ["BetTable", "Excluded", "PairTable", "Settled", "allowed", "log_factors", "log_mean_exps"]

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Excluded: TypeAlias = Callable[[Ints, Ints], NDArray[np.bool_]]
"""Tells of pairs (first of each, second of each) which are one thing by construction: no slot, and no evidence."""

_ROOM = 64


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """What one settlement changed; statuses may change now and only now."""

    slots: Ints
    """The slots that the block informed about; empty where it told nothing."""
    d: Floats
    """The block's standardised statistic for each of them."""
    log_factor: Floats
    """By how much each one's log e-value rose."""


def log_factors(stakes: Sequence[float], d: Floats) -> Floats:
    """Return log(1 + tanh(λd)) for every stake λ (first axis) and every statistic: `kernel.log_factor` for arrays.

    Args:
        stakes: λ; negative to bet on the other side.
        d: statistics, symmetric about 0 given the past under the null.

    Returns:
        Exactly 0.0 where d is 0.
    """
    doubled = np.multiply.outer(-2.0 * np.asarray(stakes, dtype=np.float64), d)
    factors: Floats = 0.0 - np.log1p(0.5 * np.expm1(doubled))
    return factors


def log_mean_exps(logs: Floats) -> Floats:
    """Return log(mean(exp(logs))) over the first axis without overflow, summed in that axis' order.

    Args:
        logs: finite logarithms, at least one along the first axis.
    """
    top = logs.max(axis=0)
    total = np.zeros_like(top)
    for row in logs:
        total += np.exp(row - top)
    mean: Floats = top + np.log(total / len(logs))
    return mean


class BetTable:
    """Columns over slots: what each is about, its wealths, and what came of them."""

    KEYS: ClassVar[int]
    """Numbers that describe a slot."""
    WEALTHS: ClassVar[int]
    """Wealths per slot; a two-sided table keeps the upward ones first."""
    TWO_SIDED: ClassVar[bool] = False
    """Whether the second half of the wealths bets on the other side."""
    EXTRA: ClassVar[Mapping[str, type[np.generic]]] = {}
    """Further columns of the kind, by name."""

    def __init__(self) -> None:
        self._slots = 0
        self._columns: dict[str, NDArray[Any]] = {
            name: np.zeros((*axes, _ROOM), dtype=kind) for name, (axes, kind) in self._layout().items()
        }

    @classmethod
    def _layout(cls) -> dict[str, tuple[tuple[int, ...], type[np.generic]]]:
        layout: dict[str, tuple[tuple[int, ...], type[np.generic]]] = {
            "keys": ((cls.KEYS,), np.int64),
            "wealth": ((cls.WEALTHS,), np.float64),
            "log_e": ((), np.float64),
            "peak_log_e": ((), np.float64),
            "n": ((), np.int64),
            "total": ((), np.float64),
            "squares": ((), np.float64),
            "direction": ((), np.int8),
        }
        layout.update({name: ((), kind) for name, kind in cls.EXTRA.items()})
        return layout

    @property
    def slots(self) -> int:
        """How many hypotheses there are."""
        return self._slots

    @property
    def keys(self) -> Ints:
        """What each slot is about: one row per number, one column per slot."""
        return self._view("keys")

    @property
    def log_e(self) -> Floats:
        """Log e-value of each slot at the last settlement that touched it."""
        return self._view("log_e")

    @property
    def peak_log_e(self) -> Floats:
        """The largest log e-value of each slot at any settlement; at least 0."""
        return self._view("peak_log_e")

    @property
    def n(self) -> Ints:
        """Settled blocks that informed about each slot."""
        return self._view("n")

    @property
    def total(self) -> Floats:
        """Σd over those blocks."""
        return self._view("total")

    @property
    def squares(self) -> Floats:
        """Σd² over those blocks."""
        return self._view("squares")

    @property
    def direction(self) -> NDArray[np.int8]:
        """+1 or −1, the side with more evidence, 0 for neither; one-sided kinds know +1 (e-value above 1) and 0."""
        return self._view("direction")

    def renew(self, slot: int) -> None:
        """Begin a new epoch for one slot: no evidence, no peak, nothing counted, as if it had just been given out.

        What the block under way holds is kept: nobody has looked at it yet.

        Raises:
            ValueError: there is no such slot.
        """
        if not 0 <= slot < self._slots:
            raise ValueError(f"slots are numbered 0 to {self._slots - 1} here, not {slot!r}")
        for name, column in self._columns.items():
            if name != "keys":
                column[..., slot] = 0

    def _view(self, name: str) -> NDArray[Any]:
        # A view of today's slots, not to be written to; tomorrow's may lie elsewhere.
        view = self._columns[name][..., : self._slots]
        view.flags.writeable = False
        return view

    def _key(self, number: int) -> Ints:
        key: Ints = self._view("keys")[number]
        return key

    def _extend(self, keys: Ints) -> Ints:
        """Give out one slot per column of `keys`, in order."""
        start, self._slots = self._slots, self._slots + keys.shape[1]
        room = self._columns["log_e"].shape[-1]
        if self._slots > room:
            while room < self._slots:
                room *= 2
            for name, column in self._columns.items():
                wider = np.zeros((*column.shape[:-1], room), dtype=column.dtype)
                wider[..., :start] = column[..., :start]
                self._columns[name] = wider
        self._columns["keys"][:, start : self._slots] = keys
        return np.arange(start, self._slots, dtype=np.int64)

    def _bet(self, slots: Ints, d: Floats, factors: Floats) -> Settled:
        """Multiply the wealths (first axis of `factors`) of distinct slots by their factors, and settle."""
        columns = self._columns
        wealth = columns["wealth"].take(slots, axis=1) + factors
        columns["wealth"][:, slots] = wealth
        log_e = log_mean_exps(wealth)
        gain = log_e - columns["log_e"][slots]
        columns["log_e"][slots] = log_e
        columns["peak_log_e"][slots] = np.maximum(columns["peak_log_e"][slots], log_e)
        columns["n"][slots] += 1
        columns["total"][slots] += d
        columns["squares"][slots] += d * d
        if self.TWO_SIDED:
            half = self.WEALTHS // 2
            lean = np.sign(log_mean_exps(wealth[:half]) - log_mean_exps(wealth[half:]))
        else:
            lean = log_e > 0.0
        columns["direction"][slots] = lean
        return Settled(slots, d, gain)

    def _table_to_arrays(self) -> dict[str, NDArray[Any]]:
        return {name: column[..., : self._slots].copy() for name, column in self._columns.items()}

    @classmethod
    def _table_from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        table = cls()
        keys = read_array(arrays, "keys", np.int64, (cls.KEYS, -1))
        table._extend(keys)
        for name, (axes, kind) in cls._layout().items():
            table._columns[name][..., : keys.shape[1]] = read_array(arrays, name, kind, (*axes, keys.shape[1]))
        return table


class PairTable(BetTable):
    """A table whose slots are about pairs, found again through a dense matrix: four bytes a pair that could be."""

    KEYS = 2
    SYMMETRIC: ClassVar[bool] = False
    """Whether (i, j) and (j, i) are one hypothesis."""

    def __init__(self) -> None:
        super().__init__()
        self._index: NDArray[np.int32] = np.full((0, 0), -1, dtype=np.int32)

    @property
    def first(self) -> Ints:
        """The first of each pair."""
        return self._key(0)

    @property
    def second(self) -> Ints:
        """The second of each pair."""
        return self._key(1)

    def _make_room(self, firsts: int, seconds: int) -> None:
        rows, columns = self._index.shape
        if firsts > rows or seconds > columns:
            shape = tuple(
                have if need <= have else max(need, have + have // 4, 8)
                for need, have in ((firsts, rows), (seconds, columns))
            )
            wider = np.full(shape, -1, dtype=np.int32)
            wider[:rows, :columns] = self._index
            self._index = wider

    def _find(self, first: Ints, second: Ints) -> Ints:
        """Return the slots of pairs, −1 where there is none."""
        return self._index[first, second].astype(np.int64)

    def _locate(self, first: Ints, second: Ints) -> Ints:
        """Return the slots of distinct pairs, giving out those that are missing, in order."""
        found = self._find(first, second)
        missing = found < 0
        if missing.any():
            new_first, new_second = first[missing], second[missing]
            found[missing] = self._extend(np.stack([new_first, new_second]))
            self._enter(new_first, new_second, found[missing])
        return found

    def _enter(self, first: Ints, second: Ints, slots: Ints) -> None:
        self._index[first, second] = slots
        if self.SYMMETRIC:
            self._index[second, first] = slots

    def _restore_index(self, firsts: int, seconds: int) -> None:
        first, second = self.keys
        if self.slots and not (min(first.min(), second.min()) >= 0 and first.max() < firsts and second.max() < seconds):
            raise ValueError("inference state has slots about entities that were never allocated")
        self._make_room(firsts, seconds)
        self._enter(first, second, np.arange(self.slots, dtype=np.int64))


def allowed(excluded: Excluded | None, first: Ints, second: Ints) -> NDArray[np.bool_] | None:
    """Return which pairs may have evidence, or None where all may."""
    if excluded is None or not len(first):
        return None
    keep: NDArray[np.bool_] = ~np.asarray(excluded(first, second), dtype=np.bool_)
    return keep
