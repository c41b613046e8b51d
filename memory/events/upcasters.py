"""Upcasters: pure functions that lift a stored payload from one schema version to the next.

They work on the parsed JSON exactly as it is stored (tagged numbers included), so that an old log replays for ever
whatever the payload classes look like now.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from memory.errors import UpcastError

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes the stored fields of version n, returns those of version n + 1; may change its argument."""

_UPCASTERS: dict[tuple[str, int], Upcaster] = {}


def upcaster(event_type: str, from_version: int) -> Callable[[Upcaster], Upcaster]:
    """Register a function that lifts `event_type` from `from_version` to the version after it.

    Raises:
        ValueError: Another function already lifts this version.
    """

    def decorate(function: Upcaster) -> Upcaster:
        if (event_type, from_version) in _UPCASTERS:
            raise ValueError(f"schema version {from_version} of {event_type!r} already has an upcaster")
        _UPCASTERS[event_type, from_version] = function
        return function

    return decorate


def upcast(event_type: str, from_version: int, to_version: int, fields: dict[str, Any]) -> dict[str, Any]:
    """Lift stored fields step by step to `to_version`.

    Raises:
        UpcastError: A step is missing, or failed.
    """
    for version in range(from_version, to_version):
        step = _UPCASTERS.get((event_type, version))
        if step is None:
            raise UpcastError(event_type, from_version, f"no upcaster from version {version} is registered")
        try:
            fields = step(fields)
        except Exception as error:
            raise UpcastError(event_type, from_version, f"{type(error).__name__}: {error}") from error
    return fields
