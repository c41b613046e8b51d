"""What a simulated world is made of: its sizes, its planted truth, and the traps that lie in it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

LEAST_STORAGES = 60
"""Every role and every trap must find a tensor of its own."""
LEAST_METRICS = 8
"""Every metric has one role (see `plan`)."""


class Trap(StrEnum):
    """What makes an honest reader of a log claim what is not so."""

    ALIASES = "aliases"
    """Names that the map ties are logged one record per name."""
    UNDECLARED_ALIASES = "undeclared_aliases"
    """Two storages of the map, and a name no map knows, that are in truth a tensor logged under another name too."""
    UNTIE = "untie"
    """Two tied pairs are cut at 30 % of the events; one pair is truly written together from then on."""
    LATE_TIE = "late_tie"
    """Two storages become one tensor half way."""
    MERGED = "merged"
    """A merged adapter: a name computed from three others, logged with them."""
    PARAMETRIZATION = "parametrization"
    """A weight computed from g and v, logged with them."""
    OVERLAP = "overlap"
    """Two storages that share some of their bytes, logged together."""
    DERIVED_METRICS = "derived_metrics"
    """One metric declared to be computed from another, and one that is and was never declared."""
    DUPLICATES = "duplicates"
    """Some evaluations and readings are recorded twice."""
    SWEEPS = "sweeps"
    """Acts that touch everything."""
    FOCUS = "focus"
    """The agent favours some storages for a while."""
    REGRESSION = "regression"
    """The agent acts, without a baseline, when a metric is unusually bad."""
    BURSTS = "bursts"
    """Spells of fourfold noise in everything."""
    REVERSE = "reverse"
    """A metric's value decides which storage is written next."""
    HEAVY_TAILS = "heavy_tails"
    """Some metrics and layers have noise with three degrees of freedom."""
    AUTOCORRELATION = "autocorrelation"
    """The noise of metrics and layers remembers itself."""
    VANISHING = "vanishing"
    """Two effects stop half way."""
    COMMON_CAUSE = "common_cause"
    """One storage moves two metrics; one of a pair written together has effects, and the other has none."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One world: the same settings give the same events, number for number."""

    seed: int = 0
    events: int = 20_000
    """The run ends with the first act that reaches this many."""
    storages: int = 64
    """Storages of the sharing map at the beginning."""
    metrics: int = 8
    """Metrics that stand for themselves; derived ones come on top."""
    planted: bool = True
    """False: the same traps, and nothing to find."""
    traps: frozenset[Trap] = field(default_factory=lambda: frozenset(Trap))
    statistics_every: int = 5
    """Acts between two readings of layer statistics."""
    paired: float = 0.6
    """Share of acts with a baseline on the sample of their outcome."""
    unsigned: float = 0.12
    """Share of acts whose writes have no dose."""
    kept: float = 0.4
    """Share of acts that are not undone."""
    metrics_per_evaluation: int = 16
    """With more metrics than this an act evaluates a group of so many."""

    def __post_init__(self) -> None:
        if self.storages < LEAST_STORAGES or self.metrics < LEAST_METRICS:
            raise ValueError(f"a world needs at least {LEAST_STORAGES} storages and {LEAST_METRICS} metrics")

    def null(self) -> Settings:
        """The same world with nothing planted."""
        return replace(self, planted=False)

    def without(self, *traps: Trap) -> Settings:
        """The same world without some of its traps."""
        return replace(self, traps=self.traps - frozenset(traps))
