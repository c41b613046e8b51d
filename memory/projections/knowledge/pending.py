"""The rows of knowledge that wait to be written, and how they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, or_

from memory.projections.knowledge.claims import Added
from memory.projections.knowledge.told import Replaced
from memory.projections.knowledge_tables import (
    architectural_facts,
    belief_revisions,
    beliefs,
    evidence,
    families,
    patterns,
    predictions,
    registered_predictions,
    theories,
)
from memory.store.bulk import insert_rows

_TABLES: tuple[tuple[Table, str], ...] = (
    (patterns, "pattern_id"),
    (families, "family_id"),
    (theories, "theory_id"),
    (beliefs, "belief_id"),
    (architectural_facts, "fact_id"),
    (registered_predictions, "position"),
)
_HISTORIES = (predictions,)
_ROWS_PER_STATEMENT = 500
_FOUND_OUT = ("unknown_name", "repeated_observation")
"""Reasons of facts that are about one name and were found in records, not in a map."""

Evidence = dict[str, list[dict[str, Any]]]
"""Pattern to the rows of what tells most about it."""


class PendingRows:
    """What is to be written: rows in place of others, and rows of outcomes to add."""

    def __init__(self) -> None:
        self._replaced: Replaced = {}
        self._added: Added = []
        self._evidence: Evidence = {}
        self._from: int | None = None
        """The first position of which the outcomes that are written already are to be written again."""

    def take(self, replaced: Replaced, added: Added, evidence_of: Evidence) -> None:
        """Collect rows."""
        self._replaced |= replaced
        self._added += added
        self._evidence |= evidence_of

    def start_over(self, target: int, replaced: Replaced, added: Added, evidence_of: Evidence) -> None:
        """Collect what an amended history gives instead of what was written and collected so far.

        Args:
            target: The amended event.
            replaced: Every claim ever told, and every fact there is.
            added: The outcomes from the target on.
            evidence_of: What tells most about each claim.
        """
        facts = architectural_facts.name
        kept = {key: row for key, row in self._replaced.items() if key[0] != facts or not _is_measured(row, target)}
        self._replaced = kept | replaced
        self._added = [each for each in self._added if _stays(each, target)] + added
        self._evidence = {
            pattern: [row for row in rows if row["position"] < target] for pattern, rows in self._evidence.items()
        } | evidence_of
        self._from = target if self._from is None else min(target, self._from)

    def flush(self, connection: Connection) -> None:
        """Write everything collected and forget it."""
        if self._from is not None:
            _forget(connection, self._from)
        for table, identity in _TABLES:
            for rows in _portions(row for (name, _), row in self._replaced.items() if name == table.name):
                connection.execute(delete(table).where(table.c[identity].in_([row[identity] for row in rows])))
                insert_rows(connection, table, rows)
        for patterns_of in _portions(list(self._evidence)):
            connection.execute(delete(evidence).where(evidence.c.pattern_id.in_(patterns_of)))
        insert_rows(connection, evidence, [row for rows in self._evidence.values() for row in rows])
        for table in (*_HISTORIES, belief_revisions):
            insert_rows(connection, table, [row for name, row in self._added if name == table.name])
        self._replaced, self._added, self._evidence, self._from = {}, [], {}, None


def _stays(added: tuple[str, dict[str, Any]], target: int) -> bool:
    """Say whether a row that waits is not of the outcomes that are told anew: what was told of a belief stays told."""
    table, row = added
    return table == belief_revisions.name or row["position"] < target


def _is_measured(row: dict[str, Any], target: int) -> bool:
    """Say whether a fact is of what was recorded, and may differ in the amended history."""
    recorded = row["kind"] != "identity" or row["reason"] in _FOUND_OUT
    return recorded and (row["to_position"] is None or row["to_position"] >= target)


def _forget(connection: Connection, target: int) -> None:
    """Delete the rows that the history from the amended event on gave."""
    facts = architectural_facts.c
    recorded = or_(facts.kind != "identity", facts.reason.in_(_FOUND_OUT))
    since = or_(facts.to_position.is_(None), facts.to_position >= target)
    connection.execute(delete(architectural_facts).where(and_(recorded, since)))
    for table in (*_HISTORIES, evidence):
        connection.execute(delete(table).where(table.c.position >= target))


def _portions(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield rows in portions that fit into one statement."""
    remaining = iter(rows)
    while portion := list(islice(remaining, _ROWS_PER_STATEMENT)):
        yield portion
