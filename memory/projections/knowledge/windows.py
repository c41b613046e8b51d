"""Pairs evaluations within an act: the same metric on the same sample, before and after the act's one write.

An outcome is evidence only where nothing else can explain it: one storage written by the act, nothing else done to the
model between the two evaluations, no revert, and the first such pair of its metric (a second sample under the same
coin is the same evidence again). Everything else is recorded and never becomes evidence.

What no log can show is assumed: that a coin decided nothing but the sign (not the size of the dose, not whether the act
was evaluated).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from memory.events.modifications import FRESH_DIRECTION_METHODS

_OPEN_WINDOWS = 64
"""Acts per model that are kept in mind; the oldest is forgotten beyond that, and would begin anew."""


_REMEMBERED = 10_000
"""Acts per model that wrote and were given up, and are not to begin anew."""


@dataclass(frozen=True, slots=True)
class Write:
    """An act's write to its one storage; several writes to it are one, their doses added."""

    position: int
    storage_id: int
    method: str | None
    dose: float | None
    randomised: bool
    propensity: float

    @property
    def level(self) -> float | None:
        """The absolute dose: outcomes of different levels are different series. None where no dose was given."""
        return None if self.dose is None else float(f"{abs(self.dose):.6g}")

    @property
    def sign(self) -> float:
        """The side of the dose."""
        return -1.0 if self.dose is not None and self.dose < 0 else 1.0

    def kinds(self) -> tuple[str, ...]:
        """Give the kinds of hypothesis this write can bear on.

        With a coin, both: the odd part of the outcome (effect) and the even part (impact) are told apart. Without one
        they are confounded: a signed write then bears on `effect` only, an unsigned one on `impact` only.
        """
        if self.dose is None or self.method in FRESH_DIRECTION_METHODS:
            return ("impact",)
        return ("effect", "impact") if self.randomised else ("effect",)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a write did to a metric: after minus before, on one sample."""

    model: str
    metric: str
    position: int
    baseline_position: int
    act_id: str
    write: Write
    change: float


@dataclass(slots=True)
class _Window:
    baselines: dict[tuple[str, str | None], tuple[int, float, int]] = field(default_factory=dict)
    """(metric, sample) to (position, value, writes to the model so far)."""
    write: Write | None = None
    own_writes: int = 0
    joint: bool = False
    settled: list[str] = field(default_factory=list)


class ActWindows:
    """The acts of one model that wait for an outcome."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._windows: dict[str, _Window] = {}
        self._given_up: dict[str, None] = {}
        self._writes = 0

    def evaluation(
        self, position: int, act_id: str | None, sample: str | None, values: Mapping[str, float]
    ) -> Iterator[Outcome]:
        """Take one evaluation: a baseline before the act's first write, an outcome after it."""
        if act_id is None:
            return
        window = self._window(act_id)
        for metric, value in sorted(values.items()):
            if window.own_writes == 0:
                window.baselines[metric, sample] = (position, value, self._writes)
                continue
            baseline = window.baselines.get((metric, sample))
            if baseline is None or window.write is None or window.joint or metric in window.settled:
                continue
            before_position, before, writes_then = baseline
            if self._writes - writes_then != window.own_writes:
                continue
            window.settled.append(metric)
            yield Outcome(self._model, metric, position, before_position, act_id, window.write, value - before)

    def write(self, act_id: str | None, write: Write | None) -> None:
        """Take a write that changed bytes.

        Args:
            act_id: The act it belongs to.
            write: What it was; None for one that is no evidence about one storage (a sweep).
        """
        self._writes += 1
        if act_id is None:
            return
        window = self._window(act_id)
        window.own_writes += 1
        if write is None or window.joint:
            window.joint = True
        elif window.write is None:
            window.write = write
        else:
            window.write = _added(window.write, write)
            window.joint = window.write is None

    def disturbance(self) -> None:
        """Take something that may have changed weights and is no act's write: no baseline from before it pairs again.

        An act that has written takes no new baseline: after a revert its coin is known, and it is over.
        """
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
            window.joint = act_id in self._given_up
        return window

    def to_state(self) -> dict[str, Any]:
        """Give the windows as plain data."""
        return {
            "writes": self._writes,
            "given_up": list(self._given_up),
            "windows": [
                [
                    act_id,
                    [[metric, sample, *rest] for (metric, sample), rest in window.baselines.items()],
                    None if window.write is None else _write_state(window.write),
                    window.own_writes,
                    window.joint,
                    window.settled,
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
        for act_id, baselines, write, own_writes, joint, settled in state["windows"]:
            windows._windows[act_id] = _Window(
                {(metric, sample): (at, _number(value), then) for metric, sample, at, value, then in baselines},
                None if write is None else Write(*write),
                own_writes,
                joint,
                list(settled),
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
    return replace(first, dose=dose) if dose != 0 and math.isfinite(dose) else None


def _write_state(write: Write) -> list[Any]:
    return [write.position, write.storage_id, write.method, write.dose, write.randomised, write.propensity]


def _number(value: float | None) -> float:
    """Read a number back: orjson writes what is not finite as null, and no outcome differs by which it was."""
    return float("nan") if value is None else float(value)
