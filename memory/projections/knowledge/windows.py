"""Pairs evaluations within an act: the same metric on the same sample, before and after the act's one write.

An outcome is evidence only where nothing else can explain it: one storage written by the act, no other write to the
model between the two evaluations, no revert, and the first such pair of its metric (a second sample under the same
coin is the same evidence again). Everything else is recorded and never becomes evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from memory.events.modifications import FRESH_DIRECTION_METHODS

_OPEN_WINDOWS = 64
"""Acts per model that may wait for their outcome at once; the oldest is given up beyond that."""


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
        """The absolute dose: outcomes of different levels are different series. None where the sign means nothing."""
        if self.dose is None or self.method in FRESH_DIRECTION_METHODS:
            return None
        return float(f"{abs(self.dose):.6g}")

    @property
    def sign(self) -> float:
        """The side of the dose."""
        return -1.0 if self.dose is not None and self.dose < 0 else 1.0

    def kinds(self) -> tuple[str, ...]:
        """Give the kinds of hypothesis this write can bear on.

        With a coin, both: the odd part of the outcome (effect) and the even part (impact) are told apart. Without one
        they are confounded: a signed write then bears on `effect` only, an unsigned one on `impact` only.
        """
        if self.level is None:
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
        elif (window.write.storage_id, window.write.method) != (write.storage_id, write.method):
            window.joint = True
        else:
            window.write = _added(window.write, write)
            window.joint = window.write.dose == 0

    def repeated_record(self, act_id: str | None) -> None:
        """Take the second record of one write (per-name logs): no write of its own."""

    def disturbance(self) -> None:
        """Take something that changed weights and belongs to no act: no open window survives it."""
        self._writes += 1

    def close(self, act_id: str) -> None:
        """Give an act's window up: its write was taken back, so later evaluations are no outcome of it."""
        self._windows.pop(act_id, None)

    def _window(self, act_id: str) -> _Window:
        window = self._windows.get(act_id)
        if window is None:
            window = self._windows[act_id] = _Window()
            while len(self._windows) > _OPEN_WINDOWS:
                del self._windows[next(iter(self._windows))]
        return window

    def to_state(self) -> dict[str, Any]:
        """Give the windows as plain data."""
        return {
            "writes": self._writes,
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
        for act_id, baselines, write, own_writes, joint, settled in state["windows"]:
            windows._windows[act_id] = _Window(
                {(metric, sample): (at, _number(value), then) for metric, sample, at, value, then in baselines},
                None if write is None else Write(*write),
                own_writes,
                joint,
                list(settled),
            )
        return windows


def _added(first: Write, second: Write) -> Write:
    both = first.dose is not None and second.dose is not None
    return Write(
        position=first.position,
        storage_id=first.storage_id,
        method=first.method,
        dose=(first.dose or 0.0) + (second.dose or 0.0) if both else None,
        randomised=first.randomised and second.randomised and both,
        propensity=first.propensity,
    )


def _write_state(write: Write) -> list[Any]:
    return [write.position, write.storage_id, write.method, write.dose, write.randomised, write.propensity]


def _number(value: float | None) -> float:
    """Read a number back: JSON has no NaN, and orjson writes it as null."""
    return float("nan") if value is None else float(value)
