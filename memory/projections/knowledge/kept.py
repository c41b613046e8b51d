"""Stored forms of what the fold keeps: written again only after a change, plain data and arrays together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from numpy.typing import NDArray

from memory.inference.packed import pack, unpack


class Kept:
    """Something whose stored form is written again only after it changed."""

    _stored: bytes | None = None

    def changed(self) -> None:
        """Take note that the stored form is out of date."""
        self._stored = None

    def stored(self) -> bytes:
        """Give the stored form."""
        if self._stored is None:
            self._stored = self._packed()
        return self._stored

    def _packed(self) -> bytes:
        raise NotImplementedError


def with_head(head: Any, arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Give plain data and arrays as bytes."""
    described = orjson.dumps(head)
    return len(described).to_bytes(4, "little") + described + pack(arrays)


def head_of(stored: bytes) -> tuple[Any, dict[str, NDArray[Any]]]:
    """Give back what `with_head` was given."""
    end = 4 + int.from_bytes(stored[:4], "little")
    return orjson.loads(stored[4:end]), unpack(stored[end:])


def under(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    """Give the arrays whose names begin with a prefix, without it."""
    return {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}
