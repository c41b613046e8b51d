"""Panels: packed hypotheses of one kind of question, as claims see them whatever their statistics are."""

from __future__ import annotations

import hashlib
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import orjson
from numpy.typing import NDArray

from memory.inference.scale_rows import Floats, Index, grown
from memory.projections.knowledge.kept import Kept

if TYPE_CHECKING:
    from memory.projections.knowledge.claim import Claim
    from memory.projections.knowledge.families import HypothesisFamily

Flags = NDArray[np.bool_]

RANDOMISED, ADJUSTED, OBSERVATIONAL = "randomised", "adjusted", "observational"

Why = tuple[str, str, str, float]
"""Why a hypothesis is none: reason, relation in words, what strength measures, and how strong it looked."""


@dataclass(frozen=True, slots=True)
class FamilyKey:
    """What hypotheses must have in common to share one budget: one kind, one method, one dose, one grade."""

    model: str
    kind: str
    method: str | None = None
    level: float | None = None
    grade: str = OBSERVATIONAL
    aspect: str = ""
    """What of a kind is asked, where it can be asked in two ways: whether something moves at all."""


@dataclass(frozen=True, slots=True)
class About:
    """What a hypothesis speaks of, by the names of now."""

    subject: str
    object: str = ""
    subject_names: tuple[str, ...] = ()
    storage_id: int | None = None
    object_storage_id: int | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """What a hypothesis' statistics say of its size."""

    estimate: float
    low: float
    high: float
    support: int


@dataclass(frozen=True, slots=True)
class Telling:
    """One outcome or block that told much, for or against."""

    position: int
    write_position: int | None
    baseline_position: int
    outcome: float
    log_factor: float


class Panel(Kept, ABC):
    """Hypotheses in slots 0, 1, 2, ...: their evidence, their weights, and the claims made of them.

    Args:
        name: Its own name among all panels of the record.
        model: The model it is about.
    """

    batch: ClassVar[float] = 1.0
    """About how many statistics of one hypothesis settle together."""
    products: ClassVar[bool] = False
    """Whether its statistics are products of two innovations."""

    def __init__(self, name: str, model: str) -> None:
        self.name = name
        self.model = model
        self.keeper: Kept | None = None
        """What its stored form is a part of."""
        self.log_weight: Floats = np.zeros(0)
        """Log of each slot's part of the budget; -inf for what may not be claimed."""
        self.epoch: Index = np.zeros(0, dtype=np.int64)
        """How often each question was asked anew."""
        self.amended: Flags = np.zeros(0, dtype=np.bool_)
        """Which questions' present epochs an amendment has changed anything about."""
        self.near: Flags = np.zeros(0, dtype=np.bool_)
        """Which slots the contest looks at (the contest's own)."""
        self.dropped: dict[int, float] = {}
        """Slots that a gate keeps from being claimed, with the log weight each had."""
        self.claims: dict[int, Claim] = {}
        """Slot to what was made of it since it was first claimed in its epoch."""

    def changed(self) -> None:
        """Take note that the stored form is out of date, and that of whatever it is a part of."""
        super().changed()
        if self.keeper is not None:
            self.keeper.changed()

    def room(self, slots: int) -> None:
        """Have room for so many slots."""
        self.log_weight = grown(self.log_weight, slots, -math.inf)
        self.epoch = grown(self.epoch, slots)
        self.near = grown(self.near, slots)
        self.amended = grown(self.amended, slots)

    @property
    @abstractmethod
    def log_e(self) -> Floats:
        """Log e-value of every slot, as of its last settlement."""

    @property
    @abstractmethod
    def peak_log_e(self) -> Floats:
        """Largest log e-value of every slot so far."""

    @property
    def slots(self) -> int:
        """How many hypotheses there are."""
        return len(self.log_weight)

    @abstractmethod
    def family(self, slot: int) -> HypothesisFamily:
        """Give the family whose budget a hypothesis has a part of."""

    @abstractmethod
    def asked(self, slot: int) -> list[Any]:
        """Give what tells this question from every other of its family."""

    @abstractmethod
    def about(self, slot: int) -> About:
        """Say what a hypothesis speaks of."""

    @abstractmethod
    def direction(self, slot: int) -> int:
        """Give the side with more evidence: +1, -1 or 0."""

    @abstractmethod
    def measure(self, slot: int) -> Measure:
        """Give estimate, confidence sequence and support."""

    @abstractmethod
    def moments(self, slot: int) -> tuple[float, float, float]:
        """Give count, mean and standard deviation of the statistic that was bet on."""

    @abstractmethod
    def summary(self, family: HypothesisFamily) -> tuple[Floats, Floats, Floats]:
        """Give estimate, standard error and count of every slot of a family."""

    @abstractmethod
    def telling(self, slot: int) -> list[Telling]:
        """Give what told most about a hypothesis, oldest first."""

    def gate(self, slot: int) -> Why | None:
        """Say why a hypothesis is none, although the map does not know it."""
        return None

    @abstractmethod
    def _renew(self, slot: int) -> None:
        """Put the statistics of one slot back to their beginning."""

    def renew(self, slot: int) -> None:
        """Ask a question anew, with its evidence at 1 again.

        It keeps as much of its weight as its evidence had left of it: whoever asks again after losing has less to
        stake, so that asking again and again cannot raise the chance of a false claim.
        """
        self.log_weight[slot] += min(0.0, float(self.log_e[slot]))
        self._renew(slot)
        self.epoch[slot] += 1
        self.amended[slot] = False
        self.claims.pop(slot, None)
        self.changed()

    def amend(self, before: Panel | None) -> None:
        """Flag what an amendment has changed: anything about the whole panel flags all of it.

        Args:
            before: The same panel in the history before the amendment; None where there was none.
        """
        if before is not None and before.unflagged() == self.unflagged():
            self.amended = before.amended.copy()
        else:
            self.amended[:] = True
        self.changed()

    def unflagged(self) -> bytes:
        """Give everything but the flags of amendments, to be compared."""
        flags, self.amended = self.amended, np.zeros_like(self.amended)
        packed = self._compared()
        self.amended = flags
        return packed

    @abstractmethod
    def _compared(self) -> bytes:
        """Give the statistics, weights and epochs of all slots, to be compared."""

    def digest(self, slot: int) -> str:
        """Give what the identities of pattern, theory and belief are made of: the same in every rebuild."""
        key = self.family(slot).key
        family = [key.model, key.kind, key.method, key.level, key.grade, key.aspect]
        parts = [*family, *self.asked(slot), int(self.epoch[slot])]
        return hashlib.sha256(orjson.dumps(parts)).hexdigest()[:16]


Touched = list[tuple[Panel, Index]]
"""Panels, each with the slots whose evidence has changed."""
