"""What is wrong with a model, a write to one, or a name that is asked for."""

from __future__ import annotations

from collections.abc import Iterable

from introspection.errors import PalimpsestError
from memory.errors.suggesting import suggestion


class AmbiguousModel(PalimpsestError):
    """No model was named, and several are attached.

    Attributes:
        models: The names of the attached models, sorted.
    """

    code = "ambiguous-model"

    def __init__(self, models: Iterable[str]) -> None:
        self.models = tuple(sorted(models))
        super().__init__(
            f"several models are attached: {', '.join(map(repr, self.models))}",
            remedy=f"say which one is meant: model={self.models[0]!r}" if self.models else "say which one is meant",
        )


class UnknownModel(PalimpsestError):
    """A model name under which nothing is attached here.

    Attributes:
        model: The name asked for.
        known: The names of the models that are attached, sorted.
    """

    code = "unknown-model"

    def __init__(self, model: str, known: Iterable[str] = ()) -> None:
        self.model = model
        self.known = tuple(sorted(known))
        super().__init__(
            f"no model named {model!r} is attached", remedy=suggestion(model, self.known, "attach it first")
        )


class UnknownPattern(PalimpsestError):
    """A pattern that was never claimed.

    Attributes:
        pattern_id: The identity asked for.
    """

    code = "unknown-pattern"

    def __init__(self, pattern_id: object) -> None:
        self.pattern_id = pattern_id
        super().__init__(
            f"there is no pattern {pattern_id!r}",
            remedy="memory.patterns(status=None) lists every one that was ever claimed",
        )


class UnknownTheory(PalimpsestError):
    """A theory that nobody proposed and the data never gave.

    Attributes:
        theory_id: The identity asked for.
    """

    code = "unknown-theory"

    def __init__(self, theory_id: object) -> None:
        self.theory_id = theory_id
        super().__init__(
            f"there is no theory {theory_id!r}",
            remedy="memory.theories(status=None) lists every one; form_theory gives the identity of a new one",
        )


class UnknownBelief(PalimpsestError):
    """A belief that nobody asserted and that was never formed.

    Attributes:
        belief_id: The identity asked for.
    """

    code = "unknown-belief"

    def __init__(self, belief_id: object) -> None:
        self.belief_id = belief_id
        super().__init__(
            f"there is no belief {belief_id!r}",
            remedy="memory.beliefs(status=None) lists every one; assert_belief gives the identity of a new one",
        )


class UnknownObservation(PalimpsestError):
    """A position at which no observation was recorded.

    Attributes:
        position: The position asked for.
    """

    code = "unknown-observation"

    def __init__(self, position: object) -> None:
        self.position = position
        super().__init__(
            f"there is no observation at position {position!r}",
            remedy="memory.query_observations() lists the newest; record_observation gives the position of a new one",
        )


class NotAttached(PalimpsestError):
    """Something that needs the live model, which is not attached now.

    Attributes:
        model: The model's name, where one is known.
    """

    code = "not-attached"

    def __init__(self, model: str | None = None, *, remedy: str = "") -> None:
        self.model = model
        super().__init__(
            "no model is attached" if model is None else f"the live model {model!r} is not attached",
            remedy=remedy or f"call memory.attach(model, name={(model or 'name')!r}) first",
        )


class EditError(PalimpsestError):
    """An edit that cannot be done, or was put back."""

    code = "edit"


class RankError(PalimpsestError):
    """Another process of a distributed run failed, did something else, or cannot be reached."""

    code = "rank"


class SafetyViolation(PalimpsestError):
    """A safety rule denied a write, whose bytes are as they were; or the model is under an emergency stop.

    Attributes:
        rules: The rules that denied it, sorted; `emergency_stop` for a stopped model.
        model: The model's name, where one is known.
        alerts: What is recorded of a write that was denied: payloads of `safety_alert`.
    """

    code = "safety-violation"

    def __init__(
        self,
        message: str,
        *,
        rules: Iterable[str] = (),
        model: str | None = None,
        alerts: Iterable[object] = (),
        remedy: str = "",
    ) -> None:
        self.rules = tuple(sorted(rules))
        self.model = model
        self.alerts = tuple(alerts)
        super().__init__(
            message, remedy=remedy or "look at the alerts (memory.safety.get_recent_alerts()), and change the write"
        )


class RestoreError(PalimpsestError):
    """An earlier state that cannot be put back; the live weights are as they were."""

    code = "restore"
