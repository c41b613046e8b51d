"""What each kind of write is expected to do to each metric: one recursive least squares for all of them.

The change of a metric, minus its forecast without any write, is regressed on the doses of the writes of the act. It
serves to take other writes' effects out of an outcome before anything is bet on it. Ridge prior and noise are fixed in
units of each metric's running scale, so the gains depend on doses alone, and metrics with the same history share them.

*Guaranteed*: predictable; what is expected of an outcome was learned from earlier outcomes only, so subtracting it
leaves symmetry about 0 given the past as it was. How close it comes to the truth is *measured*.

Who shares: metrics that were outcomes of exactly the same events have exactly the same gains, so they form a group with
one covariance; the first event that has only some of a group splits it. Sharing on would let an absent metric's gain
shrink as if it had been seen, and its effects would never be learned. The first eight groups keep a dense covariance of
the first 256 regressors; everything else keeps the variance of each regressor alone, which learns more slowly where
writes keep the same company, but never wrongly shares.

A regressor's own writes alone make it forget: others' say nothing new of it, and its variance never exceeds the prior.

Source: Plackett 1950 (recursive least squares); Kulhavý 1987 (forgetting where there was information only).
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from memory.inference.packed import Arrays
from memory.inference.scale_rows import ScaleRows, grown

__all__ = ["DENSE_GROUPS", "DENSE_REGRESSORS", "WriteEffects"]

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

DENSE_REGRESSORS = 256
"""Regressors whose covariances are kept: the first that came."""
DENSE_GROUPS = 8
"""Groups of metrics that keep covariances: the first that came."""
FORGETTING = 0.998
"""What a write's weight is worth one write to the same regressor later."""
PRIOR = 1.0
"""Prior variance of an effect per unit of dose, in squared scales of the metric; the noise has variance 1."""
OUTLIER = 5.0
"""Surprises are clipped at so many scales."""

_NEGLIGIBLE = 1e-3
"""Covariances with what was not written are kept from this share of the largest on."""
_LARGEST = 1e60
"""Beyond this size a number is none to reckon with."""
_LARGEST_DOSE = 1e6
"""Doses are about 1 at a method's reference; beyond this size rounding would eat the covariances."""


