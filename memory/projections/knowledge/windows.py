"""Pairs evaluations within an act: the same metric on the same sample, before and after the act's writes.

An outcome is evidence only where nothing but the act can explain it: nothing else done to the model between the two
evaluations, no revert, and the first such pair of its metric (a second sample under the same coin is the same evidence
again). What an act without a baseline shows is compared with a forecast (`series`). Everything else is recorded and
never becomes evidence.

What no log can show is assumed: that a coin decided nothing but the sign (not the size of the dose, not whether the act
was evaluated).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from memory.events.modifications import FRESH_DIRECTION_METHODS
from memory.projections.knowledge.kept import Kept

_OPEN_WINDOWS = 64
"""Acts per model that are kept in mind; the oldest is forgotten beyond that, and would begin anew."""
_REMEMBERED = 1000
"""Acts per model that wrote and were given up, and are not to begin anew."""


@dataclass(frozen=True, slots=True)
class Write:
    """An act's write to one storage; several writes to it are one, their doses added."""

    position: int
    storage_id: int
    method: str | None
    dose: float | None
    randomised: bool
    propensity: float
    coin: int | None = None

    @property
    def level(self) -> float | None:
        """The absolute dose: outcomes of different levels are different series. None where no dose was given."""
        return None if self.dose is None else float(f"{abs(self.dose):.6g}")

    @property
    def sign(self) -> float:
        """The side of the dose."""
        return -1.0 if self.dose is not None and self.dose < 0 else 1.0

    @property
    def fresh(self) -> bool:
        """Whether each write draws a new direction, so that the sign of its dose means nothing."""
        return self.method in FRESH_DIRECTION_METHODS

    @property
    def size(self) -> float:
        """What its effect is a multiple of: the dose, or 1 where none was given or its sign means nothing."""
        if self.dose is None:
            return 1.0
        return abs(self.dose) if self.fresh else self.dose


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an act's writes did to some metrics."""

    act_id: str
    writes: tuple[Write, ...]
    metrics: tuple[str, ...]
    changes: tuple[float, ...]
    """After minus before, on one sample; where there is no baseline, the value itself."""
    baseline_position: int | None
    """The evaluation before the writes; None where there was none, and a forecast must do."""


@dataclass(slots=True)
class _Window:
    baselines: dict[tuple[str, str | None], tuple[int, float, int]] = field(default_factory=dict)
    """(metric, sample) to (position, value, writes to the model so far)."""
    writes: dict[int, Write] = field(default_factory=dict)
    """Storage to what was written to it."""
    own_writes: int = 0
    first_write: int = 0
    """The writes to the model before its first."""
    spoiled: bool = False
    """Whether it wrote something that is no evidence about any one storage."""
    settled: dict[str, None] = field(default_factory=dict)


