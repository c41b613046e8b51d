"""Checkpoints that nobody asks for one by one: after so many recorded writes, or so much time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from memory.errors import EditError, PalimpsestError
from memory.query.checkpoints import writes_since_checkpoint
from memory.recording.attached import AttachedModel
from memory.recording.saving import CheckpointDetails, CheckpointSaver
from memory.store.forking import ForkSafeLock

if TYPE_CHECKING:
    from memory.projections.runner import ProjectionRunner
    from memory.store.engine import Database


@dataclass(slots=True)
class _Plan:
    """When the next checkpoint of one model is due."""

    every_modifications: int | None
    every_minutes: float | None
    modifications: int
    """Since the last checkpoint."""
    since: float
    """When the last checkpoint was saved, or the plan made; seconds that no clock is set back in."""

    def due(self) -> Literal["modifications", "minutes"] | None:
        """Say why a checkpoint is due; None where none is."""
        if self.every_modifications is not None and self.modifications >= self.every_modifications:
            return "modifications"
        if self.every_minutes is not None and time.monotonic() - self.since >= self.every_minutes * 60:
            return "minutes"
        return None


class Schedule:
    """Saves checkpoints when they are due.

    Args:
        saver: Saves them.
        database: What to ask how many writes there were.
        runner: Catches projections up.
    """

    def __init__(self, saver: CheckpointSaver, database: Database, runner: ProjectionRunner) -> None:
        self._saver = saver
        self._database = database
        self._runner = runner
        self._plans: dict[str, _Plan] = {}
        self._lock = ForkSafeLock()

    def set(self, model: str, every_modifications: int | None, every_minutes: float | None) -> None:
        """Say when checkpoints of a model are due; never again, where neither is given."""
        if every_modifications is None and every_minutes is None:
            self._plans.pop(model, None)
            return
        self._runner.catch_up({"weight_history", "modifications"})
        written = writes_since_checkpoint(self._database, model)
        self._plans[model] = _Plan(every_modifications, every_minutes, written, time.monotonic())

    def saved(self, model: str) -> None:
        """Note that a checkpoint of a model was saved."""
        plan = self._plans.get(model)
        if plan is not None:
            plan.modifications, plan.since = 0, time.monotonic()

    def wrote(self, attached: AttachedModel, number: int) -> None:
        """Note that writes to a model are on record; save a checkpoint if one is due.

        While an edit is at some of its weights, one that is due waits for the next write.

        Raises:
            PalimpsestError: It cannot be saved; what was written stands.
        """
        plan = self._plans.get(attached.name)
        if plan is None:
            return
        with self._lock:
            plan.modifications += number
        why = plan.due()
        if why is None or attached.busy:
            return
        count = f"{plan.modifications} modification{'s' if plan.modifications != 1 else ''}"
        details = CheckpointDetails("automatic", modification_details={"since_last_checkpoint": count}, automatic=why)
        try:
            self._saver.save(attached, details)
        except EditError:
            # Somebody began an edit meanwhile: the next write sees that one is due.
            return
        except PalimpsestError as error:
            error.add_note("the write before it is on record and stands: only the automatic checkpoint was not saved")
            raise
        self.saved(attached.name)
