"""What the models of one record have in common: who is who, what metrics mean, what is claimed, what is dropped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from memory.projections.knowledge.claims import Claims
from memory.projections.knowledge.dropped import DroppedCorrelations
from memory.projections.knowledge.entities import Entities
from memory.projections.knowledge.families import Families
from memory.projections.knowledge.metrics import MetricBook
from memory.projections.knowledge.readings import Twin
from memory.projections.knowledge.repeats import Repeats
from memory.projections.registry import StorageRegistry

FoundOut = Callable[[int, str, Twin, str], None]
"""Told of two names that turned out to be one tensor: position, model, which, and the statistic that showed it."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What the models of one record have in common."""

    registry: StorageRegistry
    entities: Entities
    metrics: MetricBook
    families: Families
    claims: Claims
    dropped: DroppedCorrelations
    repeats: Repeats
    found_out: FoundOut
