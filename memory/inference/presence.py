"""Who was there, step by step, in the block under way; and who was there long enough to be judged by it.

A block informs only about entities that existed during all of it: one that began or ended within it would be absent
from a part of it for a reason that is no chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from memory.inference.arrays import read_array

__all__ = ["Presence"]


class Presence:
    """Entities 0..K−1, and which of them were present in each step (act, cycle) of a block of fixed length."""

    def __init__(self, length: int) -> None:
        self.length = length
        """Steps to a block."""
        self.part: NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)
        """Which entities take part in the block under way."""
        self.alive: NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)
        """Which entities have not ended."""
        self._steps: list[tuple[int, ...]] = []

    @property
    def count(self) -> int:
        """K, the entities ever allocated."""
        return len(self.part)

    @property
    def steps(self) -> int:
        """Steps taken in the block under way."""
        return len(self._steps)

    def grow(self, count: int, wait: bool = False) -> None:
        """Allocate `count` more entities; they take part from the first block on that they see whole.

        Args:
            count: how many.
            wait: let them sit out a block that has not begun yet too: for entities allocated *because* they are present
                in the step about to be told, which is then not up to chance.

        Raises:
            ValueError: `count` is negative.
        """
        if count < 0:
            raise ValueError(f"the number of new entities must be at least 0, not {count!r}")
        at_once = not self._steps and not wait
        self.part = np.concatenate([self.part, np.full(count, at_once)])
        self.alive = np.concatenate([self.alive, np.ones(count, dtype=np.bool_)])

    def end(self, entity: int) -> None:
        """Let an entity take part no more, the block under way included.

        Raises:
            ValueError: there is no such entity.
        """
        self._check((entity,))
        self.part[entity] = self.alive[entity] = False

    def step(self, present: Sequence[int]) -> bool:
        """Take one step; return whether it was the block's last, after which `block` and `close` are due.

        Args:
            present: the entities present, in any order; naming one twice says it once.

        Raises:
            ValueError: there is no such entity.
        """
        members = tuple(present)
        self._check(members)
        self._steps.append(members)
        return len(self._steps) == self.length

    def block(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the entities that take part and were present at all, ascending, and their presence, step × entity.

        Zeros and ones as floats: their matrix products are whole numbers far below 2^24, so exact in any order.
        """
        sizes = [len(members) for members in self._steps]
        there = np.zeros((self.length, self.count), dtype=np.bool_)
        members = np.fromiter(chain.from_iterable(self._steps), dtype=np.int64, count=sum(sizes))
        there[np.repeat(np.arange(len(sizes)), sizes), members] = True
        active = np.flatnonzero(there.any(axis=0) & self.part)
        return active, there[:, active].astype(np.float32)

    def close(self) -> None:
        """Begin the next block, in which all that have not ended take part."""
        self._steps = []
        self.part = self.alive.copy()

    def _check(self, entities: tuple[int, ...]) -> None:
        if entities and not (min(entities) >= 0 and max(entities) < self.count):
            raise ValueError(
                f"entities are numbered 0 to {self.count - 1} here, not {list(entities)!r}: call grow first"
            )

    def to_arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Return the state as arrays, their names beginning with `prefix`."""
        return {
            f"{prefix}.part": self.part.copy(),
            f"{prefix}.alive": self.alive.copy(),
            f"{prefix}.sizes": np.array([len(members) for members in self._steps], dtype=np.int64),
            f"{prefix}.members": np.array(list(chain.from_iterable(self._steps)), dtype=np.int64),
        }

    @classmethod
    def from_arrays(cls, length: int, arrays: Mapping[str, NDArray[Any]], prefix: str) -> Self:
        """Return what `to_arrays` described.

        Raises:
            ValueError: the arrays do not describe one.
        """
        presence = cls(length)
        presence.part = read_array(arrays, f"{prefix}.part", np.bool_, (-1,))
        presence.alive = read_array(arrays, f"{prefix}.alive", np.bool_, presence.part.shape)
        sizes = read_array(arrays, f"{prefix}.sizes", np.int64, (-1,))
        members = read_array(arrays, f"{prefix}.members", np.int64, (int(sizes.sum()),)).tolist()
        if len(sizes) >= length:
            raise ValueError(f"a block under way has fewer than {length} steps, not {len(sizes)}")
        start = 0
        for size in sizes.tolist():
            presence._steps.append(tuple(members[start : start + size]))
            presence._check(presence._steps[-1])
            start += size
        return presence
