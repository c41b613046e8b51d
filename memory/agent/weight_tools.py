"""What an agent asks about weights."""

from __future__ import annotations

from typing import Any, Literal

from memory.agent.bounding import Page
from memory.agent.desk import Desk, Limit, Name, Offset
from memory.agent.marks import reads

_STATISTICS = (
    "shape", "dtype", "mean", "std", "min", "max", "median", "abs_mean", "l2_norm", "zero_share", "near_zero_share",
    "nan_count", "inf_count", "percentiles",
)  # fmt: skip
_COMPARED = (
    "comparable", "reason", "num_elements", "identical", "equal_bits_share", "max_abs_difference", "difference_norm",
    "relative_difference", "cosine", "correlation", "not_finite",
)  # fmt: skip


class WeightTools:
    """Weights by any of their names: what they are, what they are like, and which are one.

    Args:
        desk: The model and the record they are about.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @reads()
    def list_weights(self, filter: Name = "", offset: Offset = 0) -> dict[str, Any]:  # noqa: A002
        """List the model's weights by name, with shape and number format. Names are what other functions take.

        Args:
            filter: Only names that contain this text, or match it where it holds * or ?.
            offset: How many entries to skip.
        """
        found = self._desk.inspector.list_parameters(filter)
        rows = [{"name": each["name"], "shape": each["shape"], "dtype": each["dtype"]} for each in found]
        return {"count": len(rows), "weights": Page.of(rows, offset)}

    @reads()
    def get_weight_statistics(self, name: Name, histogram: bool = False) -> dict[str, Any]:
        """Statistics of one weight's values as they are now: mean, spread, norms, percentiles, NaN and zeros.

        Args:
            name: A weight's name, or a module's path.
            histogram: Whether to give a histogram too.
        """
        found = self._desk.inspector.get_weight_statistics(self._desk.tensor_name(name))
        told = {"name": name, **{each: found[each] for each in _STATISTICS if each in found}}
        if histogram:
            told["histogram"] = found["histogram"]
        if found.get("shared_with") and not self._desk.hide_sharing:
            told |= {"shared_with": found["shared_with"], "warning": found["warning"]}
        return told

    @reads()
    def compare_weights(self, first: Name, second: Name) -> dict[str, Any]:
        """Compare the values of two weights as they are now: how many are equal, and how far apart the rest is.

        Args:
            first: A weight's name.
            second: Another.
        """
        found = self._desk.inspector.compare_weights(self._desk.tensor_name(first), self._desk.tensor_name(second))
        told = {"first": first, "second": second, **{each: found[each] for each in _COMPARED if each in found}}
        if not self._desk.hide_sharing:
            told |= {"same_storage": found["same_storage"], "shared_bytes": found["shared_bytes"]}
        return told

    @reads(reveals=True)
    def find_similar_weights(
        self, name: Name, metric: Literal["correlation", "cosine", "l2"] = "correlation", limit: Limit = 10
    ) -> dict[str, Any]:
        """Find the weights most like one of them, among those of the same shape.

        Args:
            name: A weight's name.
            metric: What likeness is.
            limit: The most to give.
        """
        found = self._desk.inspector.find_similar_weights(self._desk.tensor_name(name), limit, metric)
        similar = [{"names": each["names"], "score": each["score"]} for each in found["similar"]]
        return {"name": name, "metric": metric, "other_names": found["aliases"], "similar": Page(similar)}

    @reads(reveals=True)
    def find_weight_anomalies(self, name: Name = "", offset: Offset = 0) -> dict[str, Any]:
        """Find what looks wrong in the weights: NaN, infinities, dead rows, constant weights, norms unlike siblings'.

        Args:
            name: A weight or module to look at; empty for the whole model.
            offset: How many entries to skip.
        """
        found = self._desk.inspector.detect_anomalies(name or None)
        findings = [
            {"names": each["names"], "kind": each["kind"], "severity": each["severity"], "words": each["words"]}
            for each in found["findings"]
        ]
        return {"checked": found["checked"], "counts": found["counts"], "findings": Page.of(findings, offset)}

    @reads(reveals=True)
    def get_weight_sharing(self, name: Name = "") -> dict[str, Any]:
        """Say which names are one and the same memory, so that a write to one changes the others.

        Args:
            name: A weight or module; empty for the whole model.
        """
        sharing = self._desk.sharing
        if name:
            keys = sharing.resolve(name)
            reached = {key: list(sharing.coupled(key)) for key in keys}
            return {"name": name, "a_write_also_changes": {key: others for key, others in reached.items() if others}}
        overlaps = [
            {"names": sorted(pair), "shared_bytes": each.shared_bytes}
            for pair, each in sharing.relations.items()
            if each.kind != "same"
        ]
        return {
            "one_tensor_each": Page([sorted(group) for group in sharing.groups]),
            "overlaps": overlaps,
            "computed_from_others": {name: list(sources) for name, sources in sharing.derived.items()},
        }
