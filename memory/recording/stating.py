"""Records what someone states: theories, predictions, beliefs, and outcomes; checked before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from memory.errors import InvalidArgument, UnknownBelief, UnknownTheory
from memory.events.amendments import Retraction
from memory.events.codec import build
from memory.events.knowledge import BeliefAsserted, PredictionRegistered, TheoryProposed, ValidationRecorded
from memory.events.plain import Refused, plain
from memory.events.registry import Payload, PayloadT
from memory.inference.theories import Forecast
from memory.projections.knowledge.proposed import first_forecast
from memory.projections.knowledge.stated import Standing, belief_identity, theory_identity
from memory.projections.runner import ProjectionRunner
from memory.query.beliefs import belief_row, theory_row
from memory.query.foresight import Foresight
from memory.query.keys import recorded_under
from memory.recording.attached import AttachedModel
from memory.recording.journal import Recorded
from memory.recording.predictions import Prediction, RecordedBelief, RecordedTheory
from memory.recording.recorder import Envelope, Recorder
from memory.store.log import EventStore

_WRITE = "write:"


class Stating:
    """Records theories, predictions, beliefs and their outcomes.

    Args:
        recorder: What records.
        store: The log they go to.
        runner: Brings up to date what is asked before something is recorded.
    """

    def __init__(self, recorder: Recorder, store: EventStore, runner: ProjectionRunner) -> None:
        self._recorder = recorder
        self._store = store
        self._runner = runner
        self._foresight = Foresight(runner)

    def propose(self, fields: Mapping[str, Any], *, model: str | None, envelope: Envelope) -> RecordedTheory:
        """Record a theory."""
        name = self._recorder.model_name(model)
        payload = build(TheoryProposed, model=name, **self._by_storage(fields, name))
        handle = RecordedTheory(payload.event_type, theory_identity(payload))
        self._record(name, payload, handle, envelope)
        return handle

    def believe(self, fields: Mapping[str, Any], *, model: str | None, envelope: Envelope) -> RecordedBelief:
        """Record a belief."""
        name = None if model is None else self._recorder.model(model).name
        payload = build(BeliefAsserted, model=name, **self._by_storage(fields, name))
        handle = RecordedBelief(payload.event_type, belief_identity(payload))
        self._record(name, payload, handle, envelope)
        return handle

    def predict(self, theory_id: str, context: Any, envelope: Envelope) -> Prediction:
        """Record what a theory says about its next outcome."""
        context = {} if context is None else context
        first = self._under(envelope.key, PredictionRegistered)
        if first is not None:
            # What the theory says by now is no part of what the caller asks again.
            payload = build(PredictionRegistered, **dict(first) | {"theory_id": theory_id, "context": context})
        else:
            model, forecast = self._forecast(theory_id, context)
            known = forecast.sd > 0.0
            payload = build(
                PredictionRegistered,
                model=model,
                theory_id=theory_id,
                context=context,
                direction=forecast.direction,
                probability=forecast.probability,
                mean=forecast.mean if known else None,
                sd=forecast.sd if known else None,
            )
        handle = Recorded(payload.event_type)
        self._record(payload.model, payload, handle, envelope)
        return Prediction(
            payload.theory_id,
            payload.context,
            payload.direction,
            payload.probability,
            payload.mean,
            payload.sd,
            handle,
        )

    def validate(
        self,
        target_kind: Literal["theory", "belief"],
        target: str,
        outcome: Any,
        *,
        rests_on: int | None,
        note: str,
        envelope: Envelope,
    ) -> Recorded:
        """Record how what a theory or belief says turned out."""
        met = _outcome(target_kind, outcome)
        first = self._under(envelope.key, ValidationRecorded)
        if first is not None:
            model = first.model
        else:
            standing = self._standing(target_kind, target)
            model = standing.model
            if met["value"] is not None and not standing.names_a_side:
                raise InvalidArgument("observation", outcome, "this theory names no side: say True or False")
            if rests_on is not None:
                self._check_rests_on(rests_on, standing)
        fields = {"target_kind": target_kind, "target": target, "rests_on": rests_on, "note": note}
        payload = build(ValidationRecorded, model=model, **fields, **met)
        handle = Recorded(payload.event_type)
        self._record(model, payload, handle, envelope)
        return handle

    # What is there

    def _forecast(self, theory_id: str, context: Any) -> tuple[str | None, Forecast]:
        """Give a theory's model and what it says about its next outcome."""
        self._runner.catch_up({"knowledge"})
        forecast, row = self._foresight.forecast(theory_id, context), theory_row(self._store.database, theory_id)
        if row is None:
            proposed = self._pending(theory_id)
            if isinstance(proposed, TheoryProposed):
                return proposed.model, first_forecast(proposed.direction, proposed.probability)
            raise UnknownTheory(theory_id)
        if forecast is None:
            raise InvalidArgument("theory_id", theory_id, f"this theory is {row.status}, and predicts nothing")
        return row.model or None, forecast

    def _standing(self, target_kind: str, target: str) -> Standing:
        """Give what an outcome of something stated must fit.

        Raises:
            UnknownTheory: There is no such theory.
            UnknownBelief: There is no such belief.
            InvalidArgument: It was retracted, or is one of the data, which is scored by outcomes on record alone.
        """
        of_theory = target_kind == "theory"
        self._runner.catch_up({"knowledge"})
        row = (theory_row if of_theory else belief_row)(self._store.database, target)
        standing = None if row is None else self._foresight.standing(target)
        if standing is None:
            pending = self._pending(target)
            if isinstance(pending, TheoryProposed if of_theory else BeliefAsserted):
                sided = of_theory and pending.direction is not None
                return Standing(pending.model, self._store.head().position, sided)
            if row is None:
                raise UnknownTheory(target) if of_theory else UnknownBelief(target)
            raise InvalidArgument(f"{target_kind}_id", target, _not_by_word(target_kind, row.status))
        return standing

    def _pending(self, identity: str) -> TheoryProposed | BeliefAsserted | None:
        """Give what the open batch states under an identity."""
        for event in reversed(self._recorder.journal.pending()):
            payload = event.payload
            if isinstance(payload, TheoryProposed) and theory_identity(payload) == identity:
                return payload
            if isinstance(payload, BeliefAsserted) and belief_identity(payload) == identity:
                return payload
        return None

    def _check_rests_on(self, position: int, standing: Standing) -> None:
        whole = isinstance(position, int) and not isinstance(position, bool)
        if not whole or not 0 < position <= self._store.head().position:
            raise InvalidArgument("rests_on", position, "it is the position of an event that is on record")
        if position <= standing.since:
            raise InvalidArgument(
                "rests_on",
                position,
                f"that event was there before it was stated (position {standing.since}): what led to a statement does "
                "not count for it again",
            )
        for event in self._store.read(after=position, types=(Retraction.event_type,)):
            if isinstance(event.payload, Retraction) and event.payload.position == position:
                raise InvalidArgument("rests_on", position, "that event was retracted")

    def _under(self, key: str | None, cls: type[PayloadT]) -> PayloadT | None:
        """Give what was recorded under a key, or waits in the open batch, where it is of that class."""
        if key is None:
            return None
        for event in self._recorder.journal.pending():
            if event.key == key:
                return event.payload if isinstance(event.payload, cls) else None
        found = recorded_under(self._store.database, key)
        payload = None if found is None or found.event_type != cls.event_type else found.payload
        return payload if isinstance(payload, cls) else None

    def _by_storage(self, fields: Mapping[str, Any], model: str | None) -> dict[str, Any]:
        """Give the fields with a tensor's name as the name of its storage: all aliases of it are one subject."""
        result = dict(fields)
        if fields.get("subject") is None and fields.get("object") is None:
            return result
        attached = self._attached(model)
        if attached is not None:
            self._recorder.note_sharing(attached)
            for end in ("subject", "object"):
                result[end] = _storage_key(fields.get(end), attached)
        return result

    def _attached(self, model: str | None) -> AttachedModel | None:
        models = self._recorder.models()
        return self._recorder.model(model) if model is not None else models[0] if len(models) == 1 else None

    def _record(self, model: str | None, payload: Payload, handle: Recorded, envelope: Envelope) -> None:
        envelope = replace(envelope, act=self._recorder.act_of(envelope.act))
        self._recorder.record(model, [payload], [handle], envelope=envelope)


