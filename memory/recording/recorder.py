"""Records what an agent tells: attaches, observations, metrics, reported writes; one event, one handle."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from introspection.errors import UnknownName
from introspection.sharing import SharingMap
from memory.errors import AmbiguousModel, InvalidArgument, NotAttached, UnknownModel
from memory.events.codec import build
from memory.events.envelope import MEMORY_STREAM, NewEvent, model_stream
from memory.events.models import ModelAttached, SharingChanged, plain_map
from memory.events.modifications import Restored, UnattributedWrite
from memory.events.observations import LayerStatisticsRecorded, MetricDefined, MetricsRecorded, Observation
from memory.events.registry import Payload, PayloadT
from memory.projections.runner import ProjectionRunner
from memory.query.keys import recorded_under
from memory.query.weights import KNOWN_MODEL, KnownModel, known_model
from memory.recording.acts import Act, new_act_id
from memory.recording.attached import AttachedModel
from memory.recording.journal import Journal, Recorded
from memory.recording.writes import (
    WriteDetails,
    affected_names,
    dose_of,
    plain_data,
    take_over_digests,
    targets,
    write_event,
)
from memory.store.engine import Database
from memory.store.forking import ForkSafeLock

if TYPE_CHECKING:
    from torch.nn import Module

_log = logging.getLogger(__name__)

TakeBack = Callable[[], None]
"""Takes back what is kept in memory of events that turn out not to be recorded."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What every record can carry beside its content."""

    act: Act | str | None = None
    key: str | None = None
    occurred_at: datetime | None = None


