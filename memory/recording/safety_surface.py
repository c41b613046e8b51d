"""Safety, as the users of a memory know it: the monitor, and blocks that are taken back by themselves."""

from __future__ import annotations

from contextlib import AbstractContextManager

from memory.recording.recorder import Recorder
from memory.safety.guarded import Bounds, Evaluate, Guard, Restore, guarded
from memory.safety.monitor import SafetyMonitor
from memory.store.log import EventStore


class SafetySurface:
    """The part of `memory.MemorySystem` that keeps models safe."""

    _store: EventStore
    _recorder: Recorder
    _safety: SafetyMonitor

    @property
    def safety(self) -> SafetyMonitor:
        """Watches models, judges what is done to them, and stops them."""
        return self._safety

    def _guarded(
        self,
        metric: str,
        *,
        evaluate: Evaluate,
        restore: Restore,
        max_increase: float | None,
        max_decrease: float | None,
        max_worsening: float | None,
        relative: bool,
        model: str | None,
    ) -> AbstractContextManager[Guard]:
        """Guard a block with whatever puts weights back."""
        self._recorder.journal.refuse_in_batch("guarded")
        attached = self._recorder.model(model)
        bounds = Bounds(max_increase, max_decrease, max_worsening, relative)
        return guarded(
            metric,
            bounds,
            self._safety.evaluations.better(metric, attached.name),
            evaluate=evaluate,
            model=attached.name,
            position=lambda: self._store.head().position,
            restore=restore,
            tell=self._safety.tell,
        )
