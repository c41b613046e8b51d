"""What an agent asks about what its layers compute, before and after an edit."""

from __future__ import annotations

from typing import Any

from memory.agent.bounding import Page
from memory.agent.desk import NONE_NAMED, Desk, Limit, Name, Names, Offset, Text
from memory.agent.marks import reads
from memory.errors import InvalidArgument

_KEPT_AT_ONCE = 8
_STATISTICS = ("shape", "mean", "std", "min", "max", "abs_mean", "l2_norm", "nan_count", "inf_count")
_COMPARED = ("equal", "cosine", "relative_change", "max_difference")


class ActivationTools:
    """What layers give for a text: statistics, and how far two runs differ.

    Args:
        desk: The model and the record they are about.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @reads()
    def get_activation_statistics(self, text: Text, layers: Names = NONE_NAMED, offset: Offset = 0) -> dict[str, Any]:
        """Run the model on a text and give statistics of what each layer gave: mean, spread, norm, NaN.

        Args:
            text: What the model reads.
            layers: Paths of modules, or patterns such as model.layers.*; empty for the blocks of the model.
            offset: How many entries to skip.
        """
        monitor = self._desk.monitor
        captured = monitor.capture_activations(text, self._layers(layers))
        names = list(captured)[offset:]
        found = monitor.get_activation_statistics(names[:100])
        rows = [{"layer": name, **{each: found[name][each] for each in _STATISTICS}} for name in found]
        return {"tokens": _tokens(captured), "layers": Page(rows, offset, more=len(names) > len(rows))}

    @reads()
    def compare_texts(
        self, first: Text, second: Text, layers: Names = NONE_NAMED, offset: Offset = 0
    ) -> dict[str, Any]:
        """Run the model on two texts and say how far what each layer gave differs.

        Args:
            first: A text.
            second: Another.
            layers: Paths of modules, or patterns; empty for the blocks of the model.
            offset: How many entries to skip.
        """
        monitor, wanted = self._desk.monitor, self._layers(layers)
        one, other = (monitor.capture_activations(text, wanted) for text in (first, second))
        return _told(monitor.compare_activations(one, other), offset)

    @reads()
    def keep_activations(self, label: Name, text: Text, layers: Names = NONE_NAMED) -> dict[str, Any]:
        """Run the model on a text and keep what its layers gave, to be compared with after an edit.

        Args:
            label: What to keep it under; the same label again replaces it.
            text: What the model reads.
            layers: Paths of modules, or patterns; empty for the blocks of the model.
        """
        if not label:
            raise InvalidArgument("label", label, "give it a name to ask for it by")
        captured = self._desk.monitor.capture_activations(text, self._layers(layers))
        kept = self._desk.kept
        kept.pop(label, None)
        kept[label] = text, captured
        while len(kept) > _KEPT_AT_ONCE:
            del kept[next(iter(kept))]
        return {"kept": label, "layers": len(captured), "tokens": _tokens(captured), "labels": list(kept)}

    @reads()
    def compare_with_kept(self, label: Name, offset: Offset = 0) -> dict[str, Any]:
        """Run the model again on the text kept under a label; say how far each layer now gives something else.

        Args:
            label: What keep_activations was called with.
            offset: How many entries to skip.
        """
        kept = self._desk.kept
        if label not in kept:
            known = f"kept are {', '.join(map(repr, kept))}" if kept else "call keep_activations first"
            raise InvalidArgument("label", label, known)
        text, before = kept[label]
        monitor = self._desk.monitor
        after = monitor.capture_activations(text, list(before.names))
        return {"label": label, **_told(monitor.compare_activations(before, after), offset)}

    @reads()
    def trace_token_influence(
        self, text: Text, index: int, layers: Names = NONE_NAMED, limit: Limit = 20
    ) -> dict[str, Any]:
        """Say how far one token of a text reaches: what changes in each layer without it.

        Args:
            text: What the model reads.
            index: The token's place, from 0; negative ones count from the end.
            layers: Paths of modules, or patterns; empty for the blocks of the model.
            limit: The most layers to give.
        """
        found = self._desk.monitor.trace_token_influence(text, index, list(layers) or None)
        rows = [{"layer": layer, **each} for layer, each in found.pop("layers").items()]
        return {**found, "layers": Page(rows[:limit], more=len(rows) > limit)}

    def _layers(self, layers: list[str]) -> list[str] | None:
        from introspection.layer_info import block_paths

        return list(layers) or block_paths(self._desk.module) or None


def _told(found: dict[str, Any], offset: int) -> dict[str, Any]:
    rows = [{"layer": name, **{each: row[each] for each in _COMPARED}} for name, row in found["layers"].items()]
    return {"most_changed": found["most_changed"], "layers": Page.of(rows, offset)}


def _tokens(captured: Any) -> list[str] | None:
    words = captured.sequence.tokens
    return None if not words else list(words[0])