class Recorder:
    """Turns calls into events.

    Args:
        journal: Where events go.
        runner: Catches projections up, so that an attach can ask what the record knows.
        database: What to ask.
        generator: Where acts get their names and coins.
    """

    def __init__(
        self, journal: Journal, runner: ProjectionRunner, database: Database, generator: random.Random
    ) -> None:
        self.journal = journal
        self._runner = runner
        self._database = database
        self._generator = generator
        self._models: dict[str, AttachedModel] = {}
        self._looking = ForkSafeLock()
        self._act: ContextVar[Act | None] = ContextVar("palimpsest_act", default=None)

    # Models

    def attach(self, model: Module | SharingMap, name: str, baseline: Literal["lazy", "full"]) -> AttachedModel:
        """Take a model (or a map) under care; record what is new about it."""
        model_stream(name)
        if baseline != "lazy":
            raise InvalidArgument(
                "baseline", baseline, "only 'lazy' is offered: keyframes of everything need the weight store"
            )
        if isinstance(model, SharingMap):
            attached = AttachedModel(name, model, None)
        else:
            from introspection.scan import SharingScanner

            scanner = SharingScanner(model)
            attached = AttachedModel(name, scanner.current(), scanner, type(model).__name__)
        for group in attached.sharing.groups:
            _log.info("model %r: %s are one tensor", name, " and ".join(sorted(group)))
        earlier = self._models.get(name)
        events = self._attach_events(attached)
        self._models[name] = attached
        if events:
            self._record_all(name, events, on_abort=lambda: self._forget(name, earlier))
        return attached

    def _forget(self, name: str, earlier: AttachedModel | None) -> None:
        if earlier is None:
            self._models.pop(name, None)
        else:
            self._models[name] = earlier

    def _attach_events(self, attached: AttachedModel) -> list[Payload]:
        """Give the events of an attach, and take over what the log says unreadable storages hold."""
        self._runner.catch_up(KNOWN_MODEL)
        known = known_model(self._database, attached.name)
        states = attached.states()
        attached.fingerprints = {state.key: state.fingerprint for state in states}
        same_map = known is not None and known.sharing.digest == attached.sharing.digest
        if known is not None and not same_map:
            _tell_of_lost_ties(attached.name, known.sharing, attached.sharing)
        event = ModelAttached(
            model=attached.name,
            architecture=attached.architecture,
            sharing=plain_map(attached.sharing.to_json()),
            digest=attached.sharing.digest,
            storages=states,
        )
        if known is None:
            return [event]
        if not attached.live:
            if same_map:
                return []
            return [AttachedModel(attached.name, known.sharing, None).adopt(attached.sharing)]
        attached.fingerprints = {state.key: state.fingerprint or known.head(state.key) for state in states}
        differing = [key for key, found in sorted(attached.fingerprints.items()) if found != (known.head(key) or found)]
        if differing:
            position = known.state_of(attached.fingerprints) if same_map else None
            if position is not None:
                return [event.model_copy(update={"state_of": position})]
            writes: list[Payload] = [_unattributed(attached, known, key) for key in differing]
            return writes if same_map else [*writes, event]
        unread = any(known.head(key) is None and found is not None for key, found in attached.fingerprints.items())
        return [] if same_map and not unread else [event]

    def model(self, name: str | None) -> AttachedModel:
        """Give the attached model of that name, or the only one.

        Raises:
            NotAttached: No model is attached.
            AmbiguousModel: Several are, and none was named.
            UnknownModel: The one named is not attached.
        """
        if name is not None:
            if name not in self._models:
                raise UnknownModel(name, sorted(self._models))
            return self._models[name]
        if not self._models:
            raise NotAttached
        if len(self._models) > 1:
            raise AmbiguousModel(sorted(self._models))
        return next(iter(self._models.values()))

    def models(self) -> tuple[AttachedModel, ...]:
        """Give every attached model."""
        return tuple(self._models.values())

    def model_name(self, name: str | None) -> str | None:
        """Give the name a record is filed under: the one named, the only one attached, or none."""
        return None if name is None and not self._models else self.model(name).name

    def note_sharing(self, attached: AttachedModel) -> None:
        """Record how a live model's sharing changed since it was last looked at, if it did."""
        # Two threads that both saw the change would both record it.
        with self._looking:
            take_back = attached.remember()
            event = attached.look_again()
            if event is not None:
                self._record_all(attached.name, [event], on_abort=take_back)
                _tell_of(event)

    # Acts

    @contextmanager
    def act(self, label: str, identity: str | None) -> Iterator[Act]:
        """Group what is recorded inside into one act."""
        act = Act(label, identity, self._generator)
        token = self._act.set(act)
        try:
            yield act
        finally:
            self._act.reset(token)

    def act_of(self, act: Act | str | None, *, writes: int = 1) -> Act | str | None:
        """Give the act named, or the one this code runs in, or one of their own for several writes made together."""
        if act is None:
            act = self._act.get()
        return new_act_id(self._generator) if act is None and writes > 1 else act

    # Records

    def modification(
        self, layer_name: str, details: WriteDetails, *, model: str | None, envelope: Envelope
    ) -> Recorded:
        """Record a write made elsewhere: one event per storage the layer name stands for."""
        attached = self.model(model)
        self.note_sharing(attached)
        known = True
        try:
            names = targets(attached, layer_name)
        except UnknownName:
            if not details.per_name:
                raise
            names, known = (layer_name,), False
        if details.per_name and self.act_of(envelope.act) is None:
            raise InvalidArgument("act", None, "a record with per_name=True needs the act it belongs to")
        act = self.act_of(envelope.act, writes=len(names))
        dose = dose_of(details, act)
        details = replace(details, data=plain_data(details.data))
        events = [
            write_event(
                attached,
                name,
                details,
                dose,
                act=act,
                fingerprint=attached.fingerprint_now(name) if known else None,
                known=known,
            )
            for name in names
        ]
        repeats = [
            self._recorded_under(numbered(envelope.key, number), type(each)) for number, each in enumerate(events)
        ]
        take_back = attached.remember()
        for number, (event, first) in enumerate(zip(list(events), repeats, strict=True)):
            if first is None:
                take_over_digests(attached, event)
            else:
                # What the live bytes are by now is no part of what the writer says again.
                held = {"fingerprint": first.fingerprint, "overlapping": first.overlapping}
                events[number] = event.model_copy(update=held)
        handles = [Recorded(event.event_type, affected_names(event)) for event in events]
        self.record(attached.name, events, handles, envelope=replace(envelope, act=act), on_abort=take_back)
        handles[0].also = tuple(handles[1:])
        return handles[0]

    def observation(self, fields: Mapping[str, Any], *, model: str | None, envelope: Envelope) -> Recorded:
        """Record what was noticed."""
        name = self.model_name(model)
        return self._record_one(name, build(Observation, model=name, **fields), envelope)

    def metrics(
        self, values: Mapping[str, float], sample: str | None, *, model: str | None, envelope: Envelope
    ) -> Recorded:
        """Record one evaluation."""
        name = self.model_name(model)
        return self._record_one(name, build(MetricsRecorded, model=name, metrics=values, sample=sample), envelope)

    def metric_definition(self, fields: Mapping[str, Any], *, model: str | None) -> Recorded:
        """Record what a metric means."""
        name = self.model(model).name if model is not None else None
        return self._record_one(name, build(MetricDefined, model=name, **fields), Envelope())

    def layer_statistics(
        self, statistic: str, values: Mapping[str, float], *, model: str | None, envelope: Envelope
    ) -> Recorded:
        """Record one statistic of several layers."""
        attached = self.model(model)
        self.note_sharing(attached)
        event = build(LayerStatisticsRecorded, model=attached.name, statistic=statistic, values=values)
        return self._record_one(attached.name, event, envelope)

    def restore(self, to_act: str | None, *, model: str | None, envelope: Envelope) -> Recorded:
        """Record a restore made elsewhere."""
        attached = self.model(model)
        self.note_sharing(attached)
        states = attached.states()
        take_back = attached.remember()
        event = build(Restored, model=attached.name, to_act=to_act, storages=states)
        first = self._recorded_under(envelope.key, Restored)
        if first is None:
            attached.fingerprints = {state.key: state.fingerprint for state in states}
        else:
            event = event.model_copy(update={"storages": first.storages})
        return self._record_one(attached.name, event, envelope, on_abort=take_back)

    def record(
        self,
        model: str | None,
        events: Sequence[Payload],
        handles: Sequence[Recorded],
        *,
        envelope: Envelope,
        on_abort: TakeBack | None = None,
    ) -> None:
        """Give the events of one model their envelope and hand them to the journal."""
        self.record_across([(model, event) for event in events], handles, envelope=envelope, on_abort=on_abort)

    def record_across(
        self,
        events: Sequence[tuple[str | None, Payload]],
        handles: Sequence[Recorded],
        *,
        envelope: Envelope,
        on_abort: TakeBack | None = None,
    ) -> None:
        """Give events of several models their envelope and hand them to the journal, as one whole.

        A key covers a whole call: the second and later events of a call that makes several get it with a number.
        """
        act_id = envelope.act.id if isinstance(envelope.act, Act) else envelope.act
        try:
            new = [
                NewEvent(
                    payload=event,
                    stream=model_stream(model) if model is not None else MEMORY_STREAM,
                    act_id=act_id,
                    occurred_at=envelope.occurred_at,
                    key=numbered(envelope.key, number),
                )
                for number, (model, event) in enumerate(events)
            ]
        except BaseException:
            if on_abort is not None:
                on_abort()
            raise
        self.journal.record(new, handles, on_abort=on_abort)

    def _record_one(
        self, model: str | None, event: Payload, envelope: Envelope, *, on_abort: TakeBack | None = None
    ) -> Recorded:
        handle = Recorded(event.event_type)
        envelope = replace(envelope, act=self.act_of(envelope.act))
        self.record(model, [event], [handle], envelope=envelope, on_abort=on_abort)
        return handle

    def _recorded_under(self, key: str | None, cls: type[PayloadT]) -> PayloadT | None:
        """Give what was recorded under a key, where it is of that class."""
        event = recorded_under(self._database, key) if key is not None else None
        payload = event.payload if event is not None and event.event_type == cls.event_type else None
        return payload if isinstance(payload, cls) else None

    def _record_all(self, model: str, events: Sequence[Payload], *, on_abort: TakeBack) -> None:
        handles = [Recorded(event.event_type) for event in events]
        self.record(model, events, handles, envelope=Envelope(), on_abort=on_abort)