def _outcome(target_kind: str, outcome: Any) -> dict[str, Any]:
    """Give an outcome as the fields that hold it: words are not taken, since no program knows what they say."""
    try:
        value = outcome if isinstance(outcome, str) else plain(outcome)
    except Refused:
        value = None
    if isinstance(value, bool):
        return {"came_true": value, "value": None}
    if isinstance(value, int | float) and target_kind == "theory":
        return {"came_true": None, "value": value}
    number = ", or the number it was" if target_kind == "theory" else ""
    name = "observation" if target_kind == "theory" else "outcome"
    raise InvalidArgument(name, outcome, f"say whether it came true: True or False{number}; words go into note=")


def _not_by_word(target_kind: str, status: str) -> str:
    if status == "retracted":
        return f"this {target_kind} was retracted: nobody states it any more"
    return (
        f"this {target_kind} is of the data, and scored by outcomes on record alone: record what you saw with "
        "record_metrics in an act, or state what you think yourself (form_theory, assert_belief)"
    )


def _storage_key(name: Any, attached: AttachedModel) -> Any:
    if not isinstance(name, str):
        return name
    prefix, bare = (_WRITE, name.removeprefix(_WRITE)) if name.startswith(_WRITE) else ("", name)
    return prefix + attached.sharing.storage_key(bare) if bare in attached.sharing.names else name
