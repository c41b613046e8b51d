"""What a live picture shows, folded from events as they come; knows no terminal and asks no database."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from memory.events.envelope import StoredEvent
from memory.events.plain import number_from_stored
from memory.safety.metric_rules import better_by_name

KEPT_EVENTS = 200
KEPT_VALUES = 60
KEPT_ALERTS = 20
WINDOW = 10
"""Seconds that the rate of events is taken over."""
_WRITES = frozenset({"modification", "coupled_modification"})

Verdict = Literal["better", "worse", "same", "moved"]


@dataclass(slots=True)
class Line:
    """One event, as a line."""

    position: int
    time: str
    event_type: str
    model: str
    act: str
    name: str
    """The name that was written; empty where none was."""
    about: str
    """What else there is to say of it."""
    coupled: tuple[str, ...]
    """The other names whose bytes the write changed."""


@dataclass(slots=True)
class Series:
    """The last values of one metric of one model."""

    model: str
    metric: str
    values: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT_VALUES))
    position: int = 0
    """Where the last one was measured."""

    @property
    def change(self) -> float | None:
        """The last value less the one before it; None where there is none before."""
        return self.values[-1] - self.values[-2] if len(self.values) > 1 else None


@dataclass(slots=True)
class Act:
    """The act that is being made, as far as it went."""

    name: str
    model: str
    began: str
    writes: int = 0
    coupled: int = 0
    measured: int = 0
    layers: dict[str, None] = field(default_factory=dict)
    """The names written, in order."""


@dataclass(frozen=True, slots=True)
class Warned:
    """One alert."""

    position: int
    level: str
    model: str
    message: str


class LiveState:
    """Everything a picture of a running agent is made of."""

    def __init__(self) -> None:
        self.position = 0
        self.models: dict[str, None] = {}
        self.lines: deque[Line] = deque(maxlen=KEPT_EVENTS)
        self.series: dict[tuple[str, str], Series] = {}
        self.alerts: deque[Warned] = deque(maxlen=KEPT_ALERTS)
        self.act: Act | None = None
        self._better: dict[tuple[str, str], str | None] = {}
        self._arrivals: deque[tuple[int, int]] = deque(maxlen=KEPT_VALUES)
        """(second, events that came in it)."""
        self._since: float | None = None

    def note(self, event: StoredEvent, now: float | None = None) -> None:
        """Take in one event.

        Args:
            event: The next one, in order of position.
            now: When it came, in seconds of any clock that does not jump; None for one that was there before.
        """
        import orjson

        payload = orjson.loads(event.text)
        self.position = event.position
        if event.model is not None:
            self.models.setdefault(event.model)
        self.lines.append(line_of(event, payload))
        if now is not None:
            self._arrived(int(now))
        self._in_act(event, payload)
        match event.event_type:
            case "metrics_recorded":
                self._measured(event, payload)
            case "metric_defined":
                self._better[payload.get("model") or "", payload["name"]] = payload.get("better")
            case "safety_alert":
                said = Warned(event.position, payload["level"], payload.get("model") or "", payload["message"])
                self.alerts.append(said)

    def acquaint(self, meanings: Mapping[tuple[str | None, str], tuple[str | None, float]]) -> None:
        """Take over what metrics were defined to mean before the first event that is noted."""
        for (model, metric), (better, _) in meanings.items():
            self._better[model or "", metric] = better

    def begin(self, now: float) -> None:
        """Say when events began to be waited for: from then on they have a rate."""
        self._since = now

    def rate(self, now: float) -> float:
        """Give how many events come in a second, over the last few."""
        began = now if self._since is None else self._since
        seconds = min(float(WINDOW), max(now - began, 1.0))
        return sum(count for second, count in self._arrivals if second > now - WINDOW) / seconds

    def arrivals(self, now: float, seconds: int) -> list[float]:
        """Give how many events came in each of the last seconds, the oldest first."""
        counts = dict(self._arrivals)
        return [float(counts.get(int(now) - ago, 0)) for ago in range(seconds - 1, -1, -1)]

    def verdict(self, series: Series) -> Verdict | None:
        """Say what the last change of a metric means; None where it did not change yet."""
        change = series.change
        if change is None or not math.isfinite(change):
            return None
        if change == 0:
            return "same"
        defined = self._better.get((series.model, series.metric)) or self._better.get(("", series.metric))
        better = defined or better_by_name(series.metric)
        if better is None:
            return "moved"
        return "better" if (change < 0) == (better == "lower") else "worse"

    def _arrived(self, second: int) -> None:
        if self._arrivals and self._arrivals[-1][0] == second:
            self._arrivals[-1] = (second, self._arrivals[-1][1] + 1)
        else:
            self._arrivals.append((second, 1))

    def _in_act(self, event: StoredEvent, payload: Mapping[str, Any]) -> None:
        if event.act_id is None:
            return
        if self.act is None or self.act.name != event.act_id:
            self.act = Act(event.act_id, event.model or "", event.occurred_at.strftime("%H:%M:%S"))
        if event.event_type in _WRITES:
            self.act.writes += 1
            self.act.coupled += event.event_type == "coupled_modification"
            self.act.layers.setdefault(payload["primary_layer"])
        elif event.event_type == "metrics_recorded":
            self.act.measured += 1

    def _measured(self, event: StoredEvent, payload: Mapping[str, Any]) -> None:
        for metric, stored in payload["metrics"].items():
            key = event.model or "", metric
            series = self.series.setdefault(key, Series(*key))
            series.values.append(number_from_stored(stored))
            series.position = event.position


def line_of(event: StoredEvent, payload: Mapping[str, Any]) -> Line:
    """Give an event as a line, whatever its type."""
    return Line(
        position=event.position,
        time=event.occurred_at.strftime("%H:%M:%S"),
        event_type=event.event_type,
        model=event.model or "",
        act=event.act_id or "",
        name=payload["primary_layer"] if event.event_type in _WRITES else "",
        about=_about(event.event_type, payload),
        coupled=tuple(payload["coupled_layers"]) if event.event_type in _WRITES else (),
    )


def _about(event_type: str, payload: Mapping[str, Any]) -> str:
    if event_type == "metrics_recorded":
        return ", ".join(f"{name} {_short(value)}" for name, value in payload["metrics"].items())
    if event_type == "layer_statistics_recorded":
        return f"{payload['statistic']} of {len(payload['values'])} layers"
    if event_type in _WRITES:
        return " ".join(payload[key] for key in ("method", "description") if payload.get(key))
    keys = ("message", "description", "statement", "hypothesis", "primary_layer", "name", "reason", "category", "model")
    return str(next((payload[key] for key in keys if payload.get(key)), ""))


def _short(value: Any) -> str:
    number = number_from_stored(value)
    return f"{number:.4g}"
