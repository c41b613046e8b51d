"""When a keyframe is written beside a delta, so that no state is far from bytes that can be loaded.

The target is a bound on the whole: any checkout takes at most four times `torch.load` of the model. It holds because
each storage keeps within its own share: the way from its last keyframe, the verifying and the putting in, together at
most four times what `torch.load` takes for that storage. Costs add up over storages, so the shares add up to the bound,
whichever storages a checkout touches and in whatever states they were.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from memory.weights.costs import MEASURED, Costs
from memory.weights.paths import DeltaEdge, Path

LOAD_BUDGET = 4.0
"""What a checkout may cost, in times `torch.load` of the same bytes."""

MOST_STEPS = 32
"""Deltas after which a keyframe is due however cheap they are."""

MOST_BYTES = 0.5
"""Part of the raw size that the deltas since a keyframe may add up to."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The deltas between a state of one storage and the keyframe (or checkpoint) that it is reached from.

    Counts only, so it is the same whoever works it out again, and what it costs can be judged by other costs later.

    Example:
        >>> chain = Chain().after(DeltaEdge(before="a", after="b", blob="d", size=900, changed_bytes=2_048))
        >>> chain.needs_keyframe(raw_bytes=40_000_000)
        False
    """

    steps: int = 0
    """Deltas."""
    delta_bytes: int = 0
    """Bytes of their blobs."""
    changed_bytes: int = 0
    """Bytes that they touch, together."""
    anchored: bool = True
    """Whether there is a keyframe or a checkpoint at its beginning, rather than nothing but live weights."""

    @classmethod
    def along(cls, path: Path, edges: Iterable[DeltaEdge]) -> Chain:
        """Give the chain of a state that was come to by a path: after a checkout, the next delta continues this one.

        Args:
            path: The way to the state from something that lasts; from live weights, the chain is not anchored.
            edges: Deltas, among them those of the path.
        """
        by_blob = {edge.blob: edge for edge in edges}
        chain = cls(anchored=path.source.kind != "live")
        for step in path.steps:
            chain = chain.after(by_blob[step.blob])
        return chain

    def after(self, delta: DeltaEdge) -> Chain:
        """Give the chain with one more delta."""
        return replace(
            self,
            steps=self.steps + 1,
            delta_bytes=self.delta_bytes + delta.size,
            changed_bytes=self.changed_bytes + delta.changed_bytes,
        )

    def keyframed(self) -> Chain:
        """Give the chain of a state that has just been kept whole."""
        return Chain()

    def replay_cost(self, costs: Costs = MEASURED) -> float:
        """Give what applying all its deltas costs, in copied bytes."""
        return costs.of_deltas(self.steps, self.delta_bytes, self.changed_bytes)

    def needs_keyframe(self, raw_bytes: int, costs: Costs = MEASURED) -> bool:
        """Say whether the state at its end is to be kept whole, beside the delta that led there.

        Args:
            raw_bytes: Size of the storage.
            costs: What the parts of a checkout cost.
        """
        if self.steps == 0 or not self.anchored:
            return not self.anchored
        return (
            self.steps >= MOST_STEPS
            or self.delta_bytes >= MOST_BYTES * raw_bytes
            or self.replay_cost(costs) > replay_allowed(raw_bytes, costs)
        )


def replay_allowed(raw_bytes: int, costs: Costs = MEASURED) -> float:
    """Give what the deltas since a keyframe may cost: what loading, verifying and putting in leave of the budget."""
    unavoidable = costs.of_keyframe(raw_bytes, raw_bytes) + costs.of_finishing(raw_bytes)
    return LOAD_BUDGET * costs.of_loading(raw_bytes) - unavoidable
