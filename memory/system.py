"""The facade: one object that records what is done to a model, and says what followed from it."""

from __future__ import annotations

import os
import random
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from memory.agent.surface import AgentSurface
from memory.errors import InvalidArgument
from memory.projections.catalogue import PROJECTIONS
from memory.projections.runner import ProjectionRunner
from memory.query import knowledge
from memory.query.aliases_surface import AliasesSurface
from memory.query.beliefs_surface import BeliefsSurface
from memory.query.checkpoints import problems_of
from memory.query.engine import QueryEngine
from memory.query.evidence_surface import EvidenceSurface
from memory.query.finding_surface import FindingSurface
from memory.query.knowing_surface import KnowingSurface
from memory.query.past import Pasts
from memory.query.verification import LiveModel, VerifyReport, verify
from memory.query.weight_blobs import kept_blobs
from memory.recording.amending import Amender
from memory.recording.checkpoints_surface import CheckpointsSurface
from memory.recording.journal import Journal
from memory.recording.recorder import Recorder
from memory.recording.safety_record import SafetyRecord
from memory.recording.safety_surface import SafetySurface
from memory.recording.states import States
from memory.recording.stating import Stating
from memory.recording.stating_surface import StatingSurface
from memory.recording.surface import RecordingSurface
from memory.recording.weights_surface import WeightsSurface
from memory.report.surface import ReportSurface
from memory.safety.monitor import SafetyMonitor
from memory.safety.settings import SafetySettings
from memory.store.log import EventStore
from memory.weights.keeping import BlobKeeper

if TYPE_CHECKING:
    from memory.events.envelope import NewEvent
    from memory.query.knowledge import ConsolidationReport
    from memory.store.rollover import RolloverReport
    from memory.store.transfer.export import ExportReport, Progress
    from memory.store.transfer.importing import ImportReport


class MemorySystem(
    RecordingSurface,
    SafetySurface,
    WeightsSurface,
    CheckpointsSurface,
    StatingSurface,
    AliasesSurface,
    KnowingSurface,
    FindingSurface,
    BeliefsSurface,
    EvidenceSurface,
    AgentSurface,
    ReportSurface,
):
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
        blobs: The folder that bytes of weights are kept in, but for the smallest. Without it: `<path>.blobs` beside a
            SQLite file; a database in memory or on a server keeps them itself.
        safety: What counts as unsafe and what follows from it: settings, or a TOML file of them; None for the defaults.

    Raises:
        InvalidArgument: The file of safety settings cannot be read, or one is wrong.
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
        blobs: str | os.PathLike[str] | None = None,
        safety: SafetySettings | str | os.PathLike[str] | None = None,
    ) -> None:
        settings = SafetySettings.of(safety)
        self._store = EventStore.open(url, durability=durability)
        self._keeper = BlobKeeper.beside(self._store, blobs)
        try:
            self._runner = ProjectionRunner(self._store, PROJECTIONS)
            self._pasts = Pasts(self._store)
            journal = Journal(self._store, actor=actor, correlation_id=correlation_id)
            generator = random.SystemRandom() if seed is None else self._seeded(seed)
            self._states = States(self._keeper, self._store.database, self._runner)
            self._recorder = Recorder(journal, self._runner, self._store.database, generator, self._states)
            self._amender = Amender(self._recorder, self._store)
            self._stating = Stating(self._recorder, self._store, self._runner)
            self._safety = SafetyMonitor(SafetyRecord(self._recorder, self._store, self._runner), settings)
            self._recorder.gate = self._safety.gate
            self._reporter = knowledge.Reporter(self._store.database)
            self._reporter.start()
            self._consolidation_interval = 100
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
        """Read what a watch left unread, take off the hooks of safety, and let the database go.

        What is asked of it later raises `DatabaseError`.
        """
        try:
            self._recorder.settle()
            self._safety.close()
            self._pasts.close()
        finally:
            self._store.close()

    def _repr_html_(self) -> str:
        from memory.query.summary import memory_html

        return memory_html(self._store)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Knowing

    def consolidate(self) -> ConsolidationReport:
        """Fold every new event into what is known; say what changed since the last report."""
        return self._reporter.report(self._runner.catch_up())

    def auto_consolidate_if_needed(self) -> ConsolidationReport | None:
        """Consolidate if enough events came since it was done last; else give None, at the price of one small query.

        Nothing needs it: what is asked is always brought up to date first. It tells what changed, every so often.
        """
        due = self._store.head().position - self._reporter.position >= self._consolidation_interval
        return self.consolidate() if due else None

    def set_consolidation_interval(self, events: int) -> None:
        """Say how many events `auto_consolidate_if_needed` waits for; 100 where nobody says.

        Raises:
            InvalidArgument: It is no whole number from 1 on.
        """
        if isinstance(events, bool) or not isinstance(events, int) or events < 1:
            raise InvalidArgument("events", events, "it is a whole number from 1 on")
        self._consolidation_interval = events

    def rebuild(self) -> ConsolidationReport:
        """Throw every projection away and fold the whole log again."""
        return self._reporter.report(self._runner.rebuild())

    @property
    def query(self) -> QueryEngine:
        """Every question to the record in one place, and of how it was (`as_of`) and what has changed (`diff`)."""
        return QueryEngine(self._store, self._runner, self._pasts)

    def verify(self) -> VerifyReport:
        """Check the log's chain, live weights against the log, all bytes of blobs and checkpoints; never append."""
        return self._recorder.on_every_rank(("verify",), self._verify)

    def _verify(self) -> VerifyReport:
        live = []
        for attached in self._recorder.models():
            if attached.live:
                sharing, states = attached.seen_now()
                live.append(LiveModel(attached.name, sharing, {state.key: state.fingerprint for state in states}))
        check = partial(problems_of, self._keeper, self._store.database)
        return verify(self._store, live, self._runner.catch_up, self._keeper, check)

    # Moving

    def export_all(
        self,
        path: str | os.PathLike[str],
        *,
        file_format: Literal["jsonl", "parquet"] = "jsonl",
        tables: bool = True,
        blobs: bool = True,
        progress: Progress | None = None,
    ) -> ExportReport:
        """Write the whole log, its read tables and its blobs to a folder that appears when it is complete.

        Args:
            path: The folder to make.
            file_format: `jsonl`, or `parquet` (extra `frames`).
            tables: Whether to write the read tables too; an import does not need them.
            blobs: Whether to write the blobs too: without them, earlier states of weights cannot be put back elsewhere.
                Checkpoints are never part of it.
            progress: Told how many events are done, and of how many.

        Raises:
            InvalidArgument: The folder exists: nothing is overwritten.
            CorruptionError: The log is not whole, or a blob is missing or damaged.
        """
        from memory.store.transfer.export import export_log

        if tables:
            self._runner.catch_up()
        database, catch_up = self._store.database, self._runner.catch_up
        return export_log(
            database,
            path,
            file_format=file_format,
            tables=tables,
            progress=progress,
            blobs=partial(kept_blobs, self._keeper, database, catch_up) if blobs else None,
        )

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

        report = import_log(self._store.database, path, progress=progress, blobs=self._keeper)
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
