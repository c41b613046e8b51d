"""Metrics as series: what was to be expected of each evaluation, and what every write is known to do to it.

A write that stays moves the level its metrics are expected at by what it is known to do; an act that was undone leaves
them where they stood before it. After anything that may have changed weights and is no write of a known storage, the
next evaluation is a new level and says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memory.inference.innovations import Innovations, Step
from memory.inference.scale_rows import Floats, Index, grown
from memory.inference.volatility import Volatility
from memory.inference.write_effects import WriteEffects
from memory.projections.knowledge.kept import Kept, head_of, under, with_head
from memory.projections.knowledge.panel import Flags
from memory.projections.knowledge.windows import Write

_KNOWN = 12
"""Outcomes it takes until what a write does is known well enough to be taken off what else happens."""
_PENDING = 64
"""Writes since the last evaluation that are kept apart; of more, nobody can say which did what."""
_RETURN = 0.3
"""By what share of what is expected a metric may return more, or less, than it is expected to."""
_MARKS = 4
"""Acts that can be undone without leaving a new level."""


@dataclass(slots=True)
class _Pending:
    number: int
    act_id: str | None
    regressor: int
    size: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What one evaluation said of some metrics, against its forecast."""

    index: Index
    u: Floats
    """Standardised innovations, 0 where there is none."""
    known: Flags
    """Where there is an innovation."""
    clean: Flags
    """Where nothing was written since the last evaluation but what is known well."""
    residual: Floats
    """Value minus forecast, pending writes' known effects included in the forecast."""
    off: Floats
    """How far a value may be off its forecast though nothing was written, upwards and downwards: metrics by side."""
    stale: Flags
    """Where the level was put back after an act was undone, and not read since.

    All that is compared with such a level shares one error of it: only a coin tells that from an effect.
    """
    restless: Floats
    """How many times as far as usual values were expected to be off their forecasts."""


