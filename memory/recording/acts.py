"""Acts: deliberate steps that group writes with the evaluations before and after them, and the coins they flip."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from memory.errors import EditError, InvalidArgument
from memory.recording.journal import Recorded

if TYPE_CHECKING:
    from memory.recording.editing import Undo


class Coin(int):
    """A sign, +1 or −1, that a coin decided: an int that remembers the probability of the side it fell on."""

    propensity: float
    number: int
    """Which coin of its act it was, from 1."""

    def __new__(cls, sign: int, propensity: float, number: int) -> Coin:
        """Make the side `sign` that was drawn with probability `propensity`."""
        coin = super().__new__(cls, sign)
        coin.propensity, coin.number = propensity, number
        return coin

    def __getnewargs__(self) -> tuple[int, float, int]:  # type: ignore[override]
        return int(self), self.propensity, self.number


def new_act_id(generator: random.Random) -> str:
    """Make up the name of an act."""
    return f"act-{generator.getrandbits(64):016x}"


class Act:
    """One deliberate step: the writes made together, and what was measured before and after them.

    Args:
        label: What the step is, in words.
        identity: Its name in the record; made up when None.
        generator: Where its coins come from.
    """

    def __init__(self, label: str, identity: str | None, generator: random.Random) -> None:
        self.label = label
        self.id = identity if identity is not None else new_act_id(generator)
        self._generator = generator
        self._coin: Coin | None = None
        self._undos: list[Undo] = []
        self._undo: Callable[[list[Undo], str], tuple[Recorded, ...]] | None = None
        self._undo_elsewhere: Callable[[], tuple[Recorded, ...]] | None = None

    def flip(self, probability: float = 0.5) -> Coin:
        """Flip a coin for the sign of a write; the writes that follow in this act are recorded as randomised.

        An act that writes several storages flips one coin for each: only then can what follows tell them apart.

        Args:
            probability: Of +1.

        Returns:
            +1 or −1, as an int that knows its own probability.

        Raises:
            InvalidArgument: The probability is not strictly between 0 and 1.
        """
        if not 0 < probability < 1:
            raise InvalidArgument("probability", probability, "it lies strictly between 0 and 1")
        positive = self._generator.random() < probability
        number = 1 if self._coin is None else self._coin.number + 1
        self._coin = Coin(1, probability, number) if positive else Coin(-1, 1 - probability, number)
        return self._coin

    @property
    def coin(self) -> Coin | None:
        """The last coin flipped in this act."""
        return self._coin

    def undo(self) -> tuple[Recorded, ...]:
        """Put back, bit for bit, every storage this act edited, or none; recorded as a revert, never as evidence.

        Pre-images are kept as long as this object is.

        Returns:
            One handle per storage put back.

        Raises:
            EditError: The act edited nothing (or was undone already).
            RestoreError: A storage was written again since, or replaced: undoing would erase that, or miss it.
            NotAttached: The model is not attached any more.
        """
        if self._undo_elsewhere is not None:
            recorded = self._undo_elsewhere()
            self._undo_elsewhere = None
            return recorded
        if not self._undos or self._undo is None:
            raise EditError(
                f"act {self.id!r} has nothing to undo",
                remedy="undo an act once, after an edit made through memory.edit inside it",
            )
        recorded = self._undo(self._undos, self.id)
        self._undos = []
        return recorded

    def keeps(
        self, undo: Undo, overlapping: Mapping[str, str], undoer: Callable[[list[Undo], str], tuple[Recorded, ...]]
    ) -> None:
        """Keep the pre-image of a storage's first write in this act, and of every storage what its last one left.

        Args:
            undo: Takes back one write.
            overlapping: Storage key to digest after that write, for storages that share some of its bytes.
            undoer: Takes back all of them.
        """
        self._undo = undoer
        kept = [known.take_over(undo, overlapping) for known in self._undos]
        if not any(kept):
            self._undos.append(undo)

    def kept_elsewhere(self, undoer: Callable[[], tuple[Recorded, ...]]) -> None:
        """Say that another process keeps what takes this act back.

        Args:
            undoer: Takes part in taking it back.
        """
        self._undo_elsewhere = undoer

    def __repr__(self) -> str:
        return f"Act({self.label!r}, id={self.id!r})"
