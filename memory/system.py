"""The facade: one object that records what is done to a model, and says what followed from it."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from memory.projections.catalogue import PROJECTIONS
from memory.projections.runner import ProjectionRunner
from memory.query import knowledge
from memory.query.verification import LiveModel, VerifyReport, verify
from memory.recording.acts import Act
from memory.recording.amending import Amender
from memory.recording.attached import AttachedModel
from memory.recording.journal import Journal, Recorded
from memory.recording.recorder import Envelope, Recorder
from memory.recording.writes import WriteDetails
from memory.store.log import EventStore

if TYPE_CHECKING:
    from torch.nn import Module

    from introspection.sharing import SharingMap
    from memory.events.envelope import NewEvent
    from memory.query.knowledge import ConsolidationReport
    from memory.store.rollover import RolloverReport
    from memory.store.transfer.export import ExportReport, Progress
    from memory.store.transfer.importing import ImportReport


class MemorySystem:
    """A memory for models whose weights are being changed: append-only, and able to say what followed from what.

    Opening creates and migrates the database; a database of a newer schema, a foreign one, or a file that is none is
    refused and left untouched. Use it as a context manager, or call `close`.

    Args:
        url: A path, or a SQLAlchemy URL (`sqlite:///…`, `postgresql://…`).
        actor: Who records; kept with every append.
        correlation_id: What everything recorded here belongs to, such as a run.
        durability: `full`: what was recorded survives power loss; `normal`: it survives the death of the process.
        seed: Makes the coins and names of acts repeatable from the same history on; None draws them from the operating
            system.

    Raises:
        DatabaseUnavailable: The database cannot be reached or opened.
        SchemaTooNew: It was written by a newer Palimpsest.
        ForeignDatabase: It belongs to something else.

    Example:
        >>> from memory import MemorySystem
        >>> from introspection import SharingMap
        >>> names = ["lm_head.weight", "model.embed_tokens.weight"]
        >>> with MemorySystem(":memory:") as memory:
        ...     _ = memory.attach(SharingMap.from_relations(names=names, same=[names]), name="sim")
        ...     recorded = memory.record_modification("lm_head.weight", {"operation": "scale"})
        >>> recorded.event_type, recorded.affected_layers
        ('coupled_modification', ('lm_head.weight', 'model.embed_tokens.weight'))
    """

    def __init__(
        self,
        url: str | os.PathLike[str],
        *,
        actor: str | None = None,
        correlation_id: str | None = None,
        durability: Literal["full", "normal"] = "full",
        seed: int | None = None,
    ) -> None:
        self._store = EventStore.open(url if isinstance(url, str) else Path(url), durability=durability)
        try:
            self._runner = ProjectionRunner(self._store, PROJECTIONS)
            journal = Journal(self._store, actor=actor, correlation_id=correlation_id)
            generator = random.SystemRandom() if seed is None else self._seeded(seed)
            self._recorder = Recorder(journal, self._runner, self._store.database, generator)
            self._amender = Amender(self._recorder, self._store)
            self._reporter = knowledge.Reporter(self._store.database)
            self._reporter.start()
        except BaseException:
            self._store.close()
            raise

    def _seeded(self, seed: int) -> random.Random:
        # A seed used again on a longer history must not name new acts after old ones.
        return random.Random(f"palimpsest acts {seed} from {self._store.head().position}")

    @property
    def store(self) -> EventStore:
        """The event store beneath."""
        return self._store

    def close(self) -> None:
        """Let the database go; whatever is asked of this memory later raises `DatabaseError`."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Recording

    def attach(
        self, model: Module | SharingMap, name: str = "model", *, baseline: Literal["lazy", "full"] = "lazy"
    ) -> AttachedModel:
        """Take a model under care: its sharing map and the digests of its storages go on record.

        A model the record knows is compared with what the log says it holds: equal bytes resume, the bytes of an
        earlier state are recorded as that state, and anything else as unattributed writes. Never silently continued.

        Args:
            model: The live model; or only its sharing map, for replay, import and simulation.
            name: What it is called in this record.
            baseline: `lazy`.

        Returns:
            The attached model: its name and sharing map.

        Raises:
            InvalidArgument: The baseline is not offered.
        """
        return self._recorder.attach(model, name, baseline)

    def edit(
        self,
        layer_name: str,
        *,
        method: str | None = None,
        reason: str | None = None,
        model: str | None = None,
        act: Act | str | None = None,
        dose: float | None = None,
        randomised: bool = False,
        propensity: float | None = None,
        rows: Sequence[int] | None = None,
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
            layer_name: A tensor name, or a module path. A path that names several storages gives a dict of tensors.
            method: How: `scale`, `rank_one`, `noise`, or your own word. Series of different methods are kept apart.
            reason: Why.
            model: Which attached model; None for the only one.
            act: The act it belongs to; None for the one this code runs in.
            dose: Signed size, in units of the method's reference dose.
            randomised: Whether a coin decided the sign of the dose (known by itself after `act.flip()`).
            propensity: Probability of the side that was drawn.
            rows: The only rows (first dimension) the edit may touch; one that changes another is put back.
            description: What it is, in words.
            tags: Your own tags.
            importance: 0 to 1; coupled writes count at least 0.9.
            data: What was done, as data.

        Raises:
            UnknownName: The model has no such tensor or module.
            BatchError: A batch is open: weights cannot be rolled back with it.
            EditError: There are no live weights, the name was bound to another tensor inside the block, or a row that
                was not declared changed.
            InvalidArgument: A declared row does not exist.
        """
        from memory.recording.editor import Editor

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
        )
        return Editor(self._recorder).edit(layer_name, details, model=model, act=act)

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
        return self._recorder.modification(layer_name, details, model=model, envelope=envelope)

    def record_restore(
        self,
        to_act: str | None = None,
        *,
        model: str | None = None,
        occurred_at: datetime | None = None,
        key: str | None = None,
    ) -> Recorded:
        """Record a restore made elsewhere: every storage may have changed, and no write is credited for what follows.

        Args:
            to_act: The act before which the state was put back.
            model: Which attached model; None for the only one.
            occurred_at: When it happened; None for now.
            key: Makes the call idempotent.
        """
        return self._recorder.restore(to_act, model=model, envelope=Envelope(key=key, occurred_at=occurred_at))

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

        Args:
            metrics: Name to value; NaN and infinity are stored faithfully.
            sample: What it was measured on: baseline and outcome pair only on the same sample.
            act: The act it belongs to; None for the one this code runs in.
            model: The model measured; None for the only one attached, or none.
            key: Makes the call idempotent.
            occurred_at: When it happened; None for now.
        """
        envelope = Envelope(act=act, key=key, occurred_at=occurred_at)
        return self._recorder.metrics(metrics, sample, model=model, envelope=envelope)

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
        return self._recorder.metric_definition(fields, model=model)

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

    # Knowing

    def consolidate(self) -> ConsolidationReport:
        """Fold every new event into what is known; say what changed since the last report."""
        return self._reporter.report(self._runner.catch_up())

    def rebuild(self) -> ConsolidationReport:
        """Throw every projection away and fold the whole log again."""
        return self._reporter.report(self._runner.rebuild())

    def patterns(
        self, kind: str | None = None, status: str | None = "active", *, model: str | None = None
    ) -> list[Any]:
        """Give patterns, strongest evidence first, as rows with the columns of table `patterns`.

        Args:
            kind: `effect` or `impact`; None for every kind.
            status: `active`, `weakened`, `retracted`; None for every one ever claimed.
            model: Only this model's.
        """
        self._runner.catch_up({"knowledge"})
        return knowledge.known_patterns(self._store.database, kind=kind, status=status, model=model)

    def theories(self, status: str | None = "active", *, model: str | None = None) -> list[Any]:
        """Give theories, best proven first, as rows with the columns of table `theories`."""
        self._runner.catch_up({"knowledge"})
        return knowledge.known_theories(self._store.database, status=status, model=model)

    def beliefs(
        self, belief_type: str | None = None, status: str | None = "active", *, model: str | None = None
    ) -> list[Any]:
        """Give beliefs, firmest first, as rows with the columns of table `beliefs`."""
        self._runner.catch_up({"knowledge"})
        return knowledge.known_beliefs(self._store.database, belief_type=belief_type, status=status, model=model)

    def architectural_facts(self, reason: str | None = None, *, model: str | None = None) -> list[Any]:
        """Give what architecture explains, as rows with the columns of table `architectural_facts`."""
        self._runner.catch_up({"knowledge"})
        return knowledge.known_facts(self._store.database, reason=reason, model=model)

    def query_sql(self, statement: str, /, **parameters: Any) -> list[Mapping[str, Any]]:
        """Run one SQL statement, read-only by the engine's own means, on what is folded so far.

        Args:
            statement: SQL, with named parameters (`:x`).
            parameters: Their values.

        Returns:
            One mapping per row.

        Raises:
            QueryError: The engine refused it, or two columns of the answer have one name.
        """
        return list(self._store.database.read_only_rows(statement, parameters).mappings())

    def verify(self) -> VerifyReport:
        """Check the log's chain, and live weights against the log; report, never append."""
        live = []
        for attached in self._recorder.models():
            if attached.live:
                sharing, states = attached.seen_now()
                live.append(LiveModel(attached.name, sharing, {state.key: state.fingerprint for state in states}))
        return verify(self._store, live, self._runner.catch_up)

    # Moving

    def export_all(
        self,
        path: str | os.PathLike[str],
        *,
        file_format: Literal["jsonl", "parquet"] = "jsonl",
        tables: bool = True,
        progress: Progress | None = None,
    ) -> ExportReport:
        """Write the whole log, and every read table caught up, to a folder that appears when it is complete.

        Args:
            path: The folder to make.
            file_format: `jsonl`, or `parquet` (extra `frames`).
            tables: Whether to write the read tables too; an import does not need them.
            progress: Told how many events are done, and of how many.

        Raises:
            InvalidArgument: The folder exists: nothing is overwritten.
            CorruptionError: The log is not whole.
        """
        from memory.store.transfer.export import export_log

        if tables:
            self._runner.catch_up()
        return export_log(self._store.database, path, file_format=file_format, tables=tables, progress=progress)

    def import_all(self, path: str | os.PathLike[str], *, progress: Progress | None = None) -> ImportReport:
        """Write what an export holds to this log, every link of the chain proved, and compute the read tables from it.

        This log must be empty or hold the beginning of what was exported; an import that was interrupted is made again.

        Args:
            path: The folder that was exported.
            progress: Told how many events were looked at, and of how many.

        Raises:
            InvalidExport: It is no export, or was cut off or changed; nothing of the append that is wrong was written.
            AnotherHistory: It does not go on from where this log ends; nothing was written.
        """
        from memory.store.transfer.importing import import_log

        report = import_log(self._store.database, path, progress=progress)
        self._runner.catch_up()
        return report

    def rollover(self, to: str | os.PathLike[str], *, actor: str | None = None) -> RolloverReport:
        """Seal this log for good and let it go on in a new database: open that one from now on.

        The new log goes on with positions, stream versions and idempotency keys, and is told again which models there
        are, what their storages hold, and what metrics mean. What was learned stays here: evidence begins anew.
        Called again after it was interrupted, it finishes.

        Args:
            to: The new database: a path or URL at which there is nothing yet.
            actor: Who does it.

        Raises:
            InvalidArgument: There is something at the new place.
            LogSealed: This log went on elsewhere before.
        """
        from memory.query.retelling import retold
        from memory.store.rollover import rollover

        def retell() -> tuple[int, list[NewEvent]]:
            position = self._runner.catch_up()
            return position, retold(self._store, position)

        return rollover(self._store.database, to, retell=retell, actor=actor)
