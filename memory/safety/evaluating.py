"""Judges evaluations as they come in: each metric against what it was when things were well."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from memory.errors import InvalidArgument
from memory.events.safety import SafetyAlert
from memory.safety.alerts import AlertDesk
from memory.safety.metric_rules import Better, MetricHistory, MetricReading, better_by_name
from memory.safety.rules import Finding, judge_metrics
from memory.safety.settings import SafetySettings
from memory.safety.surroundings import MetricMeaning, Surroundings


class Evaluations:
    """What every metric of every model was, and what is wrong with the next.

    Args:
        surroundings: Gives the values and definitions on record.
        desk: Where alerts go.
        settings: Gives the settings in force.
    """

    def __init__(self, surroundings: Surroundings, desk: AlertDesk, settings: Callable[[], SafetySettings]) -> None:
        self._surroundings = surroundings
        self._desk = desk
        self._settings = settings
        self._histories: dict[tuple[str | None, str], MetricHistory] = {}
        self._meanings: Mapping[tuple[str | None, str], MetricMeaning] | None = None

    def set_baseline(self, metrics: Mapping[str, float], model: str | None) -> None:
        """Hold metrics against these values from now on, in this process.

        Raises:
            InvalidArgument: A value is no finite number.
        """
        values = {name: number(name, value) for name, value in metrics.items()}
        for name, value in values.items():
            if value != value or abs(value) == float("inf"):
                raise InvalidArgument(name, value, "a baseline is a finite number")
        for name, value in values.items():
            self._history(model, name).stated = value

    def reading(self, metric: str, value: float, model: str | None) -> MetricReading:
        """Give one number with what it is held against."""
        meaning = self.meaning(metric, model)
        better = self.better(metric, model)
        history = self._history(model, metric)
        return MetricReading(
            metric, value, history.baseline(better), better, meaning.smallest_effect, history.uncertainty(better)
        )

    def better(self, metric: str, model: str | None) -> Better | None:
        """Give which way a metric is better: as defined, or else as its name says; None where neither does."""
        return self.meaning(metric, model).better or better_by_name(metric)

    def meaning(self, metric: str, model: str | None) -> MetricMeaning:
        """Give what a metric was defined to mean."""
        if self._meanings is None:
            self._meanings = self._surroundings.metric_meanings()
        everywhere = self._meanings.get((None, metric), MetricMeaning())
        return self._meanings.get((model, metric), everywhere)

    def acquaint(self, metrics: object, model: str | None) -> None:
        """Look up what metrics were, before their next values go on record.

        Args:
            metrics: What somebody wants to record; what cannot be recorded is passed over, and refused where it is.
            model: The model evaluated.
        """
        for metric in metrics if isinstance(metrics, Mapping) else ():
            if isinstance(metric, str):
                self._history(model, metric)

    def defined_anew(self) -> None:
        """Ask again what metrics mean: somebody said so anew."""
        self._meanings = None

    def recorded(self, values: Mapping[str, float], model: str | None) -> tuple[Finding, ...]:
        """Judge an evaluation and take it into account for the next; give what is wrong with it.

        What has collapsed is no part of what the next is held against.
        """
        settings = self._settings()
        found: list[Finding] = []
        for metric, given in values.items():
            value = number(metric, given)
            finding = judge_metrics([self.reading(metric, value, model)], settings)
            if not finding:
                self._history(model, metric).note(value)
            found += finding
        return tuple(found)

    def judge(
        self, values: Mapping[str, float], model: str | None, *, at_once: bool = True, act: str | None = None
    ) -> tuple[SafetyAlert, ...]:
        """Judge an evaluation, take it into account, and record what is wrong with it when that begins.

        Args:
            values: Metric to value.
            model: The model evaluated.
            at_once: Also where a batch is open; otherwise alerts become part of it.
            act: The act it belongs to.
        """
        new: list[Finding] = []
        found = self.recorded(values, model)
        for metric in values:
            own = [each for each in found if each.details["metric"] == metric]
            new += self._desk.new(own, ("metric", model, metric))
        return self._desk.tell(new, model, at_once=at_once, act=act)

    def _history(self, model: str | None, metric: str) -> MetricHistory:
        key = model, metric
        if key not in self._histories:
            size = self._settings().baseline_values
            self._histories[key] = MetricHistory.of(size, self._surroundings.metric_values(model, metric, size))
        return self._histories[key]


def number(name: str, value: object) -> float:
    """Give a metric's value as a float.

    Raises:
        InvalidArgument: It is no number.
    """
    if isinstance(value, bool | str):
        raise InvalidArgument(name, value, "a metric is a number")
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise InvalidArgument(name, value, "a metric is a number") from error
