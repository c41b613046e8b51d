"""The safety monitor: what is asked of safety, as the users of a memory know it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from memory.events.codec import build
from memory.events.safety import ALERT_LEVELS, SafetyAlert
from memory.safety.alert_surface import AlertSurface
from memory.safety.alerts import AlertDesk
from memory.safety.check import Verdict, check
from memory.safety.emergency import Emergencies
from memory.safety.evaluating import Evaluations
from memory.safety.gate import SafetyGate
from memory.safety.hooked import HookedModels
from memory.safety.resources import Durations, Timing, memory_in_use, timed
from memory.safety.running import judge_latency, judge_memory, judge_output, judge_weights
from memory.safety.settings import SafetySettings
from memory.safety.stop_surface import StopSurface
from memory.safety.surroundings import Surroundings

if TYPE_CHECKING:
    from torch import Tensor

    from memory.safety.health import ModelHealth, TensorHealth
    from memory.safety.output import OutputSeen


class SafetyMonitor(AlertSurface, StopSurface):
    """Watches models, judges what is done to them, and stops them; every alert is an event.

    What needs a model takes `model=`: the name of an attached one; None for the only one.

    Args:
        surroundings: The models, and the record.
        settings: The bounds of every rule, and what follows from it.
    """

    def __init__(self, surroundings: Surroundings, settings: SafetySettings) -> None:
        self._surroundings = surroundings
        self._settings = settings
        self._durations = Durations()
        self.emergencies = Emergencies(surroundings)
        self._desk = AlertDesk(surroundings, self.emergencies, self._now)
        self.gate = SafetyGate(surroundings, self.emergencies, self._desk, self._now)
        self.evaluations = Evaluations(surroundings, self._desk, self._now)
        self._hooked = HookedModels(self.emergencies, self._desk, self._now, self._durations)

    @property
    def settings(self) -> SafetySettings:
        """The settings in force."""
        return self._settings

    def _now(self) -> SafetySettings:
        return self._settings

    def set_threshold(self, name: str, value: Any) -> None:
        """Change one setting for this process; that it was changed is on record.

        Args:
            name: The setting: `norm_ratio`, `latency_seconds`, `deny`, ... (see `SafetySettings`).
            value: Its new value.

        Raises:
            InvalidArgument: There is no such setting (the nearest is named), or it cannot have this value.
        """
        before, changed = getattr(self._settings, name, None), self._settings.changed(name, value)
        after = getattr(changed, name)
        if after == before:
            return
        details = {"setting": name, "before": before, "after": after}
        message = f"{name} was changed from {before!r} to {after!r}"
        self.tell(build(SafetyAlert, level="info", category="settings", message=message, details=details))
        self._settings = changed

    # Before a write

    def check_modification(self, name: str, *, model: str | None = None) -> Verdict:
        """Say what a write would reach and what speaks against it: allow, warn or deny, with reasons. Records nothing.

        Whoever asked knows which names are coupled: an edit of these tensors warns of that no more.

        Args:
            name: A tensor name, any alias of one, or a module path.
            model: Which attached model.

        Raises:
            UnknownName: The model has no such tensor or module.
        """
        attached = self._surroundings.model(model)
        return check(
            attached,
            name,
            surroundings=self._surroundings,
            emergencies=self.emergencies,
            gate=self.gate,
            settings=self._settings,
        )

    # Health

    def check_tensor_health(self, tensor: Tensor | str, *, model: str | None = None) -> TensorHealth:
        """Count NaN and infinities in a tensor, or in the weight of a name; a critical alert where there are some.

        Raises:
            UnknownName: The model has no such tensor.
            SeveralStorages: A module path that names more than one storage.
            UnsupportedStorage: Its values cannot be read.
        """
        from memory.safety.health import tensor_health

        if not isinstance(tensor, str):
            health, about = tensor_health(tensor), None
        else:
            attached = self._surroundings.model(model)
            health, about = tensor_health(attached.tensor(tensor), tensor), attached.name
        if not health.healthy:
            words = f"{health.name} holds {health.nan} NaN and {health.infinite} infinite values of {health.elements}"
            self._desk.tell(judge_weights({health.name: [words]}), about)
        return health

    def check_model_health(self, *, model: str | None = None) -> ModelHealth:
        """Read every weight of a live model; a critical alert where some are NaN or infinite.

        Dead rows and norms unlike their siblings' are told in what is returned, and are no alerts.

        Raises:
            NotAttached: Only a map is attached.
        """
        from memory.safety.health import model_health

        attached = self._surroundings.model(model)
        health = model_health(attached)
        self._desk.tell(judge_weights(health.not_finite), attached.name)
        return health

    def check_output(self, output: Any, *, model: str | None = None) -> OutputSeen:
        """Look at logits (or an output that has logits): NaN, and the mean entropy of their distributions in nats.

        Args:
            output: A tensor whose last dimension is the vocabulary, or what a model returned.
            model: The model it came from.

        Raises:
            InvalidArgument: There are no logits in it.
        """
        from memory.safety.output import look_at_output

        seen = look_at_output(output)
        self._desk.tell(judge_output(seen, self._settings), self._about(model))
        return seen

    def check_performance(self, metrics: Mapping[str, float], *, model: str | None = None) -> tuple[SafetyAlert, ...]:
        """Hold metrics against their baselines; give the alerts that were recorded.

        A metric's baseline is the better of the medians of its first and of its last values on record, those checked
        here included, unless `set_baseline` gave one. Which way is better, `define_metric` says, or else its name. A
        collapse is told when it begins.

        Args:
            metrics: Metric to value. They are judged, and not recorded: `record_metrics` records, and judges too.
            model: The model evaluated.

        Raises:
            InvalidArgument: A value is no number.
        """
        return self.evaluations.judge(metrics, self._about(model))

    def set_baseline(self, metrics: Mapping[str, float], *, model: str | None = None) -> None:
        """Hold metrics against these values from now on, in this process.

        Raises:
            InvalidArgument: A value is no finite number.
        """
        self.evaluations.set_baseline(metrics, self._about(model))

    def check_resources(self, *, model: str | None = None) -> dict[str, float]:
        """Give the memory in use in 10⁶ bytes, of this process and on each accelerator; a warning where it is much."""
        found = memory_in_use()
        self._desk.tell(judge_memory(found, self._settings), self._about(model))
        return found

    @contextmanager
    def track_inference_time(self, *, model: str | None = None) -> Iterator[Timing]:
        """Time a block; a warning where it takes too long. What is yielded knows its `seconds` afterwards."""
        timing = Timing()
        try:
            with timed() as running:
                yield timing
        finally:
            timing.seconds = running.seconds
            if timing.seconds is not None:
                self._durations.note(timing.seconds)
                late = judge_latency(timing.seconds, self._settings, "the block")
                self._desk.tell([] if late is None else [late], self._about(model))

    # Watching a model run

    def register_hooks(self, *, model: str | None = None) -> tuple[str, ...]:
        """Hook every module of a live model that computes, of whatever class; give their paths.

        From then on each outermost forward is looked at: NaN and infinities (one alert, which names the module where
        they began), how long it took, memory; and the gradients that a backward left. What goes on from forward to
        forward is told when it begins. Stops that other processes order are seen at the next forward, looked for
        once in `poll_seconds`.

        Raises:
            NotAttached: Only a map is attached.
        """
        return self._hooked.hook(self._surroundings.model(model))

    def remove_hooks(self, *, model: str | None = None) -> None:
        """Take the hooks off again, those of every model where none is named; nothing of them stays."""
        self._hooked.unhook(model)

    @contextmanager
    def context(self, *, model: str | None = None) -> Iterator[Self]:
        """Watch a model while a block runs: hooks it, and takes the hooks off however the block ends."""
        attached = self._surroundings.model(model)
        self._hooked.hook(attached)
        try:
            yield self
        finally:
            self._hooked.unhook(attached.name)

    def check_gradients(self, *, model: str | None = None) -> None:
        """Judge the gradients a hooked model has had since its last forward, without waiting for the next one."""
        self._hooked.tell_of_gradients(self._surroundings.model(model).name)

    def get_statistics(self) -> dict[str, Any]:
        """Give how many alerts there are, what is stopped and hooked, how long forwards took, and the settings."""
        counts = self._surroundings.alert_counts()
        by_level, by_category = dict.fromkeys(ALERT_LEVELS, 0), dict[str, int]()
        for (level, category), count in sorted(counts.items()):
            by_level[level] = by_level.get(level, 0) + count
            by_category[category] = by_category.get(category, 0) + count
        return {
            "alerts": sum(counts.values()),
            "by_level": by_level,
            "by_category": by_category,
            "emergencies": [
                {"position": stop.position, "model": stop.model, "message": stop.message}
                for stop in self.emergencies.in_force()
            ],
            "hooked_modules": {name: len(paths) for name, paths in self._hooked.modules().items()},
            "forwards": self._hooked.forwards,
            "inference_seconds": self._durations.to_dict(),
            "repeated": dict(sorted(self._desk.untold.items())),
            "settings": self._settings.model_dump(mode="json"),
        }

    def close(self) -> None:
        """Take every hook off. A stopped model stays stopped."""
        self._hooked.unhook()

    def tell(self, alert: SafetyAlert) -> None:
        """Put an alert on record, at once, and in force what it says."""
        self._desk.record([alert])

    def _about(self, model: str | None) -> str | None:
        """Give the model that something is about: the one named, the only one attached, or none in particular."""
        attached = [each.name for each in self._surroundings.models()]
        if model is None:
            return attached[0] if len(attached) == 1 else None
        return model if model in attached else self._surroundings.model(model).name
