"""Reading back the plain data that running state is kept as.

Every running state of this package turns into a dictionary of floats, ints, and lists of them (`to_state`) and comes
back bit for bit (`from_state`): Python's shortest float text is exact, no state holds an infinity, a NaN or a negative
zero (PostgreSQL's jsonb keeps none of the three), and integers that JSON made of whole floats become floats again here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["State", "read_count", "read_number", "read_numbers", "read_part"]

State = dict[str, Any]
"""Plain data: keys to floats, ints, lists of floats, or further such dictionaries."""


def _present(state: Mapping[str, Any], key: str) -> Any:
    if key not in state:
        raise ValueError(f"inference state has no {key!r}; it has {sorted(state)}")
    return state[key]


def _finite(value: Any, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"inference state {key!r} must hold finite numbers, not {value!r}")
    return float(value)


def read_number(state: Mapping[str, Any], key: str) -> float:
    """Return the finite float kept under `key`.

    Raises:
        ValueError: the key is missing or holds something else.
    """
    return _finite(_present(state, key), key)


def read_count(state: Mapping[str, Any], key: str) -> int:
    """Return the non-negative whole number kept under `key`.

    Raises:
        ValueError: the key is missing or holds something else.
    """
    value = _finite(_present(state, key), key)
    if value < 0 or value != int(value):
        raise ValueError(f"inference state {key!r} must be a whole number of at least 0, not {value!r}")
    return int(value)


def read_numbers(state: Mapping[str, Any], key: str, length: int | None = None) -> list[float]:
    """Return the finite floats kept under `key`; exactly `length` of them where it is given.

    Raises:
        ValueError: the key is missing, or holds something else or too few or too many.
    """
    values = _present(state, key)
    if not isinstance(values, list | tuple):
        raise ValueError(f"inference state {key!r} must be a list, not {values!r}")
    if length is not None and len(values) != length:
        raise ValueError(f"inference state {key!r} must hold {length} numbers, not {len(values)}")
    return [_finite(value, key) for value in values]


def read_part(state: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the nested state kept under `key`.

    Raises:
        ValueError: the key is missing or holds no dictionary.
    """
    part = _present(state, key)
    if not isinstance(part, Mapping):
        raise ValueError(f"inference state {key!r} must be a dictionary, not {part!r}")
    return part
