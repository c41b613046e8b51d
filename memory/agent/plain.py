"""Answers as plain data that JSON has words for: short numbers, harmless words, and NaN said out loud."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import math
from collections.abc import Callable, Mapping
from typing import Any

from memory.query.results import as_mapping

_DIGITS = 6
"""Digits of a number that a model is told: what lies beyond them costs tokens, and says nothing to it."""
_DEPTH = 12


def plain_answer(value: Any, harmless: Callable[[str], str], depth: int = 0) -> Any:
    """Give a value as None, bool, int, float, str, lists and dicts of these.

    Numbers are rounded to six digits; NaN and infinities become the words `NaN`, `Infinity`, `-Infinity`.

    Args:
        value: Anything an answer is made of.
        harmless: What is done with every text, those of keys included.
        depth: How deep inside an answer it is.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, enum.Enum):
        value = value.value
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return _number(float(value))
    if depth >= _DEPTH:
        return "(deeper than is told)"
    if isinstance(value, Mapping) or dataclasses.is_dataclass(value) or hasattr(value, "_mapping"):
        told = as_mapping(value)
        return {harmless(str(name)): plain_answer(each, harmless, depth + 1) for name, each in told.items()}
    if isinstance(value, list | tuple):
        return [plain_answer(each, harmless, depth + 1) for each in value]
    if isinstance(value, set | frozenset):
        return [plain_answer(each, harmless, depth + 1) for each in sorted(value, key=str)]
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "size", None) == 1:
        return plain_answer(item(), harmless, depth)
    return harmless(str(value))


def _number(value: float) -> float | int | str:
    if not math.isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    short = float(f"{value:.{_DIGITS}g}")
    return int(short) if short.is_integer() and abs(short) < 10**_DIGITS else short
