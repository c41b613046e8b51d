"""Values that are many and of many kinds: counted by the leading bits of their order, then looked at closer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch

from introspection.moments import Counts, Floats, Moments, MomentSums
from introspection.values import Values, widened

CHUNK_ELEMENTS = 1 << 18
"""Elements that are looked at at a time: what is computed of them stays in a processor's cache."""
GATHERED = 1 << 18
"""Elements that are looked at closer at a time."""

Places = npt.NDArray[np.bool_]
"""Which of the 65,536 leading bit patterns, in the order of the numbers."""

_DIGIT = 16
_PLACES = 1 << _DIGIT
# The leading 16 bits of IEEE 754 numbers in the order of the numbers: negative ones, whose magnitude falls, first.
# Source: the order-preserving map used in radix sorting (Terdiman 2000; Herf 2001).
_IN_ORDER = np.concatenate([np.arange(_PLACES - 1, _PLACES // 2 - 1, -1), np.arange(_PLACES // 2)])


class RadixDistribution:
    """A `Distribution` by radix counts: nothing is sorted, and nothing copied but what has to be looked at closer.

    The first pass counts the leading 16 bits of every value and gathers the moments. A question is then answered by
    one more pass, in which only those values are looked at that share their leading bits with a threshold or a rank
    asked for; 64-bit values take two further passes for ranks.
    """

    def __init__(self, values: Values) -> None:
        self._values = values
        self._bits = 32 if values.dtype is torch.float32 else 64
        self.nan = self.positive_infinite = self.negative_infinite = 0
        self.low, self.high = math.inf, -math.inf
        sums, counted = MomentSums(), np.zeros(_PLACES, dtype=np.int64)
        for chunk, times in values.chunks(CHUNK_ELEMENTS):
            finite, low, high = self._finite(chunk, times)
            if not finite.numel():
                continue
            self.low, self.high = min(self.low, low), max(self.high, high)
            counted += torch.bincount(_leading(finite), minlength=_PLACES).cpu().numpy() * times
            sums.add(finite.to(torch.float64, copy=True), low, high, times)
        self.moments: Moments = sums.total()
        self._counted: Counts = counted[_IN_ORDER]

    def answer(self, thresholds: Floats, ranks: Sequence[int]) -> tuple[Counts, list[float]]:
        """How many values lie below each threshold, and the values of the given ranks (see `Distribution`)."""
        selection = _Selection(ranks, self._counted)
        counter = _Counter(self._keys(thresholds), selection.places(), self._counted, self._bits - _DIGIT)
        first_look = self._bits - 2 * _DIGIT
        for shift in range(first_look, -1, -_DIGIT):
            for keys, times in self._gathered(counter.open_places if shift == first_look else selection.places()):
                if shift == first_look:
                    counter.add(keys, times)
                selection.add(keys, times, shift)
            selection.descend()
        return counter.below(), [value + 0.0 for value in _numbers(selection.prefixes, self._bits)]

    def _widened(self, chunk: torch.Tensor) -> torch.Tensor:
        return chunk if self._bits == 32 else widened(chunk)

    def _finite(self, chunk: torch.Tensor, times: int) -> tuple[torch.Tensor, float, float]:
        """The finite values of a chunk, the smallest and the largest; counts the others."""
        values = self._widened(chunk)
        low, high = (float(end) for end in torch.aminmax(values))
        # A NaN shows in both ends, an infinity in one.
        if math.isfinite(low) and math.isfinite(high):
            return values, low, high
        self.nan += int(values.isnan().sum()) * times
        self.positive_infinite += int(values.isposinf().sum()) * times
        self.negative_infinite += int(values.isneginf().sum()) * times
        finite = values[values.isfinite()]
        if not finite.numel():
            return finite, math.inf, -math.inf
        low, high = (float(end) for end in torch.aminmax(finite))
        return finite, low, high

    def _gathered(self, places: Places) -> Iterator[tuple[torch.Tensor, int]]:
        """Ordered keys of the finite values whose leading bits are wanted, many at a time; how often each counts."""
        if not (places & (self._counted > 0)).any():
            return
        in_raw_order = np.zeros(_PLACES, dtype=np.bool_)
        in_raw_order[_IN_ORDER] = places
        table, held_times = torch.from_numpy(in_raw_order), 0
        held: list[torch.Tensor] = []
        for chunk, times in self._values.chunks(CHUNK_ELEMENTS):
            # What is not finite is not met: its leading bits are no finite value's, and no threshold lies among them.
            values = self._widened(chunk)
            table = table.to(values.device)
            met = values.masked_select(table.index_select(0, _leading(values)))
            if held and (times != held_times or sum(each.numel() for each in held) >= GATHERED):
                yield _ordered_keys(torch.cat(held)), held_times
                held = []
            held.append(met)
            held_times = times
        if held:
            yield _ordered_keys(torch.cat(held)), held_times

    def _keys(self, thresholds: Floats) -> Counts:
        """For each threshold the key below which exactly the values below the threshold lie."""
        # Zero is the first of the two zeros, so that neither counts as below it.
        exact = np.where(thresholds == 0, -0.0, thresholds)
        if self._bits == 64:
            wide: Counts = _ordered_keys(torch.from_numpy(exact)).numpy()
            return wide
        with np.errstate(over="ignore"):
            narrow = exact.astype(np.float32)
        narrow = np.where(narrow.astype(np.float64) < exact, np.nextafter(narrow, np.float32(np.inf)), narrow)
        narrow = np.where(narrow == 0, np.float32(-0.0), narrow)
        keys: Counts = _ordered_keys(torch.from_numpy(narrow)).numpy()
        return keys


class _Counter:
    """Counts the values below each of some keys: by whole places where it can, value by value in the open ones."""

    def __init__(self, keys: Counts, also_open: Places, counted: Counts, shift: int) -> None:
        self._keys = torch.from_numpy(keys)
        self._place = (keys >> shift) + _PLACES // 2
        parted = (keys & ((1 << shift) - 1)) != 0
        self.open_places = also_open.copy()
        self.open_places[self._place[parted]] = True
        self._before = np.concatenate([[0], np.cumsum(np.where(self.open_places, 0, counted))])
        self._between = np.zeros(len(keys) + 1, dtype=np.int64)

    def add(self, keys: torch.Tensor, times: int) -> None:
        """Takes in the keys of values in open places."""
        at = torch.searchsorted(self._keys.to(keys.device), keys, right=True)
        self._between += torch.bincount(at, minlength=len(self._between)).cpu().numpy() * times

    def below(self) -> Counts:
        """How many values lie below each key."""
        below: Counts = self._before[self._place] + np.cumsum(self._between)[:-1]
        return below


class _Selection:
    """Finds the keys of some ranks, 16 bits at a time."""

    def __init__(self, ranks: Sequence[int], counted: Counts) -> None:
        self._left = list(ranks)
        self.prefixes = [0] * len(ranks)
        self._leading = [0] * len(ranks)
        self._counts: dict[int, Counts] = {0: counted}
        self.descend()
        # Keys are signed: what the first digit says runs from −32768.
        self._leading = list(self.prefixes)
        self.prefixes = [prefix - _PLACES // 2 for prefix in self.prefixes]
        self._begin()

    def places(self) -> Places:
        """Where among the leading 16 bits the ranks lie."""
        places = np.zeros(_PLACES, dtype=np.bool_)
        places[self._leading] = True
        return places

    def add(self, keys: torch.Tensor, times: int, shift: int) -> None:
        """Takes in keys; those that begin as a rank's key does are counted by their next 16 bits, above `shift`."""
        begin = keys >> (shift + _DIGIT)
        for prefix, counts in self._counts.items():
            digits = (keys.masked_select(begin == prefix) >> shift) & (_PLACES - 1)
            counts += torch.bincount(digits, minlength=_PLACES).cpu().numpy() * times

    def descend(self) -> None:
        """Fixes the next 16 bits of every rank's key."""
        for index, prefix in enumerate(self.prefixes):
            up_to = np.cumsum(self._counts[prefix])
            digit = int(np.searchsorted(up_to, self._left[index], side="right"))
            self._left[index] -= int(up_to[digit - 1]) if digit else 0
            self.prefixes[index] = (prefix << _DIGIT) + digit
        self._begin()

    def _begin(self) -> None:
        self._counts = {prefix: np.zeros(_PLACES, dtype=np.int64) for prefix in set(self.prefixes)}


def _leading(values: torch.Tensor) -> torch.Tensor:
    """The leading 16 bits of float32 or float64 numbers, as int32 from 0 to 65535."""
    if values.dtype is torch.float32:
        return (values.view(torch.int32) >> _DIGIT).bitwise_and_(_PLACES - 1)
    return (values.view(torch.int64) >> (64 - _DIGIT)).to(torch.int32).bitwise_and_(_PLACES - 1)


def _ordered_keys(values: torch.Tensor) -> torch.Tensor:
    """int64 keys in the order of the float32 or float64 numbers: their bits, the magnitude inverted where negative."""
    whole = torch.int32 if values.dtype is torch.float32 else torch.int64
    raw = values.view(whole)
    return torch.where(raw < 0, raw ^ torch.iinfo(whole).max, raw).to(torch.int64)


def _numbers(keys: Sequence[int], bits: int) -> list[float]:
    """The numbers that have these keys."""
    whole, number = (torch.int32, torch.float32) if bits == 32 else (torch.int64, torch.float64)
    raw = [key if key >= 0 else key ^ torch.iinfo(whole).max for key in keys]
    return [float(value) for value in torch.tensor(raw, dtype=whole, device="cpu").view(number).tolist()]
