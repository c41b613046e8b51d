"""What a view is described by, and the columns that many views have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

ViewKind = Literal["text", "int", "float", "flag", "json"]
"""What a column of a view holds; a flag is 0 or 1; JSON is text on SQLite and `jsonb` on PostgreSQL."""


class ViewColumn(NamedTuple):
    """One column of a view."""

    name: str
    kind: ViewKind
    comment: str


@dataclass(frozen=True, slots=True)
class View:
    """One view: a question that has an answer in SQL."""

    name: str
    comment: str
    key: tuple[str, ...]
    """The columns that tell its rows apart, and by which to order it: cheap with a LIMIT."""
    columns: tuple[ViewColumn, ...]


def text(name: str, comment: str) -> ViewColumn:
    """Give a column of text."""
    return ViewColumn(name, "text", comment)


def integer(name: str, comment: str) -> ViewColumn:
    """Give a column of whole numbers."""
    return ViewColumn(name, "int", comment)


def number(name: str, comment: str) -> ViewColumn:
    """Give a column of numbers."""
    return ViewColumn(name, "float", comment)


def flag(name: str, comment: str) -> ViewColumn:
    """Give a column of 0 and 1."""
    return ViewColumn(name, "flag", comment)


MODEL = text("model", "the model's name in this record")
OCCURRED_AT = text("occurred_at", "when it happened, UTC ISO text")
ACTOR = text("actor", "who recorded it, if said")
ACT = text("act_id", "the act it is part of, if any")
STATUS = text("status", "active, weakened or retracted")
INTERVAL = (
    number("effect", "the effect: per act at the reference dose, in the metric's units; else in units of its kind"),
    number("ci_low", "lower end of the 95 % confidence sequence; null: unbounded"),
    number("ci_high", "upper end; null: unbounded"),
)
