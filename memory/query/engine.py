"""The query engine: every question to the record in one place, of now or of an earlier position."""

from __future__ import annotations

import weakref
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from memory.errors import InvalidArgument, QueryError
from memory.projections.runner import ProjectionRunner
from memory.query.aliases_surface import AliasesSurface
from memory.query.beliefs_surface import BeliefsSurface
from memory.query.differing import Rows, difference, folded_position, known_rows
from memory.query.evidence_surface import EvidenceSurface
from memory.query.finding_surface import FindingSurface
from memory.query.knowing_surface import KnowingSurface
from memory.query.knowledge_diff import KnowledgeDiff
from memory.query.past import Moment, Pasts, Then
from memory.query.results import QueryResult
from memory.store.log import EventStore
from memory.store.prefix import recorded_last

_TRIES = 3
"""How often the tables are read anew where somebody else folded into them meanwhile."""


class QueryEngine(AliasesSurface, KnowingSurface, FindingSurface, BeliefsSurface, EvidenceSurface):
    """Every question to a record: what is known, why, what was recorded, what was known before, what has changed.

    `memory.query` gives one. Each question but `as_of` and `diff` is also asked of the memory itself, by the same name.

    Args:
        store: The log.
        runner: Keeps the tables that answer up to date with it.
        pasts: Gives what was known at earlier positions.

    Example:
        >>> from memory import MemorySystem
        >>> with MemorySystem(":memory:") as memory:
        ...     held = memory.assert_belief("seeds matter", credence=0.6)
        ...     wrong = memory.record_observation("behavior", "seen")
        ...     _ = memory.assert_belief("seeds matter", credence=0.9)
        ...     with memory.query.as_of(wrong.position) as then:
        ...         (before,) = then.beliefs("heuristic")
        ...     before.credence, memory.get_belief(held.belief_id).credence
        (0.6, 0.9)
    """

    def __init__(self, store: EventStore, runner: ProjectionRunner, pasts: Pasts) -> None:
        self._store = store
        self._runner = runner
        self._pasts = pasts

    def __call__(self, *args: Any, **filters: Any) -> QueryResult:
        """Give observations that are all of what is asked: `query_observations`."""
        return self.query_observations(*args, **filters)

    def as_of(self, moment: Moment) -> QueryThen:
        """Give every question as it was answered at an earlier position: what was recorded up to there, and no more.

        What was retracted later still stands, what was learned later is not there: it is the log up to that position,
        folded by the same rules into a scratch database. Making one costs what `rebuild` would cost for so much of the
        log (measured: 15,000 events 5 s, 30,000 11 s, of which the copy is 0.2 s), and as much room on disk as the
        record had then, where temporary files go (`TMPDIR`). One for a later position goes on from the last one before
        it (100 events later: 0.1 s), and the newest three are kept until the memory is closed, asked again at once.
        The scratch database is SQLite whatever the log is in: `query_sql` there takes what SQLite takes.

        Args:
            moment: A position; or a time, aware or as ISO text with its time zone: then the last append recorded at or
                before it.

        Returns:
            What is to be asked, as a context manager, or with `close`. An answer that is read bit by bit, such as
            `evidence(...).rest()`, is to be read before that.

        Raises:
            InvalidArgument: It is no position of this log, and no time.
        """
        return QueryThen(self._pasts, self._upto(moment, "moment"))

    def diff(self, first: Moment, second: Moment | None = None, *, model: str | None = None) -> KnowledgeDiff:
        """Give which patterns, theories, beliefs and architectural facts are new, or are not what they were.

        Each with its numbers before and after, and the events between that did it. What differs in weights is told by
        `memory.diff`. It costs as much as `as_of` the later one, which goes on from the earlier one; now is known.

        Args:
            first: The earlier position or time.
            second: The later one; None: now.
            model: Only about this model, or about every model.

        Raises:
            InvalidArgument: One of them is no position of this log and no time, or the second comes before the first.
        """
        start = self._upto(first, "first")
        end = None if second is None else self._upto(second, "second")
        if end is not None and end < start:
            raise InvalidArgument("second", second, f"it comes before the first one, which is position {start}")
        with self._pasts.at(start) as then:
            _, before = known_rows(then.store.database, model)
        if end is None:
            found = self._against_now(start, before, model)
            if found is not None:
                return found
            end = self._upto(self._store.head().position, "second")
        with self._pasts.at(end) as then:
            return difference(start, before, *known_rows(then.store.database, model), then.store)

    def _against_now(self, start: int, before: Rows, model: str | None) -> KnowledgeDiff | None:
        """Compare with the tables as they are; None where others keep folding into them meanwhile."""
        for _ in range(_TRIES):
            self._runner.catch_up({"knowledge"})
            position, after = known_rows(self._store.database, model)
            found = difference(start, before, position, after, self._store)
            if position >= start and folded_position(self._store.database) == position:
                return found
        return None

    def _upto(self, moment: Moment, name: str) -> int:
        return self._pasts.position_of(moment, name=name)


class QueryThen(QueryEngine):
    """Every question as it was answered at an earlier position; made by `as_of`.

    Args:
        pasts: Gives what was known at earlier positions.
        position: The last event that counts.
    """

    position: int
    """The last event that counts."""

    def __init__(self, pasts: Pasts, position: int) -> None:
        then: Then = pasts.borrow(position)
        super().__init__(then.store, then.runner, pasts)
        self.position = position
        self._give_back = weakref.finalize(self, pasts.give_back, then)

    def close(self) -> None:
        """Let the scratch database go, which is kept for a while for whoever asks of that position again."""
        if self._give_back.alive:
            self._give_back()
            del self._store, self._runner

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<questions as of position {self.position}{'' if self._give_back.alive else ', closed'}>"

    def __getattr__(self, name: str) -> Any:
        if name in ("_store", "_runner"):
            raise QueryError(
                f"what was known at position {self.position} was closed", remedy="ask inside the `with` block"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _now(self) -> datetime:
        return recorded_last(self._store.database)

    def _upto(self, moment: Moment, name: str) -> int:
        position = super()._upto(moment, name)
        if position > self.position:
            if isinstance(moment, int):
                raise InvalidArgument(name, moment, f"position {self.position} was the last one then")
            return self.position
        return position
