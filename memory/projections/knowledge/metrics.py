"""What is known of metrics: which there are, what they are computed from, what change matters, and which is better."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from memory.events.observations import MetricDefined

_Definition = tuple[tuple[str, ...], int, float, int]
_SIDES = {"lower": -1, "higher": 1, None: 0}

MOST_METRICS = 256
"""Metrics of a model that questions are asked about: those seen first. The others are recorded and counted."""


class MetricBook:
    """The metrics of every model, in the order they were first seen, and their definitions."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, int]] = {}
        """Model to its metrics, each with its number."""
        self._definitions: dict[tuple[str | None, str], _Definition] = {}
        """(model or None, metric) to sources, since which position, smallest effect and better side."""
        self.generation = 0
        """Raised whenever something is known of metrics that was not."""

    def define(self, position: int, payload: MetricDefined) -> None:
        """Take a definition; the latest holds, and one of a model before one of all."""
        sources, since, *_ = self._definitions.get((payload.model, payload.name), ((), position, 0.0, 0))
        since = since if sources == payload.derived_from else position
        definition = (payload.derived_from, since, payload.smallest_effect, _SIDES[payload.better])
        self._definitions[payload.model, payload.name] = definition
        self.generation += 1

    def seen(self, model: str, metrics: Iterable[str]) -> None:
        """Take note that a model has these metrics."""
        book = self._seen.setdefault(model, {})
        for metric in sorted(metrics):
            if metric not in book:
                book[metric] = len(book)
                self.generation += 1

    def known(self, model: str) -> list[str]:
        """Give the metrics of a model that have hypotheses of their own: among the first seen, and not derived."""
        return [metric for metric in self._seen.get(model, {}) if self.number(model, metric) is not None]

    def number(self, model: str, metric: str) -> int | None:
        """Give the number of a metric that has hypotheses of its own; None for every other."""
        found = self._seen.get(model, {}).get(metric)
        return found if found is not None and found < MOST_METRICS and not self.sources(model, metric) else None

    def names(self, model: str) -> list[str]:
        """Give a model's metrics by number."""
        return list(self._seen.get(model, {}))

    def left_out(self, model: str) -> int:
        """Give how many metrics there is no room for."""
        return max(0, len(self._seen.get(model, {})) - MOST_METRICS)

    def sources(self, model: str, metric: str) -> tuple[str, ...]:
        """Give what a metric is computed from; empty for one that stands for itself."""
        return self._definition(model, metric)[0]

    def smallest_effect(self, model: str, metric: str) -> float:
        """Give the smallest change of a metric that matters, in its own units per act."""
        return self._definition(model, metric)[2]

    def better(self, model: str, metric: str) -> int:
        """Give the side of a metric that is better: -1 lower, +1 higher, 0 where that is not said."""
        return self._definition(model, metric)[3]

    def derived_since(self, model: str, metric: str) -> int:
        """Give the position of the definition that first named the sources a metric has now."""
        return self._definition(model, metric)[1]

    def _definition(self, model: str, metric: str) -> _Definition:
        general = self._definitions.get((None, metric), ((), 0, 0.0, 0))
        return self._definitions.get((model, metric), general)

    def to_state(self) -> dict[str, Any]:
        """Give everything as plain data."""
        return {
            "seen": {model: list(metrics) for model, metrics in self._seen.items()},
            "definitions": [
                [model, metric, list(sources), since, smallest, better]
                for (model, metric), (sources, since, smallest, better) in self._definitions.items()
            ],
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from `to_state`."""
        self._seen = {
            model: {metric: at for at, metric in enumerate(metrics)} for model, metrics in state["seen"].items()
        }
        self.generation += 1
        self._definitions = {
            (model, metric): (tuple(sources), since, smallest, better)
            for model, metric, sources, since, smallest, better in state["definitions"]
        }
