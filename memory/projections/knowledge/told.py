"""What was ever told of claims, and must stay told when an amended history is folded anew.

A reader may have acted on a row: it never vanishes, and its first position never moves. Hypotheses know only the
history as it is now; this knows what else was said, and lays it over the rows that hypotheses give.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from memory.projections.knowledge_tables import beliefs, patterns

Replaced = dict[tuple[str, str], dict[str, Any]]
"""(table, identity) to row."""


@dataclass(slots=True)
class Told:
    """What rows say beyond what the hypotheses of the history as it is now say."""

    closed: Replaced = field(default_factory=dict)
    """Last rows of claims that no hypothesis stands for any more: their question was asked anew."""
    withdrawn: Replaced = field(default_factory=dict)
    """Rows of what was told before an amendment, and is no part of the amended history."""
    first: dict[str, int] = field(default_factory=dict)
    """Identity to its first position, of everything that was told up to the last amendment."""
    changed: dict[str, int] = field(default_factory=dict)
    """Identity of a belief to the last amendment that changed its status."""

    def close(self, rows: Replaced) -> None:
        """Take the last rows of a claim that no hypothesis stands for any more."""
        self.closed |= rows

    def tell(self, rows: Mapping[tuple[str, str], dict[str, Any]]) -> Replaced:
        """Give rows as they are told."""
        return {(table, identity): self._told(table, identity, row) for (table, identity), row in rows.items()}

    def _told(self, table: str, identity: str, row: dict[str, Any]) -> dict[str, Any]:
        told = row | {"first_position": self.first.get(identity, row["first_position"])}
        if table == beliefs.name:
            told["last_position"] = max(row["last_position"], self.changed.get(identity, 0))
        return told

    def after(self, position: int, before: Replaced, now: Replaced, earlier: Told) -> Told:
        """Give what is told from an amendment on.

        Args:
            position: The amendment.
            before: Every row as it was told before it.
            now: Every row that the amended history gives.
            earlier: What was told before it.
        """
        withdrawn = {key: _withdrawn(key[0], row, position) for key, row in before.items() if key not in now}
        closed = {key: _flagged(key[0], row, before.get(key)) for key, row in self.closed.items()}
        first = {identity: row["first_position"] for (_, identity), row in before.items()}
        changed = dict(earlier.changed)
        for key, row in now.items():
            old = before.get(key)
            first.setdefault(key[1], position)
            if key[0] == beliefs.name and (old is None or old["status"] != row["status"]):
                changed[key[1]] = position
        return Told(closed, withdrawn, first, changed)

    def to_state(self) -> dict[str, Any]:
        """Give everything as plain data."""
        return {
            "closed": _listed(self.closed),
            "withdrawn": _listed(self.withdrawn),
            "first": sorted(self.first.items()),
            "changed": sorted(self.changed.items()),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Told:
        """Rebuild from `to_state`, parsed."""
        return cls(
            {(table, identity): row for table, identity, row in state["closed"]},
            {(table, identity): row for table, identity, row in state["withdrawn"]},
            dict(state["first"]),
            dict(state["changed"]),
        )


def _listed(rows: Replaced) -> list[list[Any]]:
    return [[table, identity, row] for (table, identity), row in sorted(rows.items())]


def _withdrawn(table: str, row: dict[str, Any], position: int) -> dict[str, Any]:
    """Give the row of what was told and is no longer claimed: with the numbers it had last."""
    if table == patterns.name:
        row = row | {"post_retraction": True}
    if row["status"] == "retracted":
        return row
    return row | {"status": "retracted"} | ({"last_position": position} if table == beliefs.name else {})


def _flagged(table: str, row: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any]:
    """Give a row closed in the amended history, flagged where the amendment made it what it is."""
    if table != patterns.name or before is None or row == before:
        return row
    return row | {"post_retraction": True}
