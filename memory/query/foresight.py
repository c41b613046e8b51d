"""What the running fold of knowledge says of a theory or belief: what comes next, and what an outcome must fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

from memory.inference.theories import Forecast
from memory.projections.base import Projection
from memory.projections.knowledge.stated import Standing, Stated
from memory.projections.runner import ProjectionRunner

_R = TypeVar("_R")


class Knowing(Protocol):
    """What is asked of the projection of knowledge."""

    @property
    def stated(self) -> Stated:
        """What was stated."""

    def forecast_of(self, theory_id: str, context: Any) -> Forecast | None:
        """Give what a theory of the data says about its next outcome; None where there is none that says anything."""


class Foresight:
    """Asks the running fold, as of the last time it was caught up.

    Args:
        runner: Runs it.
    """

    def __init__(self, runner: ProjectionRunner) -> None:
        self._runner = runner

    def forecast(self, theory_id: str, context: Any) -> Forecast | None:
        """Give what a theory, proposed or of the data, says about its next outcome; None where it says nothing."""
        return self._ask(
            lambda knowing: knowing.stated.forecast(theory_id) or knowing.forecast_of(theory_id, context),
        )

    def standing(self, target: str) -> Standing | None:
        """Give what an outcome of something stated must fit; None where nobody states it now."""
        return self._ask(lambda knowing: knowing.stated.standing(target))

    def _ask(self, question: Callable[[Knowing], _R]) -> _R:
        def asked(projection: Projection) -> _R:
            return question(cast("Knowing", projection))

        return self._runner.ask("knowledge", asked)
