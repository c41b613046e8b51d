"""Questions about what is known, as the users of a memory know them."""

from __future__ import annotations

from functools import partial
from typing import Any

from memory.projections.knowledge_tables import architectural_facts, beliefs, patterns, theories
from memory.projections.runner import ProjectionRunner
from memory.query import knowledge
from memory.query.results import QueryResult
from memory.query.streaming import StreamingSurface
from memory.store.log import EventStore


class KnowingSurface(StreamingSurface):
    """The part of `memory.MemorySystem` and of `memory.query` that gives what is known.

    Each answer is a list that becomes any kind of frame; its `metadata` says what was asked, and as of which
    position (`as_of`).
    """

    _store: EventStore
    _runner: ProjectionRunner

    def patterns(
        self, kind: str | None = None, status: str | None = "active", *, model: str | None = None
    ) -> QueryResult:
        """Give patterns, strongest evidence first, as rows with the columns of table `patterns`.

        Args:
            kind: `effect`, `impact`, `comodification`, `cochange`, `sequence`, `metric_pair`, `trend` or `threshold`;
                None for every kind.
            status: `active`, `weakened`, `retracted`; None for every one ever claimed.
            model: Only this model's.
        """
        asked = {"question": "patterns", "kind": kind, "status": status, "model": model}
        position = self._runner.catch_up({"knowledge"})
        rows = knowledge.known_patterns(self._store.database, kind=kind, status=status, model=model)
        return QueryResult(rows, columns=patterns, metadata=asked | {"as_of": position})

    def theories(self, status: str | None = "active", *, model: str | None = None) -> QueryResult:
        """Give theories, best proven first, as rows with the columns of table `theories`."""
        asked = {"question": "theories", "status": status, "model": model}
        position = self._runner.catch_up({"knowledge"})
        rows = knowledge.known_theories(self._store.database, status=status, model=model)
        return QueryResult(rows, columns=theories, metadata=asked | {"as_of": position})

    def beliefs(
        self, belief_type: str | None = None, status: str | None = "active", *, model: str | None = None
    ) -> QueryResult:
        """Give beliefs, firmest first, as rows with the columns of table `beliefs`."""
        asked = {"question": "beliefs", "belief_type": belief_type, "status": status, "model": model}
        position = self._runner.catch_up({"knowledge"})
        rows = knowledge.known_beliefs(self._store.database, belief_type=belief_type, status=status, model=model)
        return QueryResult(rows, columns=beliefs, metadata=asked | {"as_of": position})

    def architectural_facts(self, reason: str | None = None, *, model: str | None = None) -> QueryResult:
        """Give what architecture explains, as rows with the columns of table `architectural_facts`."""
        asked = {"question": "architectural_facts", "reason": reason, "model": model}
        position = self._runner.catch_up({"knowledge"})
        rows = knowledge.known_facts(self._store.database, reason=reason, model=model)
        return QueryResult(rows, columns=architectural_facts, metadata=asked | {"as_of": position})

    def query_sql(self, statement: str, /, **parameters: Any) -> QueryResult:
        """Run one SQL statement, read-only by the engine's own means, on what is folded so far.

        Args:
            statement: SQL, with named parameters (`:x`).
            parameters: Their values.

        Returns:
            One mapping per row; `metadata["as_of"]` is the position up to which every read table has been brought.

        Raises:
            QueryError: The engine refused it, or two columns of the answer have one name.
        """
        asked: dict[str, Any] = {"question": statement}
        folded = knowledge.FOLDED_UP_TO, partial(asked.__setitem__, "as_of")
        rows = self._store.database.read_only_rows(statement, parameters, before=folded)
        return QueryResult(rows.mappings(), columns=rows.columns, metadata=asked)
