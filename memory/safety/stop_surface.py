"""Emergency stops, as people and programs order and end them."""

from __future__ import annotations

from memory.events.codec import build
from memory.events.safety import SafetyAlert
from memory.safety.emergency import Emergencies, OnEmergency
from memory.safety.surroundings import Stop, Surroundings


class StopSurface:
    """The part of `SafetyMonitor` that stops models."""

    _surroundings: Surroundings
    emergencies: Emergencies

    def on_emergency(self, callback: OnEmergency) -> None:
        """Have a function called with each `Stop` that comes into force from now on, ordered here or seen in the log.

        It is called once the stop is in force. What callbacks raise is raised together when all were called.
        """
        self.emergencies.on_emergency(callback)

    def emergency_stop(self, reason: str, *, model: str | None = None) -> Stop:
        """Stop a model, or every one where none is named, until a person clears it.

        At once, forwards of the attached live models and of every module in them raise `SafetyViolation`, compiled ones
        too, and edits refuse. The stop is an event: it is in force again for whoever opens the record, and for every
        process that has it open: at its next edit or check, or its next hooked forward.

        Args:
            reason: Why.
            model: The model to stop, attached or not; None for every model of the record.

        Raises:
            InvalidPayload: No reason is given; nothing is stopped.
            DatabaseError: It could not be recorded; in this process it is in force.
        """
        alert = build(SafetyAlert, model=model, level="emergency", category="emergency_stop", message=reason)
        return self.emergencies.stop(alert)

    def clear_emergency(self, reason: str, *, model: str | None = None) -> tuple[int, ...]:
        """Let stopped models go on, on the word of a person; recorded with the reason.

        Args:
            reason: Why they may.
            model: End only the stops of this model; None ends every one. A stop of every model ends only so.

        Returns:
            The positions of the stops that were ended.

        Raises:
            InvalidArgument: No reason is given.
        """
        return self.emergencies.clear(reason, model)

    def stopped(self, *, model: str | None = None) -> Stop | None:
        """Give the oldest stop in force for a model; None where it may run."""
        return self.emergencies.of(self._surroundings.model(model).name)
