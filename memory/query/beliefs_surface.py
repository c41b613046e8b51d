"""Questions about beliefs and theories, as the users of a memory know them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memory.projections.knowledge_tables import belief_revisions, theories
from memory.projections.knowledge_tables import beliefs as belief_table
from memory.projections.runner import ProjectionRunner
from memory.query import beliefs
from memory.query.conflicts import Conflict
from memory.query.results import QueryResult
from memory.store.log import EventStore


class BeliefsSurface:
    """The part of `memory.MemorySystem` and of `memory.query` that answers questions about what is held true."""

    _store: EventStore
    _runner: ProjectionRunner

    def belief_history(self, belief_id: str) -> QueryResult:
        """Give every state a belief has been in, oldest first, as rows with the columns of table `belief_revisions`.

        Raises:
            UnknownBelief: There is no such belief.
        """
        position = self._runner.catch_up({"knowledge"})
        asked = {"question": "belief_history", "belief_id": belief_id, "as_of": position}
        return QueryResult(
            beliefs.belief_history(self._store.database, belief_id), columns=belief_revisions, metadata=asked
        )

    def detect_conflicts(self, *, model: str | None = None) -> QueryResult:
        """Give the active beliefs that contradict each other, as pairs (`Conflict`), with the numbers and in words.

        Two contradict each other that name opposite sides of one question: subject and object, and kind, method and
        dose where both say which.

        Args:
            model: Only of this model, and of what is about every model.
        """
        position = self._runner.catch_up({"knowledge"})
        asked = {"question": "detect_conflicts", "model": model, "as_of": position}
        found = beliefs.detect_conflicts(self._store.database, model=model)
        return QueryResult(found, columns=Conflict.__slots__, metadata=asked)

    def get_core_principles(self) -> QueryResult:
        """Give the beliefs that are held absolutely, as rows with the columns of table `beliefs`.

        The four that ship are there from the record's first event on. Outcomes are counted for and against them, and
        never erase them.
        """
        position = self._runner.catch_up({"knowledge"})
        asked = {"question": "get_core_principles", "as_of": position}
        return QueryResult(beliefs.core_principles(self._store.database), columns=belief_table, metadata=asked)

    def get_belief(self, belief_id: str) -> Any:
        """Give one belief, of whatever status, as a row with the columns of table `beliefs`.

        Raises:
            UnknownBelief: There is no such belief.
        """
        self._runner.catch_up({"knowledge"})
        return beliefs.get_belief(self._store.database, belief_id)

    def get_beliefs(
        self,
        belief_type: str | None = None,
        strength: str | None = None,
        tags: Sequence[str] = (),
        min_confidence: float = 0.0,
        min_importance: float = 0.0,
        *,
        status: str | None = "active",
        model: str | None = None,
    ) -> QueryResult:
        """Give beliefs that are all of what is asked, firmest first, as rows with the columns of table `beliefs`.

        Args:
            belief_type: Only of this type.
            strength: `tentative`, `confident`, `certain` or `absolute`.
            tags: Only with all of these tags.
            min_confidence: The least credence.
            min_importance: The least importance.
            status: `active`, `weakened`, `retracted`; None for every one there ever was.
            model: Only about this model, or about every model.

        Raises:
            InvalidArgument: There is no such type, strength or status, or a number is not from 0 to 1.
        """
        asked: dict[str, Any] = {
            "belief_type": belief_type,
            "strength": strength,
            "tags": tags,
            "min_confidence": min_confidence,
            "min_importance": min_importance,
            "status": status,
            "model": model,
        }
        position = self._runner.catch_up({"knowledge"})
        rows = beliefs.select_beliefs(self._store.database, **asked)
        asked |= {"question": "get_beliefs", "as_of": position}
        return QueryResult(rows, columns=belief_table, metadata=asked)

    def get_theory(self, theory_id: str) -> Any:
        """Give one theory, of whatever status, as a row with the columns of table `theories`.

        Raises:
            UnknownTheory: There is no such theory.
        """
        self._runner.catch_up({"knowledge"})
        return beliefs.get_theory(self._store.database, theory_id)

    def get_theories(
        self,
        theory_type: str | None = None,
        *,
        source: str | None = None,
        min_predictions: int = 0,
        status: str | None = "active",
        model: str | None = None,
    ) -> QueryResult:
        """Give theories that are all of what is asked, best proven first, as rows with the columns of table `theories`.

        Args:
            theory_type: Only of this type.
            source: `data` or `proposed`.
            min_predictions: The least number of outcomes it predicted.
            status: `active`, `weakened`, `retracted`; None for every one there ever was.
            model: Only about this model, or about every model.

        Raises:
            InvalidArgument: There is no such type, source or status.
        """
        asked: dict[str, Any] = {
            "theory_type": theory_type,
            "source": source,
            "min_predictions": min_predictions,
            "status": status,
            "model": model,
        }
        position = self._runner.catch_up({"knowledge"})
        rows = beliefs.select_theories(self._store.database, **asked)
        return QueryResult(rows, columns=theories, metadata=asked | {"question": "get_theories", "as_of": position})
