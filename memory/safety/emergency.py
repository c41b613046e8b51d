"""Emergency stops: in force from the log, for every process that opens it, until a person clears them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from memory.errors import InvalidArgument, SafetyViolation
from memory.events.codec import build
from memory.events.safety import EmergencyCleared, SafetyAlert
from memory.safety.surroundings import Stop, Surroundings

_BRAKES = "memory.safety.brake"

OnEmergency = Callable[[Stop], object]


def violation(model: str, stop: Stop) -> SafetyViolation:
    """Give the error that a stopped model raises."""
    since = "" if stop.position is None else f" at position {stop.position}"
    return SafetyViolation(
        f"model {model!r} is under an emergency stop{since}: {stop.message}",
        rules=("emergency_stop",),
        model=model,
        remedy="find out why, put the weights right, and have a person call memory.safety.clear_emergency(reason)",
    )


class Emergencies:
    """Knows the stops in force, and keeps the brakes of the attached models accordingly.

    Args:
        surroundings: The log and the attached models.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._known: tuple[Stop, ...] = ()
        self._unrecorded: list[Stop] = []
        self._told: set[int | Stop] = set()
        self._callbacks: list[OnEmergency] = []
        self._looked: float | None = None

    def on_emergency(self, callback: OnEmergency) -> None:
        """Have a function called with each stop that comes into force from now on, once it is in force."""
        self._callbacks.append(callback)

    def in_force(self) -> tuple[Stop, ...]:
        """Give every stop in force by the log as it is now, oldest first, and keep the brakes accordingly."""
        stops = self._look()
        self._call_back(stops)
        return stops

    def of(self, model: str) -> Stop | None:
        """Give the oldest stop in force for a model; None where it may run."""
        return next((stop for stop in self.in_force() if stop.concerns(model)), None)

    def known(self, model: str) -> Stop | None:
        """Give the oldest stop in force for a model as of the last look at the log."""
        return next((stop for stop in self._known if stop.concerns(model)), None)

    def look_now_and_then(self, every: float) -> None:
        """Look at the log again, unless that was done within so many seconds."""
        if self._looked is None or time.monotonic() - self._looked >= every:
            self.in_force()

    def take_up(self) -> None:
        """Put in force what the log says, at an attach: these stops are not new, and nobody is called."""
        self._told |= {_identity(stop) for stop in self._look()}

    def stop(self, alert: SafetyAlert) -> Stop:
        """Stop first, then record it: a stop that cannot be recorded is in force in this process all the same.

        Raises:
            PalimpsestError: It could not be recorded.
        """
        unrecorded = Stop(None, alert.model, alert.message)
        self._unrecorded.append(unrecorded)
        self._brake((*self._known, unrecorded))
        try:
            (position,) = self._surroundings.record([alert])
        except BaseException:
            self._call_back((unrecorded,))
            raise
        self._unrecorded.remove(unrecorded)
        self.in_force()
        return Stop(position, alert.model, alert.message)

    def clear(self, reason: str, model: str | None) -> tuple[int, ...]:
        """Record that a model (or every one) may go on, and let it; give the positions of the stops ended.

        Raises:
            InvalidArgument: No reason is given.
        """
        if not isinstance(reason, str) or not reason.strip():
            raise InvalidArgument("reason", reason, "say in words why the model may go on")
        ended = [stop for stop in self.in_force() if model is None or stop.model == model]
        positions = tuple(sorted(stop.position for stop in ended if stop.position is not None))
        if positions:
            self._surroundings.record([build(EmergencyCleared, model=model, reason=reason, alerts=positions)])
        self._unrecorded = [stop for stop in self._unrecorded if stop not in ended]
        self.in_force()
        return positions

    def _look(self) -> tuple[Stop, ...]:
        recorded = self._surroundings.stops()
        self._looked = time.monotonic()
        self._known = (*(recorded[position] for position in sorted(recorded)), *self._unrecorded)
        self._brake(self._known)
        return self._known

    def _brake(self, stops: tuple[Stop, ...]) -> None:
        live = {each.name: module for each in self._surroundings.models() if (module := each.module) is not None}
        # Brakes need torch: where it is not there yet, no model is under one.
        if (live and stops) or _BRAKES in sys.modules:
            from memory.safety.brake import keep_brakes

            keep_brakes(self._surroundings.log, live, stops)

    def _call_back(self, stops: tuple[Stop, ...]) -> None:
        """Tell of stops nobody was told of; every callback is called, and their errors raised together after that."""
        new = [stop for stop in stops if _identity(stop) not in self._told]
        self._told |= {_identity(stop) for stop in new}
        errors: list[Exception] = []
        for stop in new:
            for callback in self._callbacks:
                try:
                    callback(stop)
                except Exception as error:  # noqa: BLE001 - raised below, once everybody was told
                    errors.append(error)
        if errors:
            raise ExceptionGroup("callbacks of an emergency stop failed; the stop is in force", errors)


def _identity(stop: Stop) -> int | Stop:
    return stop if stop.position is None else stop.position
