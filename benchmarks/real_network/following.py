"""Every hypothesis about writes, claimed or not, followed through the log: its interval at every look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.real_network.truth import Question, Truth
from memory import MemorySystem
from memory.events.observations import MetricsRecorded
from memory.projections.knowledge.learning import Learning
from memory.projections.knowledge.write_panels import WritePanel


@dataclass(slots=True)
class Followed:
    """One hypothesis: what its interval was, and whether it ever left the truth out."""

    question: Question
    grade: str
    support: int = 0
    estimate: float = 0.0
    low: float = 0.0
    high: float = 0.0
    log_e: float = 0.0
    looks: int = 0
    ever_missed: bool = False
    """Whether the interval left out all within 2 standard errors of the truth, at any look so far."""
    at_first_claim: tuple[float, float] | None = None


def follow(memory: MemorySystem, truth: Mapping[Question, Truth]) -> dict[str, Followed]:
    """Fold the log again, event by event.

    Args:
        memory: The memory, with everything claimed.
        truth: What the writes truly do.

    Returns:
        Every hypothesis by the identity a pattern of it has.
    """
    first_claims = {row.pattern_id: row.first_position for row in memory.patterns(status=None)}
    learning = Learning()
    identities: dict[tuple[str, int, int], str] = {}
    found: dict[str, Followed] = {}
    for event in memory.store.read():
        learning.apply(event, event.payload)
        if not isinstance(event.payload, MetricsRecorded):
            continue
        for panel in learning.panels():
            if isinstance(panel, WritePanel):
                for slot in range(panel.slots):
                    asked = panel.name, slot, int(panel.epoch[slot])
                    if asked not in identities:
                        identities[asked] = f"pattern-{panel.digest(slot)}"
                    first = first_claims.get(identities[asked]) == event.position
                    _look(panel, slot, identities[asked], first, found, truth)
    return found


def _look(
    panel: WritePanel,
    slot: int,
    identity: str,
    first: bool,
    found: dict[str, Followed],
    truth: Mapping[Question, Truth],
) -> None:
    each = found.get(identity)
    if each is None:
        key, about = panel.family(slot).key, panel.about(slot)
        question = Question(about.subject, key.method or "", key.level, panel.part(slot), about.object)
        each = found[identity] = Followed(question, key.grade)
    support = panel.process(slot).n
    # Another hypothesis' outcome may lower the bar that this one is then claimed over.
    if support == each.support and not first:
        return
    measure = panel.measure(slot)
    each.looks += support != each.support
    each.support, each.log_e = support, float(panel.log_e[slot])
    each.estimate, each.low, each.high = measure.estimate, measure.low, measure.high
    if first:
        each.at_first_claim = measure.low, measure.high
    known = truth.get(each.question)
    if known is not None and known.excluded_by(each.low, each.high):
        each.ever_missed = True
