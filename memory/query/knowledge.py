"""What is known, as rows whose attributes are named like the columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table, select, text

from memory.errors import InvalidArgument
from memory.inference.multiplicity import KIND_SHARES
from memory.projections.knowledge_tables import architectural_facts, beliefs, patterns, theories
from memory.query.html import card_html, list_html
from memory.store.engine import Database

STATUSES = ("active", "weakened", "retracted")

Statuses = Mapping[str, Mapping[str, str]]
"""Table name to identity to status."""


@dataclass(frozen=True, slots=True)
class ConsolidationReport:
    """What changed in what is known since the last report.

    Each field lists identities of patterns, theories, beliefs and architectural facts.
    """

    position: int
    """The event up to which everything is folded."""
    new: tuple[str, ...] = ()
    weakened: tuple[str, ...] = ()
    strengthened: tuple[str, ...] = ()
    """Weakened before, and active again."""
    retracted: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.new or self.weakened or self.strengthened or self.retracted)

    def _repr_html_(self) -> str:
        changed = {
            "new": self.new,
            "weakened": self.weakened,
            "strengthened": self.strengthened,
            "retracted": self.retracted,
        }
        facts = {"folded up to": self.position, "changed": None if self else "nothing"}
        return card_html("Consolidated", facts, *(list_html(title, found) for title, found in changed.items()))


@dataclass(slots=True)
class Reporter:
    """Tells what changed from one report to the next."""

    database: Database
    last: dict[str, str] = field(default_factory=dict)
    position: int = 0
    """The event up to which the last report told, or all was told from the start."""

    def start(self) -> None:
        """Take what is known now as told."""
        self.last = self._statuses()
        self.position = folded_up_to(self.database)

    def report(self, position: int) -> ConsolidationReport:
        """Give what changed since the last report, and take it as told."""
        now, before = self._statuses(), self.last
        self.last, self.position = now, position
        changed = {identity: status for identity, status in now.items() if before.get(identity) != status}
        return ConsolidationReport(
            position=position,
            new=tuple(sorted(each for each, status in changed.items() if each not in before and status == "active")),
            weakened=_now(changed, "weakened"),
            strengthened=tuple(each for each in _now(changed, "active") if each in before),
            retracted=_now(changed, "retracted"),
        )

    def _statuses(self) -> dict[str, str]:
        with self.database.reading() as connection:
            statuses: dict[str, str] = {}
            for table, identity in ((patterns, "pattern_id"), (theories, "theory_id"), (beliefs, "belief_id")):
                rows = connection.execute(select(table.c[identity], table.c.status))
                statuses.update({row[0]: row[1] for row in rows})
            facts = connection.execute(select(architectural_facts.c.fact_id, architectural_facts.c.to_position))
            statuses.update({row[0]: "active" if row[1] is None else "retracted" for row in facts})
        return statuses


def _now(changed: Mapping[str, str], status: str) -> tuple[str, ...]:
    return tuple(sorted(each for each, now in changed.items() if now == status))


FOLDED_UP_TO = "SELECT coalesce(min(position), 0) FROM projections"
"""Asks for the position up to which every read table has been brought; 0 where none was."""


def folded_up_to(database: Database) -> int:
    """Give the position up to which every read table has been brought; 0 where none was."""
    with database.reading() as connection:
        return int(connection.execute(text(FOLDED_UP_TO)).scalar_one())


def known_patterns(database: Database, *, kind: str | None, status: str | None, model: str | None) -> list[Any]:
    """Give patterns, strongest evidence first."""
    if kind is not None and kind not in tuple(KIND_SHARES):
        raise InvalidArgument("kind", kind, f"it is one of {', '.join(KIND_SHARES)}, or None for every kind")
    return _rows(database, patterns, {"kind": kind, "status": _status(status), "model": model}, "log_e_value")


def known_theories(database: Database, *, status: str | None, model: str | None) -> list[Any]:
    """Give theories, best proven by their predictions first."""
    return _rows(database, theories, {"status": _status(status), "model": model}, "log_e_value")


def known_beliefs(database: Database, *, belief_type: str | None, status: str | None, model: str | None) -> list[Any]:
    """Give beliefs, firmest first."""
    where = {"belief_type": belief_type, "status": _status(status), "model": model}
    return _rows(database, beliefs, where, "credence")


def known_facts(database: Database, *, reason: str | None, model: str | None) -> list[Any]:
    """Give the architectural facts, those that hold and those that held, oldest first."""
    rows = _rows(database, architectural_facts, {"reason": reason, "model": model}, "first_position")
    return rows[::-1]


def _status(status: str | None) -> str | None:
    if status is not None and status not in STATUSES:
        raise InvalidArgument(
            "status", status, f"it is one of {', '.join(STATUSES)}, or None for every one ever claimed"
        )
    return status


def _rows(database: Database, table: Table, where: Mapping[str, str | None], order: str) -> list[Any]:
    statement = select(table)
    for column, value in where.items():
        if value is not None:
            statement = statement.where(table.c[column] == value)
    identity = next(iter(table.primary_key.columns))
    with database.reading() as connection:
        return list(connection.execute(statement.order_by(table.c[order].desc(), identity)))
