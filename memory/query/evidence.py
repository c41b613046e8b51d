"""What a pattern, theory or belief rests on: its statistics, the most telling events, and all of them.

What is held at a time does not grow with the log: sums that the fold kept, the few events it kept in mind, and a walk
along the tables for the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from memory.events.envelope import StoredEvent
from memory.query.bearings import Bearing
from memory.query.block_evidence import block_evidence
from memory.query.questions import WRITE_KINDS, Question
from memory.query.stated_evidence import map_evidence, stated_evidence
from memory.query.told_events import EventTold
from memory.query.write_evidence import WriteEvidence
from memory.store.log import EventStore

_SHOWN = 12
"""Pieces of evidence whose events are told, where nothing was kept in mind of which tell most."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the evidence on a pattern adds up to."""

    support: int
    """Outcomes, readings or blocks that were evidence."""
    effect: float | None
    ci_low: float | None
    """Lower end of the 95 % confidence sequence; None: unbounded."""
    ci_high: float | None
    log_e_value: float
    """Natural logarithm of the evidence against no effect."""
    grade: str
    questions: int
    """Hypotheses of its family: of its kind, method, dose and grade."""
    left_out: int
    """What its family has no room to ask about."""
    share: float
    """The family's part of the one budget for false claims."""
    alpha: float
    """The budget."""
    claims: int
    """Claims about its model that hold now: the more, the lower the bar."""
    log_bar: float | None
    """Log e-value that it needs to be claimed now; None where it cannot be claimed any more."""

    def to_dict(self) -> dict[str, Any]:
        """Give them as data that JSON has words for."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class PatternEvidence:
    """A pattern with what it rests on."""

    row: Any
    """The row of `patterns`."""
    statistics: Statistics
    telling: tuple[Bearing, ...]
    """What told most for and against it, oldest first."""
    question: Question = field(repr=False)


@dataclass(frozen=True, slots=True)
class History:
    """How the credence of a belief went."""

    revisions: int
    lowest: float
    highest: float
    first: Any
    """The row of `belief_revisions` it began with."""
    last: tuple[Any, ...]
    """The last few rows, oldest first."""


@dataclass(frozen=True, slots=True)
class RuledOut:
    """What architecture explains about the ends of a claim, and was therefore never evidence."""

    facts: tuple[Any, ...]
    """The best supported rows of `architectural_facts`."""
    count: int
    """How many there are in all."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a pattern, theory or belief rests on, from the belief down to events of the log.

    `str` tells it in plain words with numbers.
    """

    identity: str
    kind: str
    """`pattern`, `theory` or `belief`."""
    belief: Any
    """The row of `beliefs`; None where none was formed."""
    theory: Any
    """The row of `theories`; None where there is none."""
    patterns: tuple[PatternEvidence, ...]
    """The patterns it goes back to; empty for what someone stated, and for what the map says."""
    history: History | None
    """Of the belief."""
    open_predictions: int
    """Predictions on record that still wait for their outcome."""
    ruled_out: RuledOut
    _store: EventStore = field(repr=False, compare=False)

    def rest(self) -> Iterator[Bearing]:
        """Yield everything it rests on, the most telling included, in constant memory, oldest first.

        For effects and impacts these are the outcomes that were bet on, one by one, found by the same rules; of
        outcomes that had to be adjusted, also the first few, from which expectations were learned. For the other kinds
        they are what the blocks were read from. For what someone stated: how it turned out.
        """
        if self.patterns:
            for each in self.patterns:
                written = each.row.kind in WRITE_KINDS
                yield from (
                    WriteEvidence(self._store, each.question)
                    if written
                    else block_evidence(self._store.database, each.question)
                )
        elif self.belief is not None and self.belief.source == "architecture":
            yield from map_evidence(self._store.database, self.belief)
        else:
            yield from stated_evidence(self._store, self.identity)

    def events(self, bearing: Bearing) -> list[tuple[str, StoredEvent]]:
        """Read the events of a bearing from the log, each with what it is in it, oldest first.

        Args:
            bearing: One of `telling` of a pattern, or of `rest()`.
        """
        found: list[tuple[str, StoredEvent]] = []
        for what, position in bearing.parts:
            read = self._store.read(after=position - 1, until=position)
            found += [(what, event) for event in read]
        return found

    def told(self) -> tuple[EventTold, ...]:
        """Read the most telling events from the log, as rows for a person; of what nobody counted, the first few.

        The pieces of evidence that tell most come first, each with its events, oldest first.
        """
        telling: list[Bearing] = []
        for pattern in self.patterns:
            telling += sorted(pattern.telling, key=lambda each: (-abs(each.log_factor or 0.0), each.position))
        rows: dict[tuple[int, str], EventTold] = {}
        for bearing in telling or islice(self.rest(), _SHOWN):
            for what, event in self.events(bearing):
                completes = event.position == bearing.position
                row = EventTold.of(event, what, bearing.in_words() if completes else "")
                rows.setdefault((event.position, what), row)
        return tuple(rows.values())

    def to_dict(self) -> dict[str, Any]:
        """Give everything but the rest as data that JSON has words for."""
        return {
            "identity": self.identity,
            "kind": self.kind,
            "belief": _data(self.belief),
            "theory": _data(self.theory),
            "patterns": [
                {
                    "pattern": _data(each.row),
                    "statistics": each.statistics.to_dict(),
                    "telling": [bearing.to_dict() for bearing in each.telling],
                }
                for each in self.patterns
            ],
            "history": None
            if self.history is None
            else {
                "revisions": self.history.revisions,
                "lowest": self.history.lowest,
                "highest": self.history.highest,
                "first": _data(self.history.first),
                "last": [_data(row) for row in self.history.last],
            },
            "open_predictions": self.open_predictions,
            "ruled_out": {"count": self.ruled_out.count, "facts": [_data(row) for row in self.ruled_out.facts]},
            "events": [asdict(each) for each in self.told()],
        }

    def to_json(self) -> str:
        """Give the same as JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)

    def to_html(self) -> str:
        """Give the same as a fragment of HTML that needs nothing else: for a notebook, a page, or print."""
        from memory.query.evidence_html import evidence_html

        return evidence_html(self)

    def _repr_html_(self) -> str:
        return self.to_html()

    def __str__(self) -> str:
        from memory.query.explaining import explained

        return explained(self)


def _data(row: Any) -> dict[str, Any] | None:
    return None if row is None else dict(row._mapping)
