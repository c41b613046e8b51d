"""When a keyframe is written beside a delta, so that no state is far from bytes that can be loaded.

The target is a bound on the whole: any checkout takes at most four times `torch.load` of the model. It holds because
each storage keeps within its own share: the way from its last keyframe, the verifying and the putting in, together at
most four times what `torch.load` takes for that storage. Costs add up over storages, so the shares add up to the bound,
whichever storages a checkout touches and in whatever states they were. A bound on the sum alone would save a tenth to a
third of the bytes and let one storage's own checkout take seven to fifty times its load.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from memory.weights.costs import MEASURED, Costs
from memory.weights.paths import DeltaEdge, Path

LOAD_BUDGET = 4.0
"""What a checkout may cost, in times `torch.load` of the same bytes."""

MOST_STEPS = 128
"""Deltas after which a keyframe is due however cheap they are: each is a blob that has to be there.

It only comes to this in storages above some 8 MB, for which 32 would write keyframes faster than the bound needs.
"""

MOST_BYTES = 0.5
"""Part of the raw size that the deltas since a keyframe stay below together."""

PACKED_AT_MOST = 0.1
"""Part of the raw size down to which a keyframe has to shrink to be kept compressed.

Weights shrink to 0.7 to 0.9 of their size, and then take seven to twelve times as long to load as plain bytes do: more
than the whole budget. What shrinks to a tenth (zeros, repeated rows) takes about twice as long.
"""


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

        Without anything that can be loaded at the beginning, that is so at once: best asked before the first write, for
        a keyframe of the bytes before it. After it, the bytes before would be a delta away for good.

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


def keeps_packed(raw_bytes: int, packed_bytes: int) -> bool:
    """Say whether a keyframe is kept compressed, rather than as the bytes are."""
    return packed_bytes <= PACKED_AT_MOST * raw_bytes


def replay_allowed(raw_bytes: int, costs: Costs = MEASURED) -> float:
    """Give what the deltas since a keyframe may cost: what loading, verifying and putting in leave of the budget."""
    unavoidable = costs.of_keyframe(raw_bytes, raw_bytes) + costs.of_finishing(raw_bytes)
    return LOAD_BUDGET * costs.at_once * costs.of_loading(raw_bytes) - unavoidable
