"""What a report is made of: sections, with charts, and with the tables that say the same in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Spec = dict[str, Any]
"""A chart in the words of Vega-Lite."""


@dataclass(frozen=True, slots=True)
class Table:
    """The data of a chart as a table: for whoever does not see the chart, and for whoever wants the numbers."""

    caption: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    total: int | None = None
    """How many rows there are, where not all of them are given."""

    @property
    def size(self) -> int:
        """How many rows there are."""
        return len(self.rows) if self.total is None else self.total


@dataclass(frozen=True, slots=True)
class Chart:
    """One drawing."""

    chart_id: str
    label: str
    """What it shows, in a sentence: read out instead of the drawing."""
    spec: Spec
    title: str = ""
    """What tells it from the others of its section."""
    square: bool = False
    """Whether it is to be about as wide as high."""


@dataclass(frozen=True, slots=True)
class Section:
    """One question of a reader, with its answer."""

    section_id: str
    title: str
    said: Sequence[str]
    """What it comes to, in sentences with numbers."""
    read: str = ""
    """How to read its charts."""
    beware: str = ""
    """What not to conclude from them."""
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    drawing: Mapping[str, Any] | None = None
    """What the template draws by itself."""
    notes: Sequence[str] = field(default=())
    """What was left out, and why."""
