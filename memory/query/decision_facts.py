"""What a decision about an edit rests on: values, each with the evidence it comes from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from memory.errors import InvalidArgument

Verdict = Literal["better", "worse", "same", "unclear"]
"""What something did, or does, to a metric, by what the metric was defined to mean."""

_NAMES = {
    "layer": "layer",
    "layer_name": "layer",
    "name": "layer",
    "target": "layer",
    "action": "action",
    "method": "method",
    "metric": "metric",
    "model": "model",
}
_WORDS = ("words", "text", "description", "reason", "question")


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """What is thought of."""

    action: str = "modify"
    layer: str | None = None
    """A tensor name, any alias of one, or a module path."""
    method: str | None = None
    dose: float | None = None
    metric: str | None = None
    """The metric that counts; None: every one of which it is known which way is better."""
    model: str | None = None
    words: str = ""
    """What else was said."""

    @classmethod
    def of(cls, context: Mapping[str, Any] | str) -> DecisionContext:
        """Understand what somebody asks; names nobody knows are taken for words.

        Raises:
            InvalidArgument: It is neither a mapping nor words, or a value is none that its name can have.
        """
        if isinstance(context, str):
            return cls(words=context)
        if not isinstance(context, Mapping):
            raise InvalidArgument("context", context, "it is a mapping such as {'action': 'modify', 'layer': name}")
        told: dict[str, Any] = {}
        words: list[str] = []
        for name, value in context.items():
            if value is None:
                continue
            if name == "dose":
                if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                    raise InvalidArgument("dose", value, "it is a finite number")
                told["dose"] = float(value)
            elif name in _NAMES:
                if not isinstance(value, str) or not value:
                    raise InvalidArgument(str(name), value, "it is text")
                told[_NAMES[name]] = value
            elif name in _WORDS:
                words.append(str(value))
            else:
                words.append(f"{name} {value}" if isinstance(value, str | int | float) else str(name))
        return cls(**told, words=" ".join(words))


@dataclass(frozen=True, slots=True)
class Coupling:
    """What a write would reach, by the newest map on record."""

    map_position: int
    """The event that brought the map."""
    names: tuple[str, ...]
    """The tensor names that the layer stands for, one for each storage."""
    storages: tuple[str, ...]
    coupled: tuple[str, ...]
    """Every other name whose bytes it would change."""
    derived: tuple[str, ...]
    """Names that are computed from what would be written."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What writes to the same storage did to a metric, as far as it is claimed."""

    pattern_id: str
    kind: str
    storage: str
    metric: str
    method: str | None
    dose: float | None
    """Absolute dose of the writes it was learned from."""
    effect: float | None
    """Per act at the reference dose, in the metric's units; of the sign that the dose in question has."""
    ci_low: float | None
    ci_high: float | None
    """The 95 % confidence sequence; None: unbounded."""
    e_value: float
    grade: str
    support: int
    status: str
    better: str | None
    """Which way the metric is better; None: nobody said."""
    smallest_effect: float
    verdict: Verdict
    """What its whole interval says."""
    matters: bool
    """Whether its whole interval lies beyond the smallest effect that matters."""

    def is_farther(self, other: Effect, dose: float) -> bool:
        """Tell whether another effect that holds is of the same writes at a dose nearer to the one asked about."""
        if self.dose is None or other.dose is None or other.status != "active":
            return False
        same = (self.kind, self.storage, self.metric, self.method) == (
            other.kind,
            other.storage,
            other.metric,
            other.method,
        )
        return same and abs(abs(dose) - other.dose) < abs(abs(dose) - self.dose)

    def __str__(self) -> str:
        low = "-∞" if self.ci_low is None else f"{self.ci_low:+.4g}"
        high = "∞" if self.ci_high is None else f"{self.ci_high:+.4g}"
        size = "" if self.effect is None else f"{self.effect:+.4g} "
        how = f"{self.method or 'writes'}{'' if self.dose is None else f' at dose {self.dose:g}'}"
        return (
            f"{how} of {self.storage} moves {self.metric} by {size}[{low}, {high}] "
            f"(E {self.e_value:.3g}, {self.grade}, {self.support} outcomes): {self.verdict}"
        )


