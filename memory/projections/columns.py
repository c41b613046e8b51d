"""The columns that the tables of projections are made of.

JSON columns hold canonical JSON text on SQLite and jsonb on PostgreSQL, so that `column ->> 'key'` reads the same on
both.
"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Integer, Text
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION, JSONB

JSON_TEXT = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
POSITION = BigInteger().with_variant(Integer(), "sqlite")
NUMBER = Float(53).with_variant(DOUBLE_PRECISION(), "postgresql")


def text(name: str, comment: str, *, key: bool = False, null: bool = False) -> Column[str]:
    """Give a column of text."""
    return Column(name, Text, primary_key=key, nullable=null and not key, comment=comment)


def position(name: str, comment: str, *, key: bool = False, null: bool = False) -> Column[int]:
    """Give a column of positions."""
    return Column(name, POSITION, primary_key=key, nullable=null and not key, comment=comment, autoincrement=False)


def number(name: str, comment: str, *, null: bool = True) -> Column[float]:
    """Give a column of numbers."""
    return Column(name, NUMBER, nullable=null, comment=comment)


def count(name: str, comment: str, *, null: bool = False) -> Column[int]:
    """Give a column of counts."""
    return Column(name, BigInteger, nullable=null, comment=comment)


def flag(name: str, comment: str, *, null: bool = False) -> Column[bool]:
    """Give a column of truth values."""
    return Column(name, Boolean, nullable=null, comment=comment)


MODEL = "the model's name in this record"
OCCURRED = "when it happened, UTC ISO text with microseconds"
RETRACTED = "the event that retracted it; null where it stands"
SPECIAL = "NaN, Infinity or -Infinity where value is null; null where value is finite"
