"""Safety, as the users of a memory know it: the monitor, and blocks that are taken back by themselves."""

from __future__ import annotations

from contextlib import AbstractContextManager

from memory.recording.weights_surface import WeightsSurface
from memory.safety.guarded import Bounds, Evaluate, Guard, guarded
from memory.safety.monitor import SafetyMonitor


class SafetySurface(WeightsSurface):
    """The part of `memory.MemorySystem` that keeps models safe."""

    _safety: SafetyMonitor

    @property
    def safety(self) -> SafetyMonitor:
        """Watches models, judges what is done to them, and stops them."""
        return self._safety

    def guarded(
        self,
        metric: str,
        *,
        evaluate: Evaluate,
        max_increase: float | None = None,
        max_decrease: float | None = None,
        max_worsening: float | None = None,
        relative: bool = False,
        model: str | None = None,
    ) -> AbstractContextManager[Guard]:
        """Measure a metric before and after a block; put the weights back bit for bit where it comes out worse.

        They are put back too where the block or the second evaluation raises, which then goes on raising. Why is
        recorded: a critical alert, and the reason in the `restored` event. Writes that nobody announced are recorded
        when the block begins, and again before the weights are put back.

        Whatever the block writes, announced or not, can be put back: what is not kept yet of the model is kept when the
        block begins, which the first time takes as long as saving it.

        Args:
            metric: The metric: `loss`.
            evaluate: Measures it: gives a number, or a mapping that holds it under its name. It records nothing.
            max_increase: The most it may rise.
            max_decrease: The most it may fall.
            max_worsening: The most it may get worse: which way that is, `define_metric` says, or else its name.
            relative: Whether these are shares of the value before.
            model: Which attached model; None for the only one.

        Yields:
            The guard: `before`, and when the block has ended `after`, `rolled_back` and `reason`.

        Raises:
            InvalidArgument: The bounds bound nothing, or the metric is no finite number before the block. One that is
                not finite after it breaks every bound.
            RestoreError: The weights could not be put back.
            BatchError: A batch is open.

        Example:
            ```python
            with memory.guarded("loss", max_increase=0.2, evaluate=evaluate) as guard:
                with memory.edit("lm_head.weight", method="scale") as weight:
                    weight.mul_(1.5)
            print(guard.before, guard.after, guard.rolled_back)
            ```
        """
        self._recorder.journal.refuse_in_batch("guarded")
        attached = self._recorder.model(model)
        name = attached.name

        def keep() -> None:
            from memory.recording.baseline import keep_baseline

            if attached.live:
                keep_baseline(self._recorder, self._states, attached, f"before a block guarded by {metric}")

        def position() -> int:
            self.verify_weights(model=name)
            self._recorder.on_every_rank(("guarded", name), keep)
            return self._store.head().position

        def restore(position: int, *, reason: str) -> object:
            return self.restore(position, model=name, record_unannounced=True, reason=reason)

        return guarded(
            metric,
            Bounds(max_increase, max_decrease, max_worsening, relative),
            self._safety.evaluations.better(metric, name),
            evaluate=evaluate,
            model=name,
            position=position,
            restore=restore,
            tell=self._safety.tell,
        )
