"""What differs between two checkpoints: one entry for each storage and each benchmark."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from introspection.html import card_html, list_html, table_html
from memory.query.checkpoints import BenchmarkChange, CheckpointInfo
from memory.recording.weight_diff import WeightDiff


@dataclass(frozen=True, slots=True)
class CheckpointComparison:
    """What differs between two checkpoints; printed, a line for each storage and each benchmark."""

    first: CheckpointInfo
    second: CheckpointInfo
    weights: WeightDiff
    """What differs in the weights: tied names are one change."""
    benchmarks: tuple[BenchmarkChange, ...]
    """What each of them scored, in order of metric."""

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON-serialisable values."""
        return {
            "first": self.first.checkpoint_id,
            "second": self.second.checkpoint_id,
            "weights": self.weights.to_dict(),
            "benchmarks": [asdict(each) for each in self.benchmarks],
        }

    def _repr_html_(self) -> str:
        facts = {
            "model": self.second.model,
            "first": f"{self.first.checkpoint_id} (position {self.first.position})",
            "second": f"{self.second.checkpoint_id} (position {self.second.position})",
        }
        weights = list_html("storages that differ", self.weights.entries)
        scored = table_html(self.benchmarks, caption="what they scored", empty="nothing was measured")
        return card_html("Two checkpoints", facts, weights, scored)

    def __str__(self) -> str:
        lines = [str(self.weights)]
        for each in self.benchmarks:
            change = "" if each.difference is None else f" ({each.difference:+.6g})"
            better = "" if each.better in (None, "same") else f", the {each.better} is better"
            lines.append(f"{each.metric}: {_shown(each.before)} to {_shown(each.after)}{change}{better}")
        return "\n".join(lines)


def _shown(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.6g}"
