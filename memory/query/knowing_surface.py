"""Questions about what is known, as the users of a memory know them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memory.projections.runner import ProjectionRunner
from memory.query import knowledge
from memory.store.log import EventStore


class KnowingSurface:
    """The part of `memory.MemorySystem` and of `memory.query` that gives what is known."""

    _store: EventStore
    _runner: ProjectionRunner

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