class WriteEffects:
    """Estimates of a growing set of regressors (storage × method) for a growing set of metrics."""

    def __init__(self) -> None:
        self.skipped = 0
        """Outcomes that were not finite, and whole events with a dose that was none."""
        self._effects: Floats = np.zeros((0, 0))
        self._scale = ScaleRows()
        self._counts: Index = np.zeros(0, dtype=np.int64)
        self._group: Index = np.zeros(0, dtype=np.int64)
        self._sizes: Index = np.zeros(0, dtype=np.int64)
        self._events: Index = np.zeros(0, dtype=np.int64)
        self._variance: Floats = np.zeros((0, 0))
        self._dense: Floats = np.zeros((0, 0, 0))
        self._key: bytes | None = None
        self._near: list[tuple[int, Index | slice]] = []
        self._far: tuple[Index, Index, Index] | None = None

    @property
    def regressors(self) -> int:
        """How many regressors there are."""
        return len(self._counts)

    @property
    def metrics(self) -> int:
        """How many metrics there are."""
        return len(self._group)

    def grow(self, regressors: int, metrics: int) -> None:
        """Have at least so many regressors and metrics; of new ones nothing is expected."""
        more, rows = max(regressors, self.regressors), max(metrics, self.metrics)
        if (rows, more) == self._effects.shape:
            return
        old, added, fresh = self.regressors, more - self.regressors, rows - self.metrics
        self._effects = np.pad(self._effects, ((0, fresh), (0, added)))
        self._variance = np.pad(self._variance, ((0, 0), (0, added)), constant_values=PRIOR)
        self._counts = grown(self._counts, more)
        self._scale.grow(rows)
        dense = min(more, DENSE_REGRESSORS)
        if dense > old:
            self._dense = np.pad(self._dense, ((0, 0), (0, dense - old), (0, dense - old)))
            self._dense[:, range(old, dense), range(old, dense)] = PRIOR
        if fresh:
            untouched = np.flatnonzero(self._events == 0)
            group = int(untouched[0]) if len(untouched) else self._found(None)
            self._group = np.concatenate([self._group, np.full(fresh, group)])
            self._sizes[group] += fresh

    def _found(self, origin: int | None) -> int:
        """Found a group with the covariances of another, or with the prior's, and return its number."""
        group, dense = len(self._sizes), len(self._dense)
        covariance = np.eye(min(self.regressors, DENSE_REGRESSORS)) * PRIOR
        variance = np.full(self.regressors, PRIOR)
        if origin is not None:
            variance = self._variance[origin].copy()
            if origin < dense:
                covariance = self._dense[origin]
                variance[: len(covariance)] = covariance.diagonal()
        self._variance = np.concatenate([self._variance, variance[None]])
        if group < DENSE_GROUPS:
            self._dense = np.concatenate([self._dense, covariance[None]])
        self._sizes = grown(self._sizes, group + 1)
        self._events = grown(self._events, group + 1)
        self._events[group] = 0 if origin is None else self._events[origin]
        return group

    def count(self, regressors: Index) -> Index:
        """Return how many outcomes each regressor has had: events with a dose of it and at least one metric."""
        return self._counts[regressors]

    def expected(self, regressors: Index, doses: Floats, metrics: Index) -> Floats:
        """Return what each write is expected to add to each metric, judged from the past.

        Args:
            regressors: which writes.
            doses: how large each is, signed; one that is no number, or far beyond the reference, is taken for 0.
            metrics: which metrics.

        Returns:
            Regressors × metrics; always finite.
        """
        doses = np.where(np.abs(doses) <= _LARGEST_DOSE, doses, 0.0)
        return self._effects[metrics[None, :], regressors[:, None]] * doses[:, None]

    def doubt(self, regressors: Index, doses: Floats, metrics: Index) -> Floats:
        """Return how much of what each write seems to do may be the others' doing, and stay so.

        What is not known of a write that comes along by chance averages out. What is not known of one that nearly
        always comes along does not: the two estimates then err together, in opposite ways.

        Args:
            regressors: which writes; distinct.
            doses: how large each is.
            metrics: which metrics.

        Returns:
            Writes × metrics, in the metric's units: two standard errors of what the others add, as far as those err
            together with the write's own.
        """
        doubts = np.zeros((len(regressors), len(metrics)))
        if len(regressors) < 2:
            return doubts
        # A scale is a median, about two thirds of a standard deviation.
        scale = 2.0 * 1.4826 * self._scale.centre(metrics)
        for group in np.unique(self._group[metrics]).tolist():
            covariance = np.diag(self._variance[group, regressors])
            if group < len(self._dense):
                near = np.flatnonzero(regressors < len(self._dense[group]))
                covariance[np.ix_(near, near)] = self._dense[group][np.ix_(regressors[near], regressors[near])]
            joint = covariance * doses[:, None] * doses
            own = joint.diagonal()
            shared = np.abs(_weighted(joint, np.ones(len(own))) - own)
            of_group = self._group[metrics] == group
            doubts[:, of_group] = (shared / np.sqrt(np.maximum(own, 1e-300)))[:, None] * scale[of_group]
        return doubts

    def update(self, regressors: Index, doses: Floats, metrics: Index, residual: Floats) -> None:
        """Learn from the outcome of one event.

        Args:
            regressors: which writes; distinct. Their order does not matter.
            doses: how large each was; 0 for none.
            metrics: which metrics were read; distinct.
            residual: change of each, minus its forecast without any write's effect.

        Raises:
            ValueError: a regressor or a metric is named twice.
        """
        if len(set(regressors.tolist())) < len(regressors) or len(set(metrics.tolist())) < len(metrics):
            raise ValueError(f"writes and metrics of one event must be distinct, not {regressors} and {metrics}")
        if not (np.abs(doses) <= _LARGEST_DOSE).all():
            self.skipped += len(metrics)
            return
        usable = np.abs(residual) <= _LARGEST
        if not usable.all():
            self.skipped += int(np.count_nonzero(~usable))
            metrics, residual = metrics[usable], residual[usable]
        if not len(metrics):
            return
        order = np.argsort(regressors)
        regressors, doses = regressors[order], doses[order]
        if not doses.all():
            regressors, doses = regressors[doses != 0.0], doses[doses != 0.0]
        effects = self._effects[metrics]
        surprise = residual - _weighted(effects[:, regressors], doses)
        scale = self._scale.centre(metrics)
        limit = np.where(scale > 0.0, OUTLIER * scale, np.inf)
        if surprise.all():
            self._scale.add(metrics, np.abs(surprise))
        else:
            moved = surprise != 0.0
            self._scale.add(metrics[moved], np.abs(surprise[moved]))
        if not len(regressors):
            return
        surprise = np.minimum(np.maximum(surprise, -limit), limit)
        self._counts[regressors] += 1
        self._part(metrics)
        for group, chosen in self._near:
            effects[chosen] += surprise[chosen, None] * self._gain(group, regressors, doses)
        if self._far is not None:
            groups, chosen, member = self._far
            gains = self._gains(groups, regressors, doses)[member]
            effects[chosen[:, None], regressors] += surprise[chosen, None] * gains
        self._effects[metrics] = effects

    def _part(self, metrics: Index) -> None:
        """Sort the metrics of an event by group; the last event's answer is kept, since most read the same ones."""
        key = metrics.tobytes()
        if key != self._key:
            self._split(metrics)
            groups, member = np.unique(self._group[metrics], return_inverse=True)
            dense = int(np.searchsorted(groups, len(self._dense)))
            self._near = [(int(group), np.flatnonzero(member == at)) for at, group in enumerate(groups[:dense])]
            if len(groups) == dense == 1:
                self._near = [(int(groups[0]), slice(None))]
            far = np.flatnonzero(member >= dense)
            self._far = (groups[dense:], far, member[far] - dense) if len(far) else None
            self._key = key
            self._read = groups
        self._events[self._read] += 1

    def _split(self, metrics: Index) -> None:
        """Part the metrics that were read from those of their group that were not."""
        groups = self._group[metrics]
        read = np.bincount(groups, minlength=len(self._sizes))
        for group in np.flatnonzero((read > 0) & (read < self._sizes)).tolist():
            fresh = self._found(group)
            self._group[metrics[groups == group]] = fresh
            self._sizes[fresh] = read[group]
            self._sizes[group] -= read[group]

    def _gain(self, group: int, regressors: Index, doses: Floats) -> Floats:
        """Update a group that keeps covariances; return by how much each regressor's effect moves per surprise."""
        covariance = self._dense[group]
        size = len(covariance)
        near = int(np.searchsorted(regressors, size))
        inside, outside, inner, outer = regressors[:near], regressors[near:], doses[:near], doses[near:]
        gain = np.zeros(self.regressors)
        moment = _weighted(covariance[inside].T, inner)
        alone = self._variance[group, outside] * outer
        noise = 1.0 + _sum(moment[inside] * inner) + _sum(alone * outer)
        gain[:size] = moment / noise
        gain[outside] = alone / noise
        # One factor on both sides keeps the matrix symmetric to the last bit.
        moment /= np.sqrt(noise)
        # What is nearly uncorrelated stays uncorrelated: it would cost the whole matrix, and tell nothing.
        sizes = np.abs(moment)
        moment[sizes < _NEGLIGIBLE * sizes.max()] = 0.0
        touched = np.flatnonzero(moment)
        if 4 * len(touched) < size:
            part = moment[touched]
            covariance[np.ix_(touched, touched)] -= part[:, None] * part
        else:
            covariance -= moment[:, None] * moment
        widen = np.sqrt(np.minimum(1.0 / FORGETTING, PRIOR / covariance[inside, inside]))
        covariance[inside] *= widen[:, None]
        covariance[:, inside] *= widen
        if len(outside):
            self._variance[group, outside] = _narrowed(self._variance[group, outside], outer, noise)
        return gain

    def _gains(self, groups: Index, regressors: Index, doses: Floats) -> Floats:
        """Update groups that keep variances only; return their gains, groups × regressors."""
        variance = self._variance[groups[:, None], regressors]
        alone = variance * doses
        noise = 1.0 + _weighted(alone, doses)[:, None]
        self._variance[groups[:, None], regressors] = _narrowed(variance, doses, noise)
        return alone / noise

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state as arrays; a copy."""
        names = ("effects", "counts", "group", "sizes", "events", "variance", "dense")
        arrays = {name: getattr(self, f"_{name}").copy() for name in names}
        scale = {f"scale.{name}": array.copy() for name, array in self._scale.to_arrays().items()}
        return {**arrays, **scale, "skipped": np.array([self.skipped], dtype=np.int64)}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Return the estimates that `to_arrays` described, bit for bit.

        Raises:
            ValueError: the arrays do not describe any.
        """
        learned = cls()
        learned._effects, learned._counts = arrays["effects"].copy(), arrays["counts"].copy()
        learned._group, learned._sizes = arrays["group"].copy(), arrays["sizes"].copy()
        learned._events, learned._variance = arrays["events"].copy(), arrays["variance"].copy()
        learned._dense = arrays["dense"].copy()
        learned.skipped = int(arrays["skipped"][0])
        learned._scale = ScaleRows.from_arrays({name: arrays[f"scale.{name}"].copy() for name in ("window", "filled")})
        metrics, regressors = learned._effects.shape
        if len(learned._group) != metrics or learned._variance.shape != (len(learned._sizes), regressors):
            raise ValueError(f"{metrics} metrics and {regressors} regressors do not fit their covariances")
        return learned


def _sum(values: Floats) -> float:
    """Return the sum in the order given, whatever the length: a library's reduction may choose its own."""
    total = 0.0
    for value in values.tolist():
        total += value
    return total


def _weighted(columns: Floats, weights: Floats) -> Floats:
    """Return the weighted sum of the columns of a table, added in order."""
    total: Floats = np.zeros(len(columns))
    for column, weight in zip(columns.T, weights.tolist(), strict=True):
        total += column * weight
    return total


def _narrowed(variance: Floats, doses: Floats, noise: Floats | float) -> Floats:
    """Return what is left of a variance after an outcome, widened for forgetting but never beyond the prior."""
    left = variance * (1.0 - variance * doses * doses / noise)
    return np.minimum(left / FORGETTING, PRIOR)
