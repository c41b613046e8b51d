"""One observation counts once, however often it was recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

_REMEMBERED = 256
"""Observations that are kept in mind; a repeat that comes later than that is taken for news."""


class Repeats:
    """Tells what has been recorded before: the same numbers of the same act and sample, or at the same moment.

    Evaluating the same weights on the same sample again gives the same numbers; that is no second observation either.
    Without a sample only what claims the very same moment is a repeat: a metric may well take one value twice.
    """

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def first(self, position: int, kind: str, about: tuple[Any, ...], values: Mapping[str, float]) -> int | None:
        """Give the position at which the same was recorded before; None for news, which is remembered.

        Args:
            position: Where it is recorded.
            kind: What kind of record it is.
            about: What must be the same besides the values.
            values: What was read.
        """
        content = orjson.dumps([kind, *about, values], option=orjson.OPT_SORT_KEYS)
        digest = hashlib.blake2b(content, digest_size=8).hexdigest()
        earlier = self._seen.get(digest)
        if earlier is None:
            self._seen[digest] = position
            if len(self._seen) > _REMEMBERED:
                del self._seen[next(iter(self._seen))]
        return earlier

    def to_state(self) -> list[Any]:
        """Give what is remembered, oldest first."""
        return list(self._seen.items())

    def load(self, state: list[Any]) -> None:
        """Go on from `to_state`."""
        self._seen = dict(state)