@dataclass(frozen=True, slots=True)
class HeldTrue:
    """A belief that bears on it."""

    belief_id: str
    belief_type: str
    statement: str
    credence: float
    strength: str
    because: str
    """Why it bears on it: `core principle`, `tensor`, `metric` or `words`."""

    @property
    def binding(self) -> bool:
        """Whether it says of these tensors what not to do."""
        return self.because == "tensor" and self.belief_type in ("safety_principle", "constraint")


@dataclass(frozen=True, slots=True)
class Explanation:
    """A theory about the same storage, and how it has fared."""

    theory_id: str
    hypothesis: str
    predictions: int
    hits: int
    status: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a metric did from before an edit to after it, on the same sample."""

    metric: str
    before: float
    after: float
    change: float
    verdict: Verdict
    baseline_position: int
    outcome_position: int


@dataclass(frozen=True, slots=True)
class PastEdit:
    """A like edit that was made, and what came of it."""

    position: int
    act_id: str | None
    layer: str
    method: str | None
    dose: float | None
    occurred_at: str
    same_storage: bool
    outcomes: tuple[Outcome, ...]
    undone_position: int | None
    """The first write that took it back; None where none did."""

    @property
    def verdict(self) -> Verdict:
        """What it did to the metrics, all told: worse where it made any worse."""
        verdicts = {each.verdict for each in self.outcomes}
        order: tuple[Verdict, ...] = ("worse", "better", "same")
        for verdict in order:
            if verdict in verdicts:
                return verdict
        return "unclear"

    def is_like(self, asked: DecisionContext) -> bool:
        """Tell whether it was done as is thought of: by the same method, and not in the other direction."""
        return asked.method in (None, self.method) and not opposite(asked.dose, self.dose)


@dataclass(frozen=True, slots=True)
class FailedEdit:
    """A like edit that was denied, or failed and was put back."""

    position: int
    layer: str
    method: str | None
    denied_by: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True)
class SafetyState:
    """What stops the model, and what was seen of late."""

    stops: tuple[tuple[int, str], ...]
    """Position and message of each emergency that nobody cleared."""
    alerts: tuple[tuple[int, str, str], ...]
    """Position, level and message of the last critical alerts."""
    checkpoint_position: int | None
    """The last checkpoint of the model that is there; None: there is none."""


def plain(value: Any) -> Any:
    """Give a value, and those in it, as data that JSON has words for."""
    if hasattr(value, "__dataclass_fields__"):
        told = {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        if isinstance(value, PastEdit):
            told["verdict"] = value.verdict
        return told
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def sides(low: float | None, high: float | None, better: str | None, smallest: float) -> tuple[Verdict, bool]:
    """Say what a whole interval of changes means, and whether all of it matters.

    Args:
        low: Its lower end; None: unbounded.
        high: Its upper end.
        better: Which way is better.
        smallest: The smallest change that matters.
    """
    up = low is not None and low > 0
    down = high is not None and high < 0
    if better not in ("lower", "higher") or not (up or down):
        return "unclear", False
    beyond = (low if up else -high) > smallest  # type: ignore[operator]
    return ("better" if up == (better == "higher") else "worse"), beyond


def opposite(one: float | None, other: float | None) -> bool:
    """Tell whether two doses are of different signs; one that nobody gave is of none."""
    return one is not None and other is not None and (one > 0) - (one < 0) != (other > 0) - (other < 0)


def count(edits: Sequence[PastEdit], verdict: Verdict) -> tuple[PastEdit, ...]:
    """Give the edits that had an outcome of a kind."""
    return tuple(each for each in edits if each.verdict == verdict)