class Series(Kept):
    """The metrics of one model by number, and every (storage, method) ever written as one regressor."""

    def __init__(self) -> None:
        self._innovations = Innovations()
        self._effects = WriteEffects()
        self._volatility = Volatility()
        self._regressors: dict[tuple[int, str | None, bool], int] = {}
        """(storage, method, whether it is the part that does not turn round with the dose) to its number."""
        self._number = 0
        self._broken_at = 0
        self._pending: list[_Pending] = []
        self._seen: Index = np.zeros(0, dtype=np.int64)
        self._latest: Floats = np.zeros(0)
        """The last finite value of each metric."""
        self._stale: Flags = np.zeros(0, dtype=np.bool_)
        """Which metrics' levels were put back and not read since."""
        self._marks: dict[str, tuple[int, Floats]] = {}
        self._undone: tuple[str, int] | None = None

    # Writes

    def write(self, act_id: str | None, write: Write) -> None:
        """Take a counted write."""
        self.changed()
        if act_id is not None and act_id not in self._marks:
            self._marks[act_id] = self._number, self._innovations.levels()
            while len(self._marks) > _MARKS:
                del self._marks[next(iter(self._marks))]
        self._number += 1
        odd, even = self._parts(write)
        for regressor, size in ((odd, write.size), (even, abs(write.size))):
            if regressor is not None:
                self._pending.append(_Pending(self._number, act_id, regressor, size))
        while len(self._pending) > _PENDING:
            self._broken_at = self._pending.pop(0).number

    def _parts(self, write: Write) -> tuple[int | None, int]:
        """Give the regressors of what turns round with a write's dose, where anything can, and of what does not."""
        odd = None if write.dose is None or write.fresh else self._regressor(write, even=False)
        return odd, self._regressor(write, even=True)

    def _regressor(self, write: Write, *, even: bool) -> int:
        key = write.storage_id, write.method, even
        found = self._regressors.get(key)
        if found is None:
            found = self._regressors[key] = len(self._regressors)
            self._effects.grow(len(self._regressors), len(self._seen))
        return found

    def disturbance(self) -> None:
        """Take something that may have changed weights in a way nobody knows."""
        self.changed()
        self._number += 1
        self._broken_at = self._number
        self._pending.clear()
        self._marks.clear()

    def revert(self, act_id: str | None) -> None:
        """Take a write that takes an act back: metrics stand where they stood before it, if nothing came between."""
        self.changed()
        if act_id is not None and self._undone == (act_id, self._number):
            return
        mark = self._marks.pop(act_id, None) if act_id is not None else None
        others = [each for each in self._pending if mark and each.act_id != act_id and each.number > mark[0]]
        if act_id is None or mark is None or others:
            self.disturbance()
            return
        self._innovations.put_back(mark[1])
        self._stale[:] = True
        self._pending = [each for each in self._pending if each.number <= mark[0]]
        self._marks = {act: each for act, each in self._marks.items() if each[0] <= mark[0]}
        self._undone = act_id, self._number

    # Evaluations

    def grow(self, metrics: int) -> None:
        """Have room for so many metrics."""
        if metrics > len(self._seen):
            self._innovations.grow(metrics)
            self._effects.grow(len(self._regressors), metrics)
            fresh = np.full(metrics, self._number, dtype=np.int64)
            fresh[: len(self._seen)] = self._seen
            self._seen = fresh
            self._latest = grown(self._latest, metrics)
            self._stale = grown(self._stale, metrics)
            self._volatility.grow(metrics)

    def expected(self, writes: Sequence[Write], index: Index) -> Floats:
        """Give what each write is known to do to each metric: by write, odd part and even part, and metric."""
        regressors, sizes, places = self._given(writes)
        found = np.zeros((len(writes), 2, len(index)))
        found.reshape(2 * len(writes), len(index))[places] = self._effects.expected(regressors, sizes, index)
        return found

    def doubt(self, writes: Sequence[Write], index: Index) -> Floats:
        """Give, for each write and metric, how far the others' even parts may be from what they are known to be.

        Their odd parts are no matter of doubt: whichever side a coin chose, what is wrong about them averages out.
        """
        if len(writes) == 1:
            return np.zeros((1, len(index)))
        regressors = np.array([self._parts(write)[1] for write in writes], dtype=np.int64)
        return self._effects.doubt(regressors, np.array([abs(write.size) for write in writes]), index)

    def _given(self, writes: Sequence[Write]) -> tuple[Index, Floats, Index]:
        """Give the regressors of writes, their sizes, and the place of each: twice its write, and one if even."""
        given = []
        for at, write in enumerate(writes):
            odd, even = self._parts(write)
            if odd is not None:
                given.append((odd, write.size, 2 * at))
            given.append((even, abs(write.size), 2 * at + 1))
        regressors, sizes, places = zip(*given, strict=True)
        return np.array(regressors, dtype=np.int64), np.array(sizes), np.array(places, dtype=np.int64)

    def learn(self, writes: Sequence[Write], index: Index, change: Floats) -> None:
        """Learn what writes do from a change that nothing else made."""
        regressors, sizes, _ = self._given(writes)
        self._effects.update(regressors, sizes, index, change)
        self.changed()

    def read(self, index: Index, values: Floats, *, learn: bool) -> Reading:
        """Take one evaluation of some metrics.

        Args:
            index: Which.
            values: Their values.
            learn: Whether what it says of the writes since the last is to be learned from: not where a pair says it.
        """
        self.changed()
        seen = self._seen[index]
        if not len(index):
            none = np.zeros(0, dtype=np.bool_)
            return Reading(index, values, none, none, values, np.zeros((0, 2)), none, values)
        if (seen == seen[0]).all():
            reading = self._read_alike(index, values, int(seen[0]), learn=learn)
        else:
            parts = [
                self._read_alike(index[seen == each], values[seen == each], int(each), learn=learn)
                for each in np.unique(seen)
            ]
            order = np.argsort(np.concatenate([np.flatnonzero(seen == each) for each in np.unique(seen)]))
            reading = Reading(
                index,
                *(
                    np.concatenate([getattr(part, name) for part in parts])[order]
                    for name in ("u", "known", "clean", "residual", "off", "stale", "restless")
                ),
            )
        self._seen[index] = self._number
        oldest = int(self._seen.min(initial=self._number))
        if self._pending and self._pending[0].number <= oldest:
            self._pending = [each for each in self._pending if each.number > oldest]
        return reading

    def _read_alike(self, index: Index, values: Floats, seen: int, *, learn: bool) -> Reading:
        pending = [each for each in self._pending if each.number > seen]
        broken = np.full(len(index), self._broken_at > seen)
        if not pending:
            step = self._innovations.update(index, values, None, broken)
            return self._told(index, values, step, step.known)
        by_regressor: dict[int, float] = {}
        for each in pending:
            by_regressor[each.regressor] = by_regressor.get(each.regressor, 0.0) + each.size
        distinct, sizes = np.array(list(by_regressor), dtype=np.int64), np.array(list(by_regressor.values()))
        adjustment = self._effects.expected(distinct, sizes, index).sum(axis=0)
        well_known = bool((self._effects.count(distinct) >= _KNOWN).all())
        step = self._innovations.update(index, values, adjustment, broken)
        known = step.known & ~self._stale[index]
        if learn and known.any():
            self._effects.update(distinct, sizes, index[known], step.unadjusted[known])
        clean = step.known if well_known else np.zeros(len(index), dtype=np.bool_)
        return self._told(index, values, step, clean)

    def _told(self, index: Index, values: Floats, step: Step, clean: Flags) -> Reading:
        """Give what a step says, and take note of it.

        Whoever acts when a metric is unusual will see it return, more or less than was expected: by some share of the
        return that was expected, and towards its level by all of what was expected to stay.
        """
        latest = self._latest[index]
        returns = _RETURN * np.abs(np.where(step.known, step.forecast - step.adjustment - latest, 0.0))
        off = np.empty((len(index), 2))
        off[:, 0] = returns + np.maximum(-step.stays, 0.0)
        off[:, 1] = returns + np.maximum(step.stays, 0.0)
        stale, restless = self._stale[index], self._volatility.ratio(index)
        self._stale[index] = False
        self._latest[index] = np.where(np.isfinite(values), values, latest)
        self._volatility.update(index[step.known], step.residual[step.known])
        return Reading(index, step.u, step.known, clean, step.residual, off, stale, restless)

    # State

    def _packed(self) -> bytes:
        marks = [[act_id, number] for act_id, (number, _) in self._marks.items()]
        head = {
            "regressors": [list(key) for key in self._regressors],
            "number": self._number,
            "broken_at": self._broken_at,
            "pending": [[each.number, each.act_id, each.regressor, each.size] for each in self._pending],
            "marks": marks,
            "undone": self._undone,
        }
        arrays: dict[str, NDArray[Any]] = {"seen": self._seen, "latest": self._latest, "stale": self._stale}
        arrays |= {f"levels {at}": levels for at, (_, levels) in enumerate(self._marks.values())}
        arrays |= {f"innovations {name}": array for name, array in self._innovations.to_arrays().items()}
        arrays |= {f"volatility {name}": array for name, array in self._volatility.to_arrays().items()}
        arrays |= {f"effects {name}": array for name, array in self._effects.to_arrays().items()}
        return with_head(head, arrays)

    @classmethod
    def unpacked(cls, stored: bytes) -> Series:
        """Rebuild from the stored form."""
        head, arrays = head_of(stored)
        series = cls()
        series._regressors = {tuple(key): at for at, key in enumerate(head["regressors"])}
        series._number, series._broken_at = head["number"], head["broken_at"]
        series._pending = [_Pending(*each) for each in head["pending"]]
        series._marks = {act_id: (number, arrays[f"levels {at}"]) for at, (act_id, number) in enumerate(head["marks"])}
        series._undone = None if head["undone"] is None else (head["undone"][0], head["undone"][1])
        series._seen, series._latest, series._stale = arrays["seen"], arrays["latest"], arrays["stale"]
        series._innovations = Innovations.from_arrays(under(arrays, "innovations "))
        series._effects = WriteEffects.from_arrays(under(arrays, "effects "))
        series._volatility = Volatility.from_arrays(under(arrays, "volatility "))
        series._stored = stored
        return series
