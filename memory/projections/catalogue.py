"""Every projection there is, in the order they fold an event."""

from __future__ import annotations

from collections.abc import Callable

from memory.projections.base import Projection
from memory.projections.counts import CountsProjection
from memory.projections.knowledge import KnowledgeProjection
from memory.projections.landmarks import LandmarksProjection
from memory.projections.observations import MetricsProjection, ObservationsProjection
from memory.projections.safety import SafetyProjection
from memory.projections.search import SearchProjection
from memory.projections.sharing import SharingProjection
from memory.projections.weight_history import WeightHistoryProjection
from memory.projections.writes import LayerStatisticsProjection, ModificationsProjection, WeightStatesProjection

PROJECTIONS: tuple[Callable[[], Projection], ...] = (
    SharingProjection,
    ObservationsProjection,
    MetricsProjection,
    ModificationsProjection,
    WeightStatesProjection,
    LayerStatisticsProjection,
    KnowledgeProjection,
    WeightHistoryProjection,
    SafetyProjection,
    LandmarksProjection,
    CountsProjection,
    SearchProjection,
)