def _unattributed(attached: AttachedModel, known: KnownModel, key: str) -> UnattributedWrite:
    return UnattributedWrite(
        model=attached.name,
        storage_key=key,
        affected=attached.affected(key),
        fingerprint_expected=known.head(key) or "",
        fingerprint_found=attached.fingerprints[key] or "",
        found_by="attach",
    )


def _tell_of(event: SharingChanged) -> None:
    for names in event.tied:
        _log.info("model %r: %s share memory now", event.model, " and ".join(names))
    for names in event.untied:
        if names in event.vanished:
            _log.warning(
                "model %r: the tie between %s is gone, and neither kept its bytes: whatever moved, cast, sharded or "
                "loaded the weights did not know of it (to_empty, .to(dtype), fully_shard and load_state_dict(assign="
                "True) do that). Tie them again, as with model.tie_weights(), unless that was meant",
                event.model,
                " and ".join(names),
            )
        else:
            _log.info("model %r: %s share memory no longer", event.model, " and ".join(names))


def _tell_of_lost_ties(model: str, known: SharingMap, found: SharingMap) -> None:
    for pair in known.diff(found).untied:
        if pair <= set(found.names):
            _log.warning(
                "model %r: the record knows %s as tied, and they are not tied in what is attached now: loading without "
                "tie_weights() does that. Tie them again, unless that was meant",
                model,
                " and ".join(sorted(pair)),
            )


def numbered(key: str | None, number: int) -> str | None:
    """Give the key of a call's event of that number."""
    return key if key is None or number == 0 else f"{key}#{number}"