class ActWindows(Kept):
    """The acts of one model that wait for an outcome."""

    def __init__(self, model: str) -> None:
        self.model = model
        self._windows: dict[str, _Window] = {}
        self._given_up: dict[str, None] = {}
        self._writes = 0

    def evaluation(
        self, position: int, act_id: str | None, sample: str | None, values: Mapping[str, float]
    ) -> list[Outcome]:
        """Take one evaluation: a baseline before the act's first write, an outcome after it.

        Returns:
            What it settles, by the evaluation it is compared with.
        """
        if act_id is None:
            return []
        self.changed()
        window = self._window(act_id)
        if window.own_writes == 0:
            for metric, value in values.items():
                window.baselines[metric, sample] = (position, value, self._writes)
            return []
        if window.spoiled or not window.writes:
            return []
        found: dict[int | None, list[tuple[str, float]]] = {}
        alone = self._writes - window.first_write == window.own_writes
        for metric, value in values.items():
            if metric in window.settled:
                continue
            baseline = window.baselines.get((metric, sample))
            if baseline is not None:
                before_position, before, writes_then = baseline
                if self._writes - writes_then == window.own_writes:
                    found.setdefault(before_position, []).append((metric, value - before))
            elif alone and not any(metric == each for each, _ in window.baselines):
                found.setdefault(None, []).append((metric, value))
        writes = tuple(window.writes.values())
        outcomes = []
        for before_at, changes in found.items():
            changes.sort()
            window.settled |= dict.fromkeys(metric for metric, _ in changes)
            metrics, numbers = zip(*changes, strict=True)
            outcomes.append(Outcome(act_id, writes, metrics, numbers, before_at))
        return outcomes

    def has_written(self, act_id: str | None) -> bool:
        """Say whether an act has written yet: what is evaluated after that is no evaluation of the model as it was."""
        window = self._windows.get(act_id) if act_id is not None else None
        return window is not None and window.own_writes > 0

    def awaits(self, act_id: str | None, metrics: Iterable[str]) -> bool:
        """Say whether an act has written, and waits for what became of some of these metrics."""
        window = self._windows.get(act_id) if act_id is not None else None
        return window is not None and window.own_writes > 0 and not all(each in window.settled for each in metrics)

    def wrote(self, act_id: str | None, entity: int) -> bool:
        """Say whether an act has written a storage."""
        window = self._windows.get(act_id) if act_id is not None else None
        return window is not None and entity in window.writes

    def write(self, act_id: str | None, write: Write | None) -> None:
        """Take a write that changed bytes.

        Args:
            act_id: The act it belongs to.
            write: What it was; None for one that is no evidence about one storage (a sweep).
        """
        self.changed()
        self._writes += 1
        if act_id is None:
            return
        window = self._window(act_id)
        if window.own_writes == 0:
            window.first_write = self._writes - 1
        window.own_writes += 1
        if write is None:
            window.spoiled = True
            return
        before = window.writes.get(write.storage_id)
        both = write if before is None else _added(before, write)
        if both is None:
            window.spoiled = True
        else:
            window.writes[write.storage_id] = both

    def disturbance(self) -> None:
        """Take something that may have changed weights and is no act's write: no baseline from before it pairs again.

        An act that has written takes no new baseline: after a revert its coin is known, and it is over.
        """
        self.changed()
        self._writes += 1

    def _window(self, act_id: str) -> _Window:
        window = self._windows.get(act_id)
        if window is None:
            window = self._windows[act_id] = _Window()
            while len(self._windows) > _OPEN_WINDOWS:
                oldest = next(iter(self._windows))
                if self._windows.pop(oldest).own_writes:
                    self._given_up[oldest] = None
            while len(self._given_up) > _REMEMBERED:
                del self._given_up[next(iter(self._given_up))]
            # Its coin is known: what comes under the same name later is no second act.
            window.spoiled = act_id in self._given_up
        return window

    def _packed(self) -> bytes:
        return orjson.dumps(self.to_state())

    def to_state(self) -> dict[str, Any]:
        """Give the windows as plain data."""
        return {
            "writes": self._writes,
            "given_up": list(self._given_up),
            "windows": [
                [
                    act_id,
                    [[metric, sample, *rest] for (metric, sample), rest in window.baselines.items()],
                    [_write_state(write) for write in window.writes.values()],
                    window.own_writes,
                    window.first_write,
                    window.spoiled,
                    list(window.settled),
                ]
                for act_id, window in self._windows.items()
            ],
        }

    @classmethod
    def from_state(cls, model: str, state: Mapping[str, Any]) -> ActWindows:
        """Rebuild from `to_state`."""
        windows = cls(model)
        windows._writes = state["writes"]
        windows._given_up = dict.fromkeys(state["given_up"])
        for act_id, baselines, writes, own_writes, first_write, spoiled, settled in state["windows"]:
            windows._windows[act_id] = _Window(
                {(metric, sample): (at, _number(value), then) for metric, sample, at, value, then in baselines},
                {write.storage_id: write for write in (Write(*each) for each in writes)},
                own_writes,
                first_write,
                spoiled,
                dict.fromkeys(settled),
            )
        return windows


def _added(first: Write, second: Write) -> Write | None:
    """Give two writes of one act as one; None where they are not one series, or cancel.

    Two coins with unequal odds fall on one side with other odds than either: only fair ones can be added.
    """
    alike = (first.storage_id, first.method, first.randomised) == (second.storage_id, second.method, second.randomised)
    lopsided = first.randomised and not first.propensity == second.propensity == 0.5
    if not alike or lopsided or (first.dose is None) != (second.dose is None):
        return None
    if first.dose is None or second.dose is None:
        return first
    dose = first.dose + second.dose
    coin = first.coin if first.coin == second.coin else None
    return replace(first, dose=dose, coin=coin) if dose != 0 and math.isfinite(dose) else None


def _write_state(write: Write) -> list[Any]:
    method, coin = write.method, write.coin
    return [write.position, write.storage_id, method, write.dose, write.randomised, write.propensity, coin]


def _number(value: float | None) -> float:
    """Read a number back: orjson writes what is not finite as null, and no outcome differs by which it was."""
    return float("nan") if value is None else float(value)
