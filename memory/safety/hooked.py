"""The models that are hooked now: hooks them, and tells of what is seen while they run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from memory.errors import NotAttached
from memory.safety.alerts import AlertDesk
from memory.safety.emergency import Emergencies, violation
from memory.safety.resources import Durations, memory_in_use
from memory.safety.running import judge_forward, judge_gradients, judge_memory
from memory.safety.settings import SafetySettings
from memory.safety.surroundings import WatchedModel

if TYPE_CHECKING:
    from memory.safety.watching import ForwardSeen, ForwardWatch, GradientsSeen


class HookedModels:
    """Keeps the hooks on models, at most one set on each.

    Args:
        emergencies: The stops in force.
        desk: Where alerts go.
        settings: Gives the settings in force.
        durations: Takes in how long forwards took.
    """

    def __init__(
        self,
        emergencies: Emergencies,
        desk: AlertDesk,
        settings: Callable[[], SafetySettings],
        durations: Durations,
    ) -> None:
        self._emergencies = emergencies
        self._desk = desk
        self._settings = settings
        self._durations = durations
        self._watches: dict[str, ForwardWatch] = {}
        self.forwards = 0
        """Outermost forwards that were seen."""

    def modules(self) -> dict[str, tuple[str, ...]]:
        """Give the paths of the hooked modules, by model."""
        return {name: watch.modules for name, watch in self._watches.items()}

    def hook(self, attached: WatchedModel) -> tuple[str, ...]:
        """Hook a model, anew where it is hooked already; give the paths of the modules that are.

        Raises:
            NotAttached: Only a map is attached.
        """
        module = attached.module
        if module is None:
            raise NotAttached(attached.name, remedy="attach the live model: only its sharing map is attached now")
        from memory.safety.watching import ForwardWatch

        name = attached.name
        self.unhook(name)
        self._watches[name] = ForwardWatch(
            module,
            before=lambda: self._before(name),
            seen=lambda seen: self._seen(name, seen),
            gradients=lambda seen: self._gradients(name, seen),
        )
        return self._watches[name].modules

    def unhook(self, model: str | None = None) -> None:
        """Take the hooks off a model, or off every one."""
        for name in list(self._watches) if model is None else [model]:
            watch = self._watches.pop(name, None)
            if watch is not None:
                try:
                    watch.remove()
                finally:
                    self._desk.forget(("hooked", name))

    def tell_of_gradients(self, model: str) -> None:
        """Judge the gradients a hooked model had since that was done last."""
        if model in self._watches:
            self._watches[model].tell_of_gradients()

    def _before(self, model: str) -> None:
        self._emergencies.look_now_and_then(self._settings().poll_seconds)
        self._refuse(model)

    def _seen(self, model: str, seen: ForwardSeen) -> None:
        self.forwards += 1
        self._durations.note(seen.seconds)
        settings = self._settings()
        found = [*judge_forward(seen, settings), *judge_memory(memory_in_use(), settings)]
        self._desk.tell(self._desk.new(found, ("hooked", model)), model)
        self._refuse(model)

    def _gradients(self, model: str, seen: GradientsSeen) -> None:
        found = judge_gradients(seen, self._settings())
        self._desk.tell(self._desk.new(found, ("gradients", model)), model)

    def _refuse(self, model: str) -> None:
        """Let a forward that made the model stop give nothing out; what stops later ones is the brake."""
        stop = self._emergencies.known(model)
        if stop is not None:
            raise violation(model, stop)
