"""The rows of knowledge that wait to be written, and how they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Table, delete

from memory.projections.knowledge.claims import Added
from memory.projections.knowledge.told import Replaced
from memory.projections.knowledge_tables import architectural_facts, beliefs, evidence, patterns, predictions, theories
from memory.store.bulk import insert_rows

_TABLES: tuple[tuple[Table, str], ...] = (
    (patterns, "pattern_id"),
    (theories, "theory_id"),
    (beliefs, "belief_id"),
    (architectural_facts, "fact_id"),
)
_HISTORIES = (evidence, predictions)
_ROWS_PER_STATEMENT = 500


class PendingRows:
    """What is to be written: rows in place of others, and rows of outcomes to add."""

    def __init__(self) -> None:
        self._replaced: Replaced = {}
        self._added: Added = []
        self._from: int | None = None
        """The first position of which the outcomes that are written already are to be written again."""

    def take(self, replaced: Replaced, added: Added) -> None:
        """Collect rows."""
        self._replaced |= replaced
        self._added += added

    def start_over(self, target: int, replaced: Replaced, added: Added) -> None:
        """Collect what an amended history gives instead of what was written and collected so far.

        Args:
            target: The amended event.
            replaced: Every claim ever told, and every fact there is.
            added: The outcomes from the target on.
        """
        facts = architectural_facts.name
        self._replaced = {key: row for key, row in self._replaced.items() if key[0] != facts} | replaced
        self._added = [each for each in self._added if each[1]["position"] < target] + added
        self._from = target if self._from is None else min(target, self._from)

    def flush(self, connection: Connection) -> None:
        """Write everything collected and forget it."""
        if self._from is not None:
            connection.execute(delete(architectural_facts))
            for table in _HISTORIES:
                connection.execute(delete(table).where(table.c.position >= self._from))
        for table, identity in _TABLES:
            for rows in _portions([row for (name, _), row in self._replaced.items() if name == table.name]):
                connection.execute(delete(table).where(table.c[identity].in_([row[identity] for row in rows])))
                insert_rows(connection, table, rows)
        for table in _HISTORIES:
            insert_rows(connection, table, [row for name, row in self._added if name == table.name])
        self._replaced, self._added, self._from = {}, [], None


def _portions(rows: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield rows in portions that fit into one statement."""
    remaining = iter(rows)
    while portion := list(islice(remaining, _ROWS_PER_STATEMENT)):
        yield portion
