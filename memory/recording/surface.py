"""What a memory records: every call that appends to the log, as its users know them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from memory.recording.acts import Act
from memory.recording.amending import Amender
from memory.recording.attached import AttachedModel
from memory.recording.journal import Recorded
from memory.recording.recorder import Envelope, Recorder
from memory.recording.writes import WriteDetails
from memory.safety.monitor import SafetyMonitor

if TYPE_CHECKING:
    from torch.nn import Module

    from introspection.sharing import SharingMap
    from memory.recording.states import States


class RecordingSurface:
    """The recording half of `memory.MemorySystem`, which makes the recorder beneath it."""

    _recorder: Recorder
    _amender: Amender
    _safety: SafetyMonitor
    _states: States

    def attach(
        self, model: Module | SharingMap, name: str = "model", *, baseline: Literal["lazy", "full"] = "lazy"
    ) -> AttachedModel:
        """Take a model under care: its sharing map and the digests of its storages go on record.

        A model the record knows is compared with what the log says it holds: equal bytes resume, the bytes of an
        earlier state are recorded as that state, and anything else as unattributed writes. Never silently continued.

        A model that processes share out (FSDP2, DTensor) is attached by all of them: from then on every call that reads
        or writes weights is made on every rank, and rank 0 records it, once, of the whole tensors.

        Args:
            model: The live model; or only its sharing map, for replay, import and simulation.
            name: What it is called in this record.
            baseline: `lazy` keeps all bytes of a storage before its first announced write; `full` those of every
                storage now, so that also unannounced writes can be taken back.

        Returns:
            The attached model: its name and sharing map.

        Raises:
            InvalidArgument: The baseline is not offered.
            RankError: The processes attach different models.
        """
        attached = self._recorder.attach(model, name, baseline)
        self._safety.emergencies.take_up()
        return attached

    @property
    def attached_models(self) -> tuple[AttachedModel, ...]:
        """Every model that is attached now."""
        return self._recorder.models()

    def edit(
        self,
        layer_name: str | Sequence[str],
        *,
        method: str | None = None,
        reason: str | None = None,
        model: str | None = None,
        act: Act | str | None = None,
        dose: float | None = None,
        randomised: bool = False,
        propensity: float | None = None,
        rows: Sequence[int] | None = None,
        acknowledged: bool = False,
        description: str | None = None,
        tags: Sequence[str] = (),
        importance: float | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> AbstractContextManager[Any]:
        """Change weights in a transaction: one event per storage, or every byte put back.

        The block gets the live bytes, detached. Leaving it measures what changed and records it: one
        `coupled_modification` where other names share the bytes, whichever of them was named. An exception inside
        puts every byte back, records `edit_aborted`, and goes on.

        Args:
            layer_name: A tensor name, a module path, or several of either. Several names, and a path that names
                several storages, give a dict of tensors.
            method: How: `scale`, `rank_one`, `noise`, or your own word. Series of different methods are kept apart.
            reason: Why.
            model: Which attached model; None for the only one.
            act: The act it belongs to; None for the one this code runs in.
            dose: Signed size, in units of the method's reference dose.
            randomised: Whether a coin decided the sign of the dose (known by itself after `act.flip()`).
            propensity: Probability of the side that was drawn.
            rows: The only rows (first dimension) the edit may touch: then nothing else is read. An edit that changes
                another row is put back where that shows in the same 1 MiB of memory; elsewhere `verify_weights` finds
                it, as it finds every write nobody announced.
            acknowledged: Whether you know of the names coupled to those you name; `check_modification` tells of them.
            description: What it is, in words.
            tags: Your own tags.
            importance: 0 to 1; coupled writes count at least 0.9.
            data: What was done, as data.

        Raises:
            UnknownName: The model has no such tensor or module.
            BatchError: A batch is open: weights cannot be rolled back with it.
            SafetyViolation: A rule of safety denies it, or the model is under an emergency stop; bytes were put back.
            EditError: There are no live weights, the name was bound to another tensor inside the block, or a row that
                was not declared changed.
            InvalidArgument: A declared row does not exist.
        """
        details = WriteDetails(
            data=data,
            description=description,
            tags=tags,
            importance=importance,
            reason=reason,
            method=method,
            dose=dose,
            randomised=randomised,
            propensity=propensity,
            rows=None if rows is None else tuple(rows),
            acknowledged=acknowledged,
        )
        return self._recorder.editor().edit(layer_name, details, model=model, act=act)

    def record_modification(
        self,
        layer_name: str,
        modification_data: Any = None,
        description: str | None = None,
        tags: Sequence[str] = (),
        importance: float | None = None,
        *,
        model: str | None = None,
        act: Act | str | None = None,
        dose: float | None = None,
        method: str | None = None,
        reverts: str | None = None,
        randomised: bool = False,
        propensity: float | None = None,
        per_name: bool = False,
        reason: str | None = None,
        occurred_at: datetime | None = None,
        key: str | None = None,
    ) -> Recorded:
        """Record a write made elsewhere: one event per storage, coupled exactly when other names share its bytes.

        Args:
            layer_name: A tensor name or module path.
            modification_data: What was done.
            description: What it is, in words.
            tags: Your own tags, after `modification`, `coupled` and every affected name.
            importance: 0 to 1; coupled writes count at least 0.9.
            model: Which attached model; None for the only one.
            act: The act it belongs to.
            dose: Signed size, in units of the method's reference dose.
            method: How; `revert` and `sweep` are never evidence.
            reverts: The act whose writes it takes back.
            randomised: Whether a coin decided the sign of the dose.
            propensity: Probability of the side that was drawn; 1/2 if randomised and not said.
            per_name: The record comes from a log with one record per name: one write may come under every alias.
            reason: Why.
            occurred_at: When it happened; None for now.
            key: Makes the call idempotent.

        Returns:
            What was recorded; for a path that names several storages the first, with the rest in `also`.

        Raises:
            UnknownName: The model has no such tensor or module.
            KeyConflict: The key was used for other content.
            InvalidPayload: The data cannot be stored faithfully; nothing was written.
        """
        details = WriteDetails(
            data=modification_data,
            description=description,
            tags=tags,
            importance=importance,
            reason=reason,
            method=method,
            dose=dose,
            randomised=randomised,
            propensity=propensity,
            reverts=reverts,
            per_name=per_name,
        )
        envelope = Envelope(act=act, key=key, occurred_at=occurred_at)
        return self._recorder.on_every_rank(
            ("record_modification", layer_name, model, key),
            lambda: self._recorder.modification(layer_name, details, model=model, envelope=envelope),
        )

    def record_restore(
        self,
        to_act: str | None = None,
        *,
        model: str | None = None,
        reason: str | None = None,
        occurred_at: datetime | None = None,
        key: str | None = None,
    ) -> Recorded:
        """Record a restore made elsewhere: every storage may have changed, and no write is credited for what follows.

        Where the live weights hold, bit for bit, a state that is on record, the event says its position.

        Args:
            to_act: The act before which the state was put back.
            model: Which attached model; None for the only one.
            reason: Why.
            occurred_at: When it happened; None for now.
            key: Makes the call idempotent.
        """
        envelope = Envelope(key=key, occurred_at=occurred_at)
        return self._recorder.on_every_rank(
            ("record_restore", to_act, model, key),
            lambda: self._recorder.restore(to_act, model=model, envelope=envelope, reason=reason),
        )

    @contextmanager
    def act(self, label: str = "", *, act_id: str | None = None) -> Iterator[Act]:
        """Group what is recorded inside into one deliberate step.

        Args:
            label: What the step is, in words.
            act_id: Its name in the record; made up when None.
        """
        with self._recorder.act(label, act_id) as act:
            yield act

    def batch(self) -> AbstractContextManager[None]:
        """Make what is recorded inside one append: whole, or absent when the block raises.

        Raises:
            BatchError: This thread or task has a batch open already.
        """
        return self._recorder.journal.batch()

    def record_observation(
        self,
        obs_type: str,
        category: str,
        description: str = "",
        data: Any = None,
        tags: Sequence[str] = (),
        importance: float = 0.5,
        *,
        model: str | None = None,
        act: Act | str | None = None,
        occurred_at: datetime | None = None,
        key: str | None = None,
    ) -> Recorded:
        """Record what was noticed.

        Args:
            obs_type: One of `ObservationType`: performance, behavior, hypothesis, ...
            category: Your own category.
            description: What was seen, in words.
            data: What was seen, as data.
            tags: Your tags.
            importance: 0 to 1.
            model: The model it is about; None for the only one attached, or none.
            act: The act it belongs to.
            occurred_at: When it happened; None for now.
            key: Makes the call idempotent.

        Raises:
            InvalidPayload: Something cannot be stored faithfully; nothing was written.
        """
        fields = {
            "obs_type": obs_type,
            "category": category,
            "description": description,
            "data": {} if data is None else data,
            "tags": tags,
            "importance": importance,
        }
        envelope = Envelope(act=act, key=key, occurred_at=occurred_at)
        return self._recorder.observation(fields, model=model, envelope=envelope)

    def record_metrics(
        self,
        metrics: Mapping[str, float],
        *,
        sample: str | None = None,
        act: Act | str | None = None,
        model: str | None = None,
        key: str | None = None,
        occurred_at: datetime | None = None,
    ) -> Recorded:
        """Record one evaluation; in an act, before its first write it is the baseline, after it the outcome.

        A value that is not finite, or far worse than the metric was, is also recorded as a safety alert.

        Args:
            metrics: Name to value; NaN and infinity are stored faithfully.
            sample: What it was measured on: baseline and outcome pair only on the same sample.
            act: The act it belongs to; None for the one this code runs in.
            model: The model measured; None for the only one attached, or none.
            key: Makes the call idempotent.
            occurred_at: When it happened; None for now.
        """
        envelope = Envelope(act=act, key=key, occurred_at=occurred_at)
        about, evaluations = self._recorder.model_name(model), self._safety.evaluations
        evaluations.acquaint(metrics, about)
        recorded = self._recorder.metrics(metrics, sample, model=model, envelope=envelope)
        journal = self._recorder.journal
        # What every process of a distributed run records is recorded, and judged, once.
        if not journal.recorded_by_rank_0 and (journal.in_batch or not recorded.replayed):
            evaluations.judge(metrics, about, at_once=False, act=act.id if isinstance(act, Act) else act)
        return recorded

    def record_layer_statistics(
        self,
        statistic: str,
        values: Mapping[str, float],
        *,
        model: str | None = None,
        key: str | None = None,
        occurred_at: datetime | None = None,
    ) -> Recorded:
        """Record one statistic of several layers; names the map does not know are kept and quarantined.

        Args:
            statistic: Which statistic: `weight_norm`, `act_std`, ...
            values: Layer name to value.
            model: Which attached model; None for the only one.
            key: Makes the call idempotent.
            occurred_at: When it happened; None for now.
        """
        envelope = Envelope(key=key, occurred_at=occurred_at)
        return self._recorder.layer_statistics(statistic, values, model=model, envelope=envelope)

    def define_metric(
        self,
        name: str,
        *,
        derived_from: Sequence[str] = (),
        better: Literal["lower", "higher"] | None = None,
        smallest_effect: float = 0.0,
        model: str | None = None,
    ) -> Recorded:
        """Say what a metric means.

        Args:
            name: The metric.
            derived_from: The metrics it is computed from: it is then no evidence of its own.
            better: Which way is better.
            smallest_effect: Smallest change per act at the reference dose that matters, in the metric's units.
            model: The model it holds for; None for all.
        """
        fields = {
            "name": name,
            "derived_from": derived_from,
            "better": better,
            "smallest_effect": smallest_effect,
        }
        recorded = self._recorder.metric_definition(fields, model=model)
        self._safety.evaluations.defined_anew()
        return recorded

    def correct(
        self, position: int, *, data: Any, reason: str, key: str | None = None, occurred_at: datetime | None = None
    ) -> Recorded:
        """Record what is right instead of what an event says; the event stays, and what follows from it changes.

        Args:
            position: An observation, an evaluation or layer statistics.
            data: For an observation its whole data; else the numbers that were wrong, by name.
            reason: Why.
            key: Makes the call idempotent.
            occurred_at: When it happened; None for now.

        Raises:
            AmendmentError: There is no such event, it cannot be corrected, or it was retracted.
            InvalidPayload: The event cannot hold this data.
        """
        return self._amender.correct(position, data, reason, Envelope(key=key, occurred_at=occurred_at))

    def retract(
        self, position: int, *, reason: str, key: str | None = None, occurred_at: datetime | None = None
    ) -> Recorded:
        """Record that an event counts as if it had never been recorded; it stays, and what followed from it goes.

        Args:
            position: An observation, an evaluation, layer statistics, or a write that was only reported.
            reason: Why.
            key: Makes the call idempotent.
            occurred_at: When it happened; None for now.

        Raises:
            AmendmentError: There is no such event, it cannot be retracted, or it was before.
        """
        return self._amender.retract(position, reason, Envelope(key=key, occurred_at=occurred_at))
