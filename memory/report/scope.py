"""What a report looks at: one log up to one position, through plain read-only SQL, in bounded numbers of rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from memory.projections.runner import ProjectionRunner
from memory.store.log import EventStore

_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of everything is shown at the most: what keeps a report small however long its log is."""

    bins: int = 240
    """Places along the log at which metrics and events are summed up."""
    heat_bins: int = 60
    """The same for the change of storages."""
    storages: int = 60
    metrics: int = 4
    models: int = 6
    effects: int = 15
    """Effects drawn for each metric."""
    claims: int = 8
    """Claims whose evidence is drawn along the log."""
    beliefs: int = 8
    revisions: int = 200
    """States of one belief."""
    facts: int = 24
    table: int = 300
    """Rows of a table."""
    points: int = 160
    """Places at which the evidence of claims is looked at."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One log up to one position, of all models or of one."""

    store: EventStore
    runner: ProjectionRunner
    low: int
    """The first position."""
    until: int
    model: str | None = None
    limits: Limits = Limits()

    def rows(self, sql: str, /, **parameters: Any) -> list[Mapping[str, Any]]:
        """Ask the log something in SQL; `{model}` becomes the condition on a column of that name.

        Args:
            sql: One statement, which knows `:low` and `:until`.
            parameters: Of the statement.
        """
        condition = "" if self.model is None else "AND model = :model"
        given = {"low": self.low, "until": self.until, "model": self.model} | parameters
        statement = sql.replace("{model}", condition)
        wanted = {name: value for name, value in given.items() if f":{name}" in statement}
        return list(self.store.database.read_only_rows(statement, wanted).mappings())

    def width(self, bins: int) -> int:
        """Give how many positions each of so many bins holds."""
        return max(1, math.ceil((self.until - self.low + 1) / bins))

    def bin_start(self, number: int, width: int) -> int:
        """Give the first position of a bin."""
        return self.low + number * width

    def bin_end(self, number: int, width: int) -> int:
        """Give the last position of a bin."""
        return min(self.until, self.low + (number + 1) * width - 1)


def decoded(value: Any) -> Any:
    """Give a JSON column as data, whichever engine it comes from."""
    return orjson.loads(value) if isinstance(value, str | bytes) else value


def finite(value: Any) -> float | None:
    """Give a number that JSON has a word for; None for every other."""
    return float(value) if value is not None and math.isfinite(value) else None


FARTHEST = 1e100
"""What is larger is drawn no farther out: browsers reckon with doubles, and differences of the largest overflow."""


def drawable(value: Any) -> float | None:
    """Give a number that can be drawn; None for every other."""
    known = finite(value)
    return known if known is not None and abs(known) <= FARTHEST else None


def shortened(name: str) -> str:
    """Give the name of a tensor without what nearly all of them end in."""
    return name.removesuffix(".weight") or name


def log10(natural: float) -> float:
    """Give a decimal logarithm from a natural one."""
    return natural / math.log(10.0)


def e_value(log_e: float | None) -> str:
    """Give an e-value as a person reads it."""
    if log_e is None or not math.isfinite(log_e):
        return ""
    if -5.0 < log_e < 9.2:
        return f"{math.exp(log_e):,.0f}" if log_e > 4.6 else f"{math.exp(log_e):.3g}"
    power = math.floor(log10(log_e))
    return f"{10.0 ** (log10(log_e) - power):.2g}·10{str(power).translate(_RAISED)}"


def number(value: Any) -> str:
    """Give a number as a person reads it; what is missing is nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else {math.inf: "∞", -math.inf: "−∞"}.get(value, "NaN")
    return str(value)


def several(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether rows are of more than one model: then each is told with its model."""
    return len({row["model"] for row in rows}) > 1


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """Give a count with its noun."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"
