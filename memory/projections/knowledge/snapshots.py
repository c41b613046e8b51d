"""What everything learned was at earlier positions, so that an amended past is learned anew from just before it.

Of n snapshots few are kept: all recent ones, and ever fewer further back. Learning anew from an event costs what
came since, whichever snapshot it starts from; one that lies up to half as far again before it costs half as much more.
"""

from __future__ import annotations

import zlib

import orjson

EVERY = 4096
"""Positions from one snapshot to the next."""
_DENSE = 4
"""How many are kept of each doubling of age."""

Parts = dict[str, bytes]


class Snapshots:
    """The snapshots that are kept, by the last position in each."""

    def __init__(self) -> None:
        self._kept: dict[int, Parts | bytes] = {}
        self._fresh: dict[int, None] = {}
        self._gone: dict[int, None] = {}

    def due(self, position: int, last: int) -> bool:
        """Say whether one is to be taken before an event is folded.

        Args:
            position: The event.
            last: The event folded before it; 0 for none.
        """
        return last > 0 and position // EVERY > last // EVERY

    def take(self, position: int, parts: Parts) -> None:
        """Keep what everything is after the event at a position, and let older ones go that are too many."""
        self._kept[position] = dict(parts)
        self._fresh[position] = None
        self._gone.pop(position, None)
        newest = position // EVERY
        for each in list(self._kept):
            age = newest - each // EVERY
            if age >= _DENSE and (each // EVERY) % (1 << (age // _DENSE).bit_length()):
                self._drop(each)

    def before(self, position: int) -> tuple[int, Parts] | None:
        """Give the last snapshot before a position."""
        earlier = [each for each in self._kept if each < position]
        if not earlier:
            return None
        found = self._kept[max(earlier)]
        return max(earlier), unpacked(found) if isinstance(found, bytes) else dict(found)

    def forget_from(self, position: int) -> None:
        """Let go of every snapshot that an amended event is part of."""
        for each in [each for each in self._kept if each >= position]:
            self._drop(each)

    def _drop(self, position: int) -> None:
        del self._kept[position]
        self._fresh.pop(position, None)
        self._gone[position] = None

    def take_changes(self) -> tuple[list[int], list[tuple[int, bytes]]]:
        """Give, and forget, which rows go and which come."""
        rows = [(position, packed(self._parts(position))) for position in self._fresh]
        gone = list(self._gone)
        self._fresh, self._gone = {}, {}
        return gone, rows

    def _parts(self, position: int) -> Parts:
        found = self._kept[position]
        return unpacked(found) if isinstance(found, bytes) else found

    def load(self, rows: list[tuple[int, bytes]]) -> None:
        """Go on from the rows that were written."""
        self._kept = dict(rows)
        self._fresh, self._gone = {}, {}


def packed(parts: Parts) -> bytes:
    """Give parts as one compressed text of bytes."""
    head = orjson.dumps([[name, len(stored)] for name, stored in parts.items()])
    return zlib.compress(len(head).to_bytes(4, "little") + head + b"".join(parts.values()), 1)


def unpacked(stored: bytes) -> Parts:
    """Give back what `packed` was given."""
    text = zlib.decompress(stored)
    at = 4 + int.from_bytes(text[:4], "little")
    parts = {}
    for name, length in orjson.loads(text[4:at]):
        parts[name] = text[at : at + length]
        at += length
    return parts
