"""What differs between what was known at two positions: a value, in words, as data and as HTML."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from memory.query.html import card_html, one_line, table_html

KINDS_OF_CHANGE = ("new", "strengthened", "weakened", "retracted", "changed")
"""In the order in which they are told."""
_TOLD = 20
"""Changes of one kind that are told in words."""


@dataclass(frozen=True, slots=True)
class Cause:
    """An event between the two positions, and what it did."""

    position: int
    event_type: str
    occurred_at: str
    act_id: str | None
    words: str
    """What it did to what is known, or what it says."""


@dataclass(frozen=True, slots=True)
class KnowledgeChange:
    """One pattern, theory, belief or architectural fact that is not what it was."""

    change: str
    """`new`; `strengthened` or `weakened`: its status, or else its evidence or credence; `retracted`; `changed`."""
    kind: str
    """`pattern`, `theory`, `belief` or `architectural_fact`."""
    identity: str
    model: str
    statement: str
    """What it says, in words."""
    before: Mapping[str, Any] | None
    """Its numbers at the first position; None: it was not there."""
    after: Mapping[str, Any]
    """Its numbers at the second position."""
    causes: tuple[Cause, ...]
    """The last few events between that bore on it, oldest first."""

    def numbers(self) -> dict[str, tuple[Any, Any]]:
        """Give each number that differs, by name, as it was and as it is."""
        before = self.before or {}
        return {name: (before.get(name), value) for name, value in self.after.items() if before.get(name) != value}

    def _first_numbers(self) -> Iterator[tuple[str, Any]]:
        yield from ((name, each) for name, each in self.after.items() if each is not None and name != "statement")

    def told_numbers(self) -> str:
        """Say what differs, each as it was and as it is."""
        if self.before is None:
            return ", ".join(f"{_name(name)} {shown_number(name, value)}" for name, value in self._first_numbers())
        return ", ".join(
            f"{_name(name)} {shown_number(name, was)} → {shown_number(name, value)}"
            for name, (was, value) in self.numbers().items()
            if name != "statement"
        )

    def __str__(self) -> str:
        numbers = self.told_numbers()
        why = "".join(
            f"\n    position {each.position} ({each.event_type}{_of_act(each)}): {one_line(each.words)}"
            for each in self.causes
        )
        return f"{self.kind.replace('_', ' ')} {self.identity}: {one_line(self.statement)}\n    {numbers}{why}"


@dataclass(frozen=True, slots=True)
class KnowledgeDiff:
    """What differs between what was known at two positions; true where anything does."""

    first: int
    """The earlier position."""
    last: int
    """The later one."""
    changes: tuple[KnowledgeChange, ...]
    """Every change: of beliefs first, then of theories, patterns and facts."""
    amendments: tuple[Cause, ...]
    """The last few corrections and retractions between them, with the reason given for each."""

    def __bool__(self) -> bool:
        return bool(self.changes)

    @property
    def new(self) -> tuple[KnowledgeChange, ...]:
        """What was not there before."""
        return self.of("new")

    @property
    def strengthened(self) -> tuple[KnowledgeChange, ...]:
        """What has more evidence or credence than before, or is active again."""
        return self.of("strengthened")

    @property
    def weakened(self) -> tuple[KnowledgeChange, ...]:
        """What has less evidence or credence than before, or is not active any more."""
        return self.of("weakened")

    @property
    def retracted(self) -> tuple[KnowledgeChange, ...]:
        """What is not held any more, also what came and went between the two."""
        return self.of("retracted")

    @property
    def changed(self) -> tuple[KnowledgeChange, ...]:
        """What says something else, as firmly as before."""
        return self.of("changed")

    def of(self, change: str | None = None, *, kind: str | None = None) -> tuple[KnowledgeChange, ...]:
        """Give the changes of one kind of change, about one kind of thing.

        Args:
            change: `new`, `strengthened`, `weakened`, `retracted` or `changed`; None: every one.
            kind: `pattern`, `theory`, `belief` or `architectural_fact`; None: every one.
        """
        return tuple(each for each in self.changes if change in (None, each.change) and kind in (None, each.kind))

    def to_dict(self) -> dict[str, Any]:
        """Give it as data that JSON has words for."""
        return {
            "first": self.first,
            "last": self.last,
            "changes": [asdict(each) | {"causes": [asdict(cause) for cause in each.causes]} for each in self.changes],
            "amendments": [asdict(each) for each in self.amendments],
        }

    def to_json(self) -> str:
        """Give the same as JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)

    def to_html(self) -> str:
        """Give it as a fragment of HTML: one table for each kind of change."""
        sections = []
        for change in KINDS_OF_CHANGE:
            rows = [
                {
                    "identity": each.identity,
                    "it says": each.statement,
                    "numbers": each.told_numbers(),
                    "because of": "\n".join(f"position {cause.position}: {cause.words}" for cause in each.causes),
                }
                for each in self.of(change)
            ]
            if rows:
                sections.append(table_html(rows, caption=f"{change.capitalize()} ({len(rows)})", limit=200))
        if self.amendments:
            sections.append(table_html(self.amendments, caption="What was amended between"))
        return card_html(
            "What is known, and was not", {"from position": self.first, "to position": self.last}, *sections
        )

    def _repr_html_(self) -> str:
        return self.to_html()

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        counts = Counter(each.change for each in self.changes)
        told = ", ".join(f"{counts[change]} {change}" for change in KINDS_OF_CHANGE if counts[change])
        yield f"From position {self.first} to position {self.last}: {told or 'nothing known has changed'}."
        for change in KINDS_OF_CHANGE:
            found = self.of(change)
            if found:
                yield f"\n{change.capitalize()}:"
            yield from (f"  {each}" for each in found[:_TOLD])
            if len(found) > _TOLD:
                yield f"  … and {len(found) - _TOLD} more"
        if self.amendments:
            yield "\nAmended:"
            yield from (
                f"  position {each.position} ({each.event_type}): {one_line(each.words)}" for each in self.amendments
            )


def _of_act(cause: Cause) -> str:
    return f" of act {cause.act_id}" if cause.act_id else ""


def _name(column: str) -> str:
    return "E" if column == "log_e_value" else column.replace("_", " ")


def shown_number(name: str, value: Any) -> str:
    """Give a number of that name as a person reads it."""
    if value is None:
        return "none"
    if name == "log_e_value":
        return f"{math.exp(value):,.3g}" if abs(value) < 13.8 else f"10^{value / math.log(10.0):.1f}"
    if isinstance(value, float):
        # What is not certain must not be rounded to certainty.
        return f"1 − {1.0 - value:.1g}" if name == "credence" and 0.9999 < value < 1.0 else f"{value:.4g}"
    return str(value)
