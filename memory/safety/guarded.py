"""Automatic rollback: a block of changes that is taken back bit for bit when a metric comes out worse than allowed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from memory.errors import InvalidArgument
from memory.events.codec import build
from memory.events.safety import SafetyAlert
from memory.safety.evaluating import number
from memory.safety.metric_rules import Better

Evaluate = Callable[[], Any]
"""Gives the metric's value, or a mapping that holds it under its name."""


class Restore(Protocol):
    """Puts every storage back to what it held at a position, and records that."""

    def __call__(self, position: int, *, reason: str) -> object:
        """Put it back, writes that nobody announced included."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a metric may move."""

    max_increase: float | None = None
    max_decrease: float | None = None
    max_worsening: float | None = None
    relative: bool = False
    """Whether these are shares of the value before."""

    def check(self, metric: str, better: Better | None) -> None:
        """Refuse bounds that bound nothing.

        Raises:
            InvalidArgument: None is given, one is negative or no number, or which way is better is not known.
        """
        given = {"max_increase": self.max_increase, "max_decrease": self.max_decrease}
        given["max_worsening"] = self.max_worsening
        for name, bound in given.items():
            if bound is not None and not (math.isfinite(number(name, bound)) and bound >= 0):
                raise InvalidArgument(name, bound, "it is a number of at least 0")
        if all(bound is None for bound in given.values()):
            raise InvalidArgument("max_increase", None, "give a bound: max_increase, max_decrease or max_worsening")
        if self.max_worsening is not None and better is None:
            remedy = f"say which way is better: define_metric({metric!r}, better=...), or give max_increase"
            raise InvalidArgument("max_worsening", self.max_worsening, remedy)

    def breach(self, metric: str, before: float, after: float, better: Better | None) -> str | None:
        """Say how a value breaks the bounds; None where it keeps them."""
        if not math.isfinite(after):
            return f"{metric} is {after}"
        rise = after - before
        unit = abs(before) if self.relative else 1.0
        worse = -rise if better == "higher" else rise
        for moved, bound, word in (
            (rise, self.max_increase, "rose"),
            (-rise, self.max_decrease, "fell"),
            (worse, self.max_worsening, "got worse"),
        ):
            if bound is not None and moved > bound * unit:
                share = " of what it was" if self.relative else ""
                return f"{metric} {word} from {before:.6g} to {after:.6g}; {bound:g}{share} was allowed"
        return None


@dataclass(slots=True)
class Guard:
    """What a guarded block came to."""

    metric: str
    before: float
    """The metric when the block began."""
    after: float | None = None
    """The metric when it ended; None until then, and where it raised."""
    rolled_back: bool = False
    """Whether the weights were put back."""
    reason: str | None = None
    """Why."""


@contextmanager
def guarded(
    metric: str,
    bounds: Bounds,
    better: Better | None,
    *,
    evaluate: Evaluate,
    model: str,
    position: Callable[[], int],
    restore: Restore,
    tell: Callable[[SafetyAlert], object],
) -> Iterator[Guard]:
    """Measure a metric, run a block, measure again; put the weights back where it breaks a bound or raises.

    Args:
        metric: The metric.
        bounds: How far it may move. A value that is not finite breaks them all.
        better: Which way is better, where that is known.
        evaluate: Measures it.
        model: The model.
        position: Gives where the log is, to come back to.
        restore: Puts the weights back to a position.
        tell: Records why, once they are back.

    Raises:
        InvalidArgument: The bounds bound nothing, or the metric is not finite before the block.
        RestoreError: The weights could not be put back.
    """
    bounds.check(metric, better)
    before = _measured(metric, evaluate)
    if not math.isfinite(before):
        raise InvalidArgument("evaluate", before, f"{metric} must be finite before a change can be held against it")
    start = position()
    guard = Guard(metric, before)

    def roll_back(reason: str, **details: Any) -> None:
        guard.reason = reason
        restore(start, reason=reason)
        guard.rolled_back = True
        tell(
            build(
                SafetyAlert,
                model=model,
                level="critical",
                category="rollback",
                message=f"the weights were put back to position {start}: {reason}",
                rule="guarded",
                details={"metric": metric, "before": before, "position": start, **details},
            )
        )

    try:
        yield guard
        guard.after = _measured(metric, evaluate)
    except BaseException as error:
        roll_back(f"the block raised {type(error).__name__}", error=type(error).__name__)
        raise
    reason = bounds.breach(metric, before, guard.after, better)
    if reason is not None:
        roll_back(reason, after=guard.after)


def _measured(metric: str, evaluate: Evaluate) -> float:
    """Give what an evaluation says of a metric.

    Raises:
        InvalidArgument: It is no number, or a mapping that does not hold it.
    """
    result = evaluate()
    if isinstance(result, Mapping):
        if metric not in result:
            known = ", ".join(map(str, result)) or "nothing"
            raise InvalidArgument("evaluate", known, f"what it gives must hold {metric!r}")
        result = result[metric]
    return number(metric, result)
