"""Are two storages written in the same acts more often than chance would have it?

*Guaranteed*: if, within each block of 32 acts, the acts that wrote one storage are exchangeable with respect to those
that wrote the other (given how many acts wrote each), the e-value ever reaches 20 with probability at most 1/20. Given
both counts, the number of joint acts is then hypergeometric, and θ^{n_ij} / E[θ^N] is a bet on its being large. Drift
from block to block (one project after another) is conditioned away; drift within a block is not.

The same numbers, kept per *name*, are what makes tied names look like the strongest pattern of all.

Source: Ville 1939; exponential tilting of Fisher's exact test (Fisher's noncentral hypergeometric likelihood ratio).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from memory.inference.kernel import log_mean_exp
from memory.inference.state import State, read_count, read_number, read_numbers

__all__ = ["BLOCK", "TILTS", "ComodificationProcess", "log_block_factor", "log_normalisers"]

BLOCK = 32
"""Acts to a block."""
TILTS = (2, 4, 8, 16, 32)
"""θ: the odds ratios bet on side by side."""


@lru_cache(maxsize=16_384)
def _log_normaliser(tilt: int, acts: int, first: int, second: int) -> float:
    """Return log E[tilt^N], N hypergeometric; in whole numbers until the last step, so exact to rounding."""
    total = math.comb(acts, second)
    tilted = sum(
        math.comb(first, joint) * math.comb(acts - first, second - joint) * tilt**joint
        for joint in range(max(0, first + second - acts), min(first, second) + 1)
    )
    return math.log(tilted) - math.log(total)


def log_block_factor(tilt: int, acts: int, first: int, second: int, joint: int) -> float:
    """Return log(θ^{n_ij} / E_hypergeometric[θ^N]) for one block.

    Args:
        tilt: θ, a whole number above 1.
        acts: acts in the block.
        first: acts that wrote the first storage.
        second: acts that wrote the second.
        joint: acts that wrote both.

    Returns:
        Exactly 0.0 where the counts leave no choice.

    Raises:
        ValueError: no block has these counts.
    """
    fewest, most = max(0, first + second - acts), min(first, second)
    if tilt < 2 or not (0 <= first <= acts and 0 <= second <= acts and fewest <= joint <= most):
        raise ValueError(
            f"no block of {acts} acts has {first} and {second} writes, {joint} of them joint (tilt {tilt!r})"
        )
    if fewest == most:
        return 0.0
    return joint * math.log(tilt) - _log_normaliser(tilt, acts, first, second)


@cache
def log_normalisers() -> NDArray[np.float64]:
    """Return log E[θ^N] for every tilt and both counts of a full block (tilt × first × second), computed once."""
    table = np.zeros((len(TILTS), BLOCK + 1, BLOCK + 1))
    for index, tilt in enumerate(TILTS):
        for first in range(BLOCK + 1):
            for second in range(first + 1):
                value = _log_normaliser(tilt, BLOCK, first, second)
                table[index, first, second] = table[index, second, first] = value
    table.flags.writeable = False
    return table


@dataclass(slots=True)
class ComodificationProcess:
    """The running state of one pair: five log-wealths over whole blocks, and the counts of the block under way."""

    blocks: int = 0
    """Blocks settled."""
    acts: int = 0
    """Acts in the block under way."""
    first: int = 0
    """Of those, acts that wrote the first of the pair."""
    second: int = 0
    """Of those, acts that wrote the second."""
    joint: int = 0
    """Of those, acts that wrote both."""
    joint_total: int = 0
    """Joint acts in settled blocks."""
    peak_log_e: float = 0.0
    """The largest log e-value at any block's end."""
    wealth: list[float] = field(default_factory=lambda: [0.0] * len(TILTS))
    """Log-wealth per tilt."""

    def update(self, first: bool, second: bool) -> bool:
        """Take one act; sweeps and reverts are the caller's to leave out.

        Args:
            first: whether the act wrote the first of the pair.
            second: whether it wrote the second.

        Returns:
            Whether the act completed a block, so that the e-value may have changed.
        """
        self.acts += 1
        self.first += bool(first)
        self.second += bool(second)
        self.joint += bool(first and second)
        if self.acts < BLOCK:
            return False
        for index, tilt in enumerate(TILTS):
            self.wealth[index] += log_block_factor(tilt, self.acts, self.first, self.second, self.joint)
        self.blocks += 1
        self.joint_total += self.joint
        self.peak_log_e = max(self.peak_log_e, self.log_e)
        self.drop_block()
        return True

    def drop_block(self) -> None:
        """Forget the block under way: one end did not exist during all of it."""
        self.acts = self.first = self.second = self.joint = 0

    @property
    def log_e(self) -> float:
        """Log e-value, over settled blocks, against "written together no more than chance would have it"."""
        return log_mean_exp(self.wealth)

    def to_state(self) -> State:
        """Return the state as plain data."""
        return {
            "blocks": self.blocks,
            "acts": self.acts,
            "first": self.first,
            "second": self.second,
            "joint": self.joint,
            "joint_total": self.joint_total,
            "peak_log_e": self.peak_log_e,
            "wealth": list(self.wealth),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Return the process that `to_state` described, bit for bit.

        Raises:
            ValueError: the data does not describe one.
        """
        return cls(
            blocks=read_count(state, "blocks"),
            acts=read_count(state, "acts"),
            first=read_count(state, "first"),
            second=read_count(state, "second"),
            joint=read_count(state, "joint"),
            joint_total=read_count(state, "joint_total"),
            peak_log_e=read_number(state, "peak_log_e"),
            wealth=read_numbers(state, "wealth", len(TILTS)),
        )
