"""Records what an agent tells: attaches, observations, metrics, reported writes; one event, one handle."""

from __future__ import annotations

import functools
import logging
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from introspection.errors import UnknownName
from introspection.sharing import SharingMap
from memory.errors import AmbiguousModel, InvalidArgument, NotAttached, UnknownModel
from memory.events.codec import build
from memory.events.envelope import MEMORY_STREAM, NewEvent, model_stream
from memory.events.models import SharingChanged
from memory.events.modifications import Restored
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
from memory.store.blobs import Content
from memory.store.engine import Database
from memory.store.forking import ForkSafeLock

if TYPE_CHECKING:
    from torch.nn import Module

    from memory.recording.editor import Editor
    from memory.recording.states import Kept, States
    from memory.recording.together import Together
    from memory.recording.unannounced import Unannounced
    from memory.safety.gate import SafetyGate

_log = logging.getLogger(__name__)

T = TypeVar("T")

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
        states: Keeps the bytes of weights.
    """

    def __init__(
        self,
        journal: Journal,
        runner: ProjectionRunner,
        database: Database,
        generator: random.Random,
        states: States,
    ) -> None:
        self.journal = journal
        self._states = states
        self._runner = runner
        self._database = database
        self._generator = generator
        self._models: dict[str, AttachedModel] = {}
        self.gate: SafetyGate | None = None
        """What every edit must pass."""
        self.together: Together | None = None
        """The calls that all processes of a distributed run make; None where the weights are whole in this one."""
        self._looking = ForkSafeLock()
        self._act: ContextVar[Act | None] = ContextVar("palimpsest_act", default=None)
        self.on_writes: Callable[[AttachedModel, int], None] | None = None
        """Told how many writes to a model are on record, once nobody is at its bytes any more."""

    @functools.cached_property
    def unannounced(self) -> Unannounced:
        """Looks for writes that nobody announced."""
        from memory.recording.unannounced import Unannounced

        return Unannounced(self, self._states)

    def on_every_rank(self, what: tuple[object, ...], body: Callable[[], T]) -> T:
        """Do something that reads or writes weights: on rank 0, where processes share them out, with all taking part.

        Args:
            what: What the call is, with whatever must be the same on every rank.
            body: What to do; what it gives goes to every rank.
        """
        return body() if self.together is None else self.together.call(what, body)

    def editor(self) -> Editor:
        """Give what runs edits."""
        from memory.recording.editor import Editor

        if self.together is None:
            return Editor(self, self._states)
        from memory.recording.shared_editor import SharedEditor

        return SharedEditor(self, self._states, self.together)

    # Models

    def attach(self, model: Module | SharingMap, name: str, baseline: Literal["lazy", "full"]) -> AttachedModel:
        """Take a model (or a map) under care; record what is new about it."""
        model_stream(name)
        if baseline not in ("lazy", "full"):
            raise InvalidArgument("baseline", baseline, 'give "lazy" or "full"')
        if isinstance(model, SharingMap):
            attached = AttachedModel(name, model, None)
        else:
            from introspection.scan import SharingScanner
            from memory.recording.joining import attach_together, join

            scanner = SharingScanner(model)
            self.together = join(model, self.together, self.journal)
            if self.together is not None:
                return attach_together(self, self.together, model, name, full=baseline == "full")
            attached = AttachedModel(name, scanner.current(), scanner, type(model).__name__)
        return self.take_in(attached, full=baseline == "full")

    def take_in(self, attached: AttachedModel, *, full: bool) -> AttachedModel:
        """Take a model that was looked at under care; record what is new about it.

        Args:
            attached: The model.
            full: Whether all bytes are kept that are not kept yet.
        """
        from memory.recording.attaching import Attaching

        name = attached.name
        for group in attached.sharing.groups:
            _log.info("model %r: %s are one tensor", name, " and ".join(sorted(group)))
        earlier = self._models.get(name)
        self._models[name] = attached

        def forget() -> None:
            self._forget(name, earlier)

        try:
            Attaching(self, self._states, attached, self._known(name), forget).record(full=full)
        except BaseException:
            forget()
            raise
        return attached

    def follow(self, attached: AttachedModel) -> None:
        """Take a model under care that rank 0 of this run records."""
        self._models[attached.name] = attached

    def _known(self, name: str) -> KnownModel | None:
        self._runner.catch_up(KNOWN_MODEL)
        return known_model(self._database, name)

    def _forget(self, name: str, earlier: AttachedModel | None) -> None:
        if earlier is None:
            self._models.pop(name, None)
        else:
            self._models[name] = earlier

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
                self.record_all(attached.name, [event], on_abort=take_back)
                _tell_of(event)

    def notice(self, attached: AttachedModel, *, found_by: str = "tripwire") -> tuple[Recorded, ...]:
        """Record how sharing changed, and what was written to unannounced as far as torch's own signs show it.

        The signs are torch's counts of writes and names bound anew: cheap enough for every call. What they do not show
        (writes through `.data`, numpy, other processes), `memory.verify_weights` finds.
        """
        if not attached.live:
            return ()
        self.note_sharing(attached)
        suspicious = attached.suspicious()
        return self.unannounced.note(attached, suspicious, found_by=found_by) if suspicious else ()

    def notice_all(self, model: str | None) -> None:
        """Look at the model a record is about; at every one, where it names none."""
        for attached in self.models() if model is None else (self.model(model),):
            self.notice(attached)

    def wrote(self, attached: AttachedModel, number: int = 1) -> None:
        """Say that writes to a model are on record, and that what made them has let go of its bytes."""
        if self.on_writes is not None:
            self.on_writes(attached, number)

    def settle(self) -> None:
        """Have every watch that is between two steps read what it left unread."""
        for attached in self.models():
            attached.settle()

    # Acts

    @contextmanager
    def act(self, label: str, identity: str | None) -> Iterator[Act]:
        """Group what is recorded inside into one act."""
        act = Act(label, identity, self._generator if self.together is None else self.together.coins(self._generator))
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
        self.notice_all(name)
        return self._record_one(name, build(Observation, model=name, **fields), envelope)

    def metrics(
        self, values: Mapping[str, float], sample: str | None, *, model: str | None, envelope: Envelope
    ) -> Recorded:
        """Record one evaluation."""
        name = self.model_name(model)
        self.notice_all(name)
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
        self.notice(attached)
        event = build(LayerStatisticsRecorded, model=attached.name, statistic=statistic, values=values)
        return self._record_one(attached.name, event, envelope)

    def restore(
        self, to_act: str | None, *, model: str | None, envelope: Envelope, reason: str | None = None
    ) -> Recorded:
        """Record a restore made elsewhere, with the position of the state where that one is on record."""
        attached = self.model(model)
        attached.settle()
        self.note_sharing(attached)
        states = attached.states()
        take_back = attached.remember()
        known = self._known(attached.name) if attached.live else None
        held = {state.key: state.fingerprint for state in states}
        position = None if known is None else known.state_of(held)
        event = build(
            Restored, model=attached.name, to_act=to_act, to_position=position, reason=reason, storages=states
        )
        first = self._recorded_under(envelope.key, Restored)
        if first is None:
            attached.fingerprints = {state.key: state.fingerprint for state in states}
            attached.compared(attached.sharing.storages)
        else:
            event = event.model_copy(update={"storages": first.storages, "to_position": first.to_position})
        return self._record_one(attached.name, event, envelope, on_abort=take_back)

    def record(
        self,
        model: str | None,
        events: Sequence[Payload],
        handles: Sequence[Recorded],
        *,
        envelope: Envelope,
        on_abort: TakeBack | None = None,
        blobs: Mapping[str, Content] | None = None,
    ) -> None:
        """Give the events of one model their envelope and hand them to the journal."""
        told = [(model, event) for event in events]
        self.record_across(told, handles, envelope=envelope, on_abort=on_abort, blobs=blobs)

    def record_across(
        self,
        events: Sequence[tuple[str | None, Payload]],
        handles: Sequence[Recorded],
        *,
        envelope: Envelope,
        on_abort: TakeBack | None = None,
        blobs: Mapping[str, Content] | None = None,
    ) -> None:
        """Give events of several models their envelope and hand them to the journal, as one whole.

        A key covers a whole call: the second and later events of a call that makes several get it with a number.
        `blobs` are written with them, by digest.
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
        self.journal.record(new, handles, on_abort=on_abort, blobs=blobs)

    def record_kept(
        self,
        model: str,
        events: Sequence[Payload],
        handles: Sequence[Recorded],
        kept: Kept,
        *,
        act: Act | str | None = None,
        on_abort: TakeBack | None = None,
    ) -> None:
        """Record events together with what was kept of the bytes that they speak of."""
        self.record(model, events, handles, envelope=Envelope(act=act), blobs=kept.blobs, on_abort=on_abort)
        # A batch may still come to nothing: then what it kept is on no record.
        if not self.journal.in_batch:
            kept.committed()

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

    def record_all(self, model: str, events: Sequence[Payload], *, on_abort: TakeBack) -> None:
        """Record events that belong to no act and that nobody asked for a handle of."""
        handles = [Recorded(event.event_type) for event in events]
        self.record(model, events, handles, envelope=Envelope(), on_abort=on_abort)


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


def numbered(key: str | None, number: int) -> str | None:
    """Give the key of a call's event of that number."""
    return key if key is None or number == 0 else f"{key}#{number}"
